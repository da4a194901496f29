import { afterEach, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { endAll } from "./support/child.ts";
import { exchange, expectExactly, startSite } from "./support/exchange.ts";
import { Network } from "./support/network.ts";
import { removeFolders } from "./support/nginx.ts";
import { joinByBridge, joinByRoute } from "./support/topology.ts";
import { Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 30_000;
const LISTEN = ["80", "[::]:80"];

/** The service's network, and others that reach one another only through it. */
function networks(count: number): Promise<Network[]> {
  return Promise.all(Array.from({ length: count }, () => Network.open()));
}

describeKernel("traffic between namespaces", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  const ways = [
    ["a bridge", joinByBridge, "10.1.0.2", "[fd00::2]"],
    ["a router", joinByRoute, "10.1.2.2", "[fd00:2::2]"],
  ] as const;
  for (const when of ["before", "after"] as const) {
    test.each(ways)(
      `that crosses several devices of the host through %s, made ${when} the start, is seen once`,
      async (_name, join, server4, server6) => {
        const [host, client, server] = (await networks(3)) as [Network, Network, Network];
        await startSite(server, ...LISTEN);
        if (when === "before") await join(host, client, server);
        const watch = await Watch.start(host);
        if (when === "after") await join(host, client, server);
        await host.allWatched();
        const four = await exchange(client, `http://${server4}`);
        const six = await exchange(client, `http://${server6}`);
        expectExactly(await watch.events(), [...four, ...six]);
        expect(new Set((await watch.events()).map(({ server }) => server.address))).toEqual(
          new Set([server4, server6.slice(1, -1)]),
        );
        await watch.expectNothingMissed();
      },
      LIMIT_MILLIS,
    );
  }

  test(
    "that goes both ways between three networks and the bridge's host, all at once, is seen once",
    async () => {
      const [host, ...others] = (await networks(4)) as [Network, ...Network[]];
      await joinByBridge(host, ...others);
      await host.address("bridge0", "10.1.0.254/24");
      await Promise.all([host, ...others].map((network) => startSite(network, ...LISTEN)));
      const watch = await Watch.start(host);
      const [one, two, three] = others as [Network, Network, Network];
      const exchanges = await Promise.all([
        exchange(one, "http://10.1.0.2"),
        exchange(two, "http://10.1.0.3"),
        exchange(three, "http://10.1.0.1"),
        exchange(three, "http://10.1.0.254"),
        exchange(host, "http://10.1.0.2"),
      ]);
      expectExactly(await watch.events(), exchanges.flat());
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test(
    "over IPv6 alone is seen once",
    async () => {
      const [host, other] = (await networks(2)) as [Network, Network];
      await host.link("wire0", other);
      await host.output("ip", "address", "flush", "dev", "lo", "to", "127.0.0.0/8");
      await host.address("wire0", "fd00::1/64");
      await other.address("wire0", "fd00::2/64");
      await startSite(other, "[::]:80");
      const watch = await Watch.start(host, "--host=::1");
      const transactions = await exchange(host, "http://[fd00::2]");
      expectExactly(await watch.events(), transactions);
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test.each([
    ["the least that IPv6 allows", "1280"],
    ["jumbo frames", "9000"],
  ])(
    "in packets of %s is seen once",
    async (_name, mtu) => {
      const [host, client, server] = (await networks(3)) as [Network, Network, Network];
      await joinByRoute(host, client, server);
      for (const [network, device] of [
        [client, "port1"],
        [host, "port1"],
        [host, "port2"],
        [server, "port2"],
      ] as const) {
        // One segment a packet: no offload hides the size.
        await network.output("ip", "link", "set", device, "mtu", mtu, "gso_max_segs", "1");
      }
      await startSite(server, ...LISTEN);
      const watch = await Watch.start(host);
      const four = await exchange(client, "http://10.1.2.2");
      const six = await exchange(client, "http://[fd00:2::2]");
      expectExactly(await watch.events(), [...four, ...six]);
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test(
    "that IPv6 segment routing sends through the host is seen once, with the server it is for",
    async () => {
      const [host, client, server] = (await networks(3)) as [Network, Network, Network];
      await joinByRoute(host, client, server);
      for (const [network, device] of [
        [host, "port1"],
        [server, "port2"],
      ] as const) {
        await network.output("sysctl", "-q", ...["all", device].map((name) => `net.ipv6.conf.${name}.seg6_enabled=1`));
      }
      await host.output("ip", "address", "add", "fd00:9::1/128", "dev", "lo");
      const through = ["via", "fd00:1::fe", "encap", "seg6", "mode", "inline", "segs", "fd00:9::1"];
      // Less than the device's, so that the list of segments has room.
      await client.output("ip", "-6", "route", "add", "fd00:2::2/128", "dev", "port1", "mtu", "1400", ...through);
      await startSite(server, "[::]:80");
      const watch = await Watch.start(host);
      const transactions = await exchange(client, "http://[fd00:2::2]");
      const events = await watch.events();
      expectExactly(events, transactions);
      expect(new Set(events.map(({ server }) => server.address))).toEqual(new Set(["fd00:2::2"]));
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test(
    "in super-packets longer than IPv6 can say is seen once",
    async () => {
      const [host, other] = (await networks(2)) as [Network, Network];
      await host.link("wire0", other);
      for (const network of [host, other])
        await network.output("ip", "link", "set", "wire0", "gso_max_size", "190000", "gro_max_size", "190000");
      await host.address("wire0", "fd00::1/64");
      await other.address("wire0", "fd00::2/64");
      await startSite(other, "[::]:80");
      // Their length is 0, and the real one in a hop-by-hop option.
      const count = "add table netdev t; add chain netdev t c { type filter hook ingress device wire0 priority 0; }";
      await host.output("nft", `${count}; add rule netdev t c ip6 length 0 counter`);
      const watch = await Watch.start(host);
      const transactions = await exchange(host, "http://[fd00::2]", { count: 100 });
      expectExactly(await watch.events(), transactions);
      await watch.expectNothingMissed();
      expect(await host.output("nft", "list", "table", "netdev", "t")).toMatch(/counter packets [1-9]/);
    },
    LIMIT_MILLIS,
  );
});
