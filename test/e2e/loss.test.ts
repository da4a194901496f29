import { afterEach, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { exchange, expectExactly, startSite } from "./support/exchange.ts";
import { Network } from "./support/network.ts";
import { removeFolders } from "./support/nginx.ts";
import { joinByRoute } from "./support/topology.ts";
import { Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 60_000;
const PERCENT = 4;

/** Where packets are lost, by chance, and what the host sees of them. */
const places: [where: string, hook: "output" | "forward" | "input"][] = [
  ["before the host, which sees holes that are filled later", "output"],
  ["between two devices of the host, which sees what is lost on one of them", "forward"],
  ["behind the host, which sees everything, and some of it twice", "input"],
];

describeKernel("packets that are lost", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test.each(places)(
    "%s: every transaction is seen once",
    async (_where, hook) => {
      const [host, client, server] = await Promise.all([Network.open(), Network.open(), Network.open()]);
      await joinByRoute(host, client, server);
      for (const network of hook === "forward" ? [host] : [client, server]) {
        const drop = `meta l4proto tcp numgen random mod 100 < ${PERCENT} drop`;
        await network.output(
          "nft",
          `table inet line {\n chain c {\n type filter hook ${hook} priority 0\n ${drop}\n }\n }`,
        );
        // A segment a packet: else a whole super-packet is lost at once.
        for (const device of hook === "forward" ? ["port1", "port2"] : [network === client ? "port1" : "port2"])
          await network.output("ip", "link", "set", device, "gso_max_segs", "1");
      }
      await startSite(server, "80", "[::]:80");
      const watch = await Watch.start(host);
      const four = await exchange(client, "http://10.1.2.2", { chunks: false });
      const six = await exchange(client, "http://[fd00:2::2]", { chunks: false });
      expectExactly(await watch.events(), [...four, ...six]);
      await watch.expectNothingMissed("gaps");
    },
    LIMIT_MILLIS,
  );
});
