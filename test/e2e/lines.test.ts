import { afterEach, describe, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { joinByCable } from "./support/cable.ts";
import { endAll } from "./support/child.ts";
import { exchange, expectExactly, expectOnce, startSite } from "./support/exchange.ts";
import { Network } from "./support/network.ts";
import { removeFolders } from "./support/nginx.ts";
import { Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 60_000;

/** What happens to each Nth packet with payload, in either direction. */
const lines: [what: string, ...rules: string[]][] = [
  ["without Ethernet headers"],
  ["with Ethernet headers", "tap"],
  ["on which each 4th packet comes late", "late=4"],
  ["on which each 3rd packet comes twice", "twice=3"],
  ["on which each 7th packet is lost", "drop=7"],
  ["on which packets are lost, late and repeated", "drop=13", "late=5", "twice=3"],
];

describeKernel("a line that packets cross in user space", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  /** What a bad line did to packets is seen by whoever receives them. */
  describe.each([
    ["requests", true],
    ["responses", false],
  ])("as %s come out of it", (_name, serverIsWatched) => {
    test.each(lines)(
      "%s",
      async (_what, ...rules) => {
        const [host, other] = await Promise.all([Network.open(), Network.open()]);
        await joinByCable(host, other, ...rules);
        const [client, server] = serverIsWatched ? [other, host] : [host, other];
        await startSite(server, "80", "[::]:80");
        const watch = await Watch.start(host);
        const number = serverIsWatched ? 1 : 2;
        const lossy = rules.some((rule) => rule.startsWith("drop"));
        const four = await exchange(client, `http://10.2.0.${number}`, { chunks: !lossy });
        const six = await exchange(client, `http://[fd00:2::${number}]`, { chunks: !lossy });
        expectExactly(await watch.events(), [...four, ...six]);
        // Segments that overtake the one that begins a connection's first request belong to nothing yet.
        const late = rules.some((rule) => rule.startsWith("late"));
        await watch.expectNothingMissed(lossy || late ? "gaps" : "no gaps");
      },
      LIMIT_MILLIS,
    );

    test(
      "so many packets are lost that chunks cannot be followed: what is reported is less, and true",
      async () => {
        const [host, other] = await Promise.all([Network.open(), Network.open()]);
        await joinByCable(host, other, "drop=5", "late=3", "twice=2");
        const [client, server] = serverIsWatched ? [other, host] : [host, other];
        await startSite(server, "80");
        const watch = await Watch.start(host);
        const transactions = await exchange(client, `http://10.2.0.${serverIsWatched ? 1 : 2}`, { count: 120 });
        expectOnce(await watch.eventsWhen(transactions.length), transactions);
        await watch.expectNothingMissed("gaps");
      },
      LIMIT_MILLIS,
    );
  });
});
