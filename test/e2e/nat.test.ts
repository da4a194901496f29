import { afterEach, expect, test } from "bun:test";
import type { Endpoint } from "../../ffi/event.ts";
import { describeKernel } from "../kernel.ts";
import { ATTACH } from "./support/attach.ts";
import { endAll } from "./support/child.ts";
import { exchange, expectExactly, startSite } from "./support/exchange.ts";
import { Network } from "./support/network.ts";
import { removeFolders } from "./support/nginx.ts";
import { joinByBridge, joinByRoute } from "./support/topology.ts";
import { Watch } from "./support/watch.ts";

const LIMIT_MILLIS = 30_000;

/** One translation: what the client asks, and what an event says of who was asked and who answered. */
interface Nat {
  name: string;
  /** nftables statements of the hooks that translate. */
  prerouting?: string;
  output?: string;
  postrouting?: string;
  bridged?: true;
  /** Asks: the client's network unless this is set. */
  fromHost?: true;
  asked: string;
  server: string;
  answeredBy?: string[];
  /** The same where it is seen at the sockets: they know what no device shows. */
  atSockets?: Pick<Nat, "server" | "answeredBy">;
}

const nats: Nat[] = [
  {
    name: "DNAT to another network",
    prerouting: "tcp dport 8080 dnat ip to 10.1.2.2:80",
    asked: "10.1.1.254:8080",
    server: "10.1.1.254:8080",
    answeredBy: ["10.1.2.2:80"],
  },
  {
    name: "DNAT over IPv6",
    prerouting: "tcp dport 8080 dnat ip6 to [fd00:2::2]:80",
    asked: "[fd00:1::fe]:8080",
    server: "fd00:1::fe:8080",
    answeredBy: ["fd00:2::2:80"],
  },
  {
    name: "DNAT to two servers in turn",
    prerouting: "tcp dport 8080 dnat ip to numgen inc mod 2 map { 0 : 10.1.2.2, 1 : 10.1.3.3 }:80",
    asked: "10.1.1.254:8080",
    server: "10.1.1.254:8080",
    answeredBy: ["10.1.2.2:80", "10.1.3.3:80"],
  },
  {
    name: "masquerade, with other ports",
    postrouting: 'oifname "port2" masquerade fully-random',
    asked: "10.1.2.2",
    server: "10.1.2.2:80",
  },
  {
    name: "SNAT",
    postrouting: 'oifname "port2" meta l4proto tcp snat ip to 10.1.2.254:40000-49999',
    asked: "10.1.2.2",
    server: "10.1.2.2:80",
  },
  {
    name: "DNAT and masquerade at once",
    prerouting: "tcp dport 8080 dnat ip to 10.1.2.2:80",
    postrouting: 'oifname "port2" masquerade fully-random',
    asked: "10.1.1.254:8080",
    server: "10.1.1.254:8080",
    answeredBy: ["10.1.2.2:80"],
  },
  {
    name: "a published port of a neighbour on the same bridge",
    bridged: true,
    prerouting: "tcp dport 8080 dnat ip to 10.1.0.2:80",
    postrouting: "ip daddr 10.1.0.2 masquerade",
    asked: "10.1.0.254:8080",
    server: "10.1.0.254:8080",
    answeredBy: ["10.1.0.2:80"],
  },
  // Who answers inside the host shows on no device: the translation comes behind the last one.
  {
    name: "REDIRECT to another port of the host",
    prerouting: "tcp dport 8080 redirect to :80",
    asked: "10.1.1.254:8080",
    server: "10.1.1.254:8080",
    atSockets: { server: "10.1.1.254:8080", answeredBy: ["10.1.1.254:80"] },
  },
  {
    name: "REDIRECT of what was meant for another host",
    prerouting: "tcp dport 80 redirect to :80",
    asked: "10.1.2.2",
    server: "10.1.2.2:80",
    atSockets: { server: "10.1.2.2:80", answeredBy: ["10.1.1.254:80"] },
  },
  // Who was asked shows on no device: the translation comes before the first one.
  {
    name: "DNAT of what the host itself asks",
    fromHost: true,
    output: "ip daddr 10.99.0.1 tcp dport 80 dnat ip to 10.1.2.2",
    asked: "10.99.0.1",
    server: "10.1.2.2:80",
    atSockets: { server: "10.99.0.1:80", answeredBy: ["10.1.2.2:80"] },
  },
];

function ruleset(nat: Pick<Nat, "prerouting" | "output" | "postrouting">): string {
  const chains = (["prerouting", "output", "postrouting"] as const).map((hook) => {
    const priority = hook === "postrouting" ? 100 : -100;
    return `chain ${hook} {\n type nat hook ${hook} priority ${priority}\n ${nat[hook] ?? ""}\n }`;
  });
  return `table inet nat {\n ${chains.join("\n")}\n }`;
}

const text = ({ address, port }: Endpoint) => `${address}:${port}`;

describeKernel("a connection that the host translates", () => {
  afterEach(async () => {
    await endAll();
    removeFolders();
  });

  test.each(nats.map((nat) => [nat.name, nat] as const))(
    "%s: is seen once, as the client knows it",
    async (_name, nat) => {
      const [host, ...others] = (await Promise.all([1, 2, 3, 4].map(() => Network.open()))) as [Network, ...Network[]];
      await (nat.bridged ? joinByBridge : joinByRoute)(host, ...others);
      if (nat.bridged) await host.address("bridge0", "10.1.0.254/24");
      await host.output("sysctl", "-q", "net.ipv4.ip_forward=1");
      await host.output("ip", "route", "add", "10.99.0.0/24", "dev", nat.bridged ? "bridge0" : "port2");
      await host.output("nft", ruleset(nat));
      await Promise.all([host, ...others].map((network) => startSite(network, "80", "[::]:80")));
      const watch = await Watch.start(host);
      const transactions = await exchange(nat.fromHost ? host : (others[0] as Network), `http://${nat.asked}`);
      const events = await watch.events();
      expectExactly(events, transactions);
      const { server, answeredBy } = (ATTACH === "cgroup" && nat.atSockets) || nat;
      expect(new Set(events.map((event) => text(event.server)))).toEqual(new Set([server]));
      const answered = events.flatMap((event) => (event.answeredBy ? [text(event.answeredBy)] : []));
      expect(new Set(answered)).toEqual(new Set(answeredBy));
      expect(answered).toHaveLength(answeredBy ? events.length : 0);
      await watch.expectNothingMissed();
    },
    LIMIT_MILLIS,
  );

  test(
    "REDIRECT of what the host asks to the host itself: on lo only the questions have the address of the connection",
    async () => {
      const host = await Network.open();
      await host.output("ip", "address", "add", "10.99.0.2/24", "dev", "lo");
      await host.output("nft", ruleset({ output: "ip daddr 10.99.0.1 tcp dport 80 redirect to :80" }));
      await startSite(host, "80");
      const watch = await Watch.start(host, "--idle-timeout-seconds=1");
      const transactions = await exchange(host, "http://10.99.0.1");
      const events = await watch.eventsWhen(transactions.length);
      if (ATTACH === "cgroup") {
        expectExactly(events, transactions);
        expect(new Set(events.map(({ answeredBy }) => answeredBy && text(answeredBy)))).toEqual(
          new Set(["127.0.0.1:80"]),
        );
        return;
      }
      const asked = transactions.map((text) => text.split(" ")[3] as string);
      expect(events.map(({ path }) => path).sort()).toEqual(asked.sort());
      expect(new Set(events.map(({ status }) => status))).toEqual(new Set([0]));
    },
    LIMIT_MILLIS,
  );
});
