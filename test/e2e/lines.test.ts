import { afterEach, describe, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { joinByCable } from "./support/cable.ts";
import { endAll } from "./support/child.ts";
import { exchange, expectExactly, startSite } from "./support/exchange.ts";
import { Network } from "./support/network.ts";
import { removeFolders } from "./support/nginx.ts";
import { Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 30_000;

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
        const four = await exchange(client, `http://10.2.0.${number}`);
        const six = await exchange(client, `http://[fd00:2::${number}]`);
        expectExactly(await watch.events(), [...four, ...six]);
        // Segments that overtake the one that begins a connection's first request belong to nothing yet.
        await watch.expectNothingMissed(rules.some((rule) => /^(drop|late)/.test(rule)) ? "gaps" : "no gaps");
      },
      LIMIT_MILLIS,
    );
  });
});
