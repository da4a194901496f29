import { afterEach, expect, test } from "bun:test";
import { describeKernel } from "../kernel.ts";
import { SOCKETS_PER_DEVICE } from "./support/attach.ts";
import { addressPair } from "./support/cable.ts";
import { endAll } from "./support/child.ts";
import { exchange, expectExactly, startSite } from "./support/exchange.ts";
import { Network } from "./support/network.ts";
import { removeFolders } from "./support/nginx.ts";
import { Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 30_000;

/** Makes `top0` in a network on top of its `wire0`. */
type Stack = (network: Network, number: 1 | 2) => Promise<unknown>;

const stacks: [name: string, stack: Stack][] = [
  [
    "a bridge with one port",
    async (network) => {
      await network.output("ip", "link", "add", "top0", "type", "bridge");
      await network.output("ip", "link", "set", "wire0", "master", "top0", "up");
    },
  ],
  [
    "macvlan",
    async (network) => {
      await network.output("ip", "link", "set", "wire0", "up");
      await network.output("ip", "link", "add", "link", "wire0", "name", "top0", "type", "macvlan");
    },
  ],
  [
    "vxlan",
    async (network, number) => {
      await network.address("wire0", `10.9.0.${number}/24`);
      const ends = ["local", `10.9.0.${number}`, "remote", `10.9.0.${3 - number}`];
      await network.output("ip", "link", "add", "top0", "type", "vxlan", "id", "7", "dstport", "4789", ...ends);
    },
  ],
];

describeKernel("devices on top of others", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  async function expectSeenOnce(host: Network, other: Network): Promise<void> {
    await Promise.all([startSite(host, "80", "[::]:80"), startSite(other, "80", "[::]:80")]);
    const watch = await Watch.start(host);
    const exchanges = [
      await exchange(host, "http://10.2.0.2"),
      await exchange(other, "http://10.2.0.1"),
      await exchange(host, "http://[fd00:2::2]"),
      await exchange(other, "http://[fd00:2::1]"),
    ];
    expectExactly(await watch.events(), exchanges.flat());
    await watch.expectNothingMissed();
  }

  test.each(stacks)(
    "%s: a packet that both show is seen once",
    async (_name, stack) => {
      const [host, other] = await Promise.all([Network.open(), Network.open()]);
      await host.link("wire0", other);
      await stack(host, 1);
      await stack(other, 2);
      await addressPair("top0", host, other);
      await expectSeenOnce(host, other);
      expect(host.watchedDevices()).toHaveLength(3 * SOCKETS_PER_DEVICE);
    },
    LIMIT_MILLIS,
  );

  test(
    "ifb: what is redirected to be shaped is seen once",
    async () => {
      const [host, other] = await Promise.all([Network.open(), Network.open()]);
      await host.link("wire0", other);
      await host.output("ip", "link", "add", "ifb0", "type", "ifb");
      await host.output("ip", "link", "set", "ifb0", "up");
      await host.output("tc", "qdisc", "add", "dev", "wire0", "ingress");
      const redirect = ["u32", "match", "u32", "0", "0", "action", "mirred", "egress", "redirect", "dev", "ifb0"];
      await host.output("tc", "filter", "add", "dev", "wire0", "parent", "ffff:", "protocol", "all", ...redirect);
      await addressPair("wire0", host, other);
      await expectSeenOnce(host, other);
    },
    LIMIT_MILLIS,
  );
});
