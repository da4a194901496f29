import { afterAll, beforeAll, expect, test } from "bun:test";
import type { ObservedEvent, TcpEvent } from "../../ffi/event.ts";
import { endAll } from "../e2e/support/child.ts";
import { Network } from "../e2e/support/network.ts";
import { Service } from "../e2e/support/service.ts";
import type { Subscriber } from "../e2e/support/subscriber.ts";
import { type Played, playWire, type Step } from "../e2e/support/wire.ts";
import { describeKernel } from "../kernel.ts";
import { expectBalanced } from "./support/ledger.ts";

const LIMIT_MILLIS = 30_000;
/** Connections of all networks are reported, so ours have addresses that nobody else's have. */
const IPV4 = "127.83.17.6";
/** From which the former is connected to. */
const LOOPBACK = "127.0.0.1";
const IPV6 = "fd83:17::6";
const CLOSED_PORT = 9;
const LOCAL_PORT = 45_001;

const REQUEST = "GET /tcp HTTP/1.1\r\nHost: h\r\n\r\n";
const RESPONSE = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LARGE = "x".repeat(10_000);
const LARGE_TIMES = 10;

interface Side {
  sent: number;
  received: number;
  outcome: TcpEvent["outcome"];
}

interface Case {
  name: string;
  steps: Step[];
  client: Side;
  server: Side;
}

const exchanged: Step[] = [
  ["client", REQUEST],
  ["server", RESPONSE],
];
const client = { sent: REQUEST.length, received: RESPONSE.length };
const server = { sent: RESPONSE.length, received: REQUEST.length };

const CASES: Case[] = [
  {
    name: "closed by the client first",
    steps: [...exchanged, ["client", { do: "end" }], ["server", { do: "end" }]],
    client: { ...client, outcome: "fin" },
    server: { ...server, outcome: "fin" },
  },
  {
    name: "closed by the server first",
    steps: [...exchanged, ["server", { do: "end" }], ["client", { do: "end" }]],
    client: { ...client, outcome: "fin" },
    server: { ...server, outcome: "fin" },
  },
  {
    name: "reset by the client",
    steps: [...exchanged, ["client", { do: "reset" }]],
    client: { ...client, outcome: "reset" },
    server: { ...server, outcome: "reset" },
  },
  {
    name: "reset by the server",
    steps: [...exchanged, ["server", { do: "reset" }]],
    client: { ...client, outcome: "reset" },
    server: { ...server, outcome: "reset" },
  },
  {
    name: "reset by the client after the server had ended its side",
    steps: [...exchanged, ["server", { do: "end" }], ["client", { do: "reset" }]],
    client: { ...client, outcome: "reset" },
    server: { ...server, outcome: "reset" },
  },
  {
    name: "with 100,000 bytes to and fro",
    steps: [
      ...Array.from({ length: LARGE_TIMES }, (_, index): Step => [index % 3 === 0 ? "client" : "server", LARGE]),
      ["client", { do: "end" }],
      ["server", { do: "end" }],
    ],
    client: { sent: LARGE.length * 4, received: LARGE.length * 6, outcome: "fin" },
    server: { sent: LARGE.length * 6, received: LARGE.length * 4, outcome: "fin" },
  },
  {
    name: "without a byte",
    steps: [
      ["client", { do: "end" }],
      ["server", { do: "end" }],
    ],
    client: { sent: 0, received: 0, outcome: "fin" },
    server: { sent: 0, received: 0, outcome: "fin" },
  },
];

describeKernel("TCP connections as they close", () => {
  let network: Network;
  let service: Service;
  let subscriber: Subscriber;

  beforeAll(async () => {
    network = await Network.open();
    await network.output("ip", "address", "add", `${IPV6}/128`, "dev", "lo", "nodad");
    service = await Service.start(network, { flags: ["--protocols=http,tcp"] });
    subscriber = await service.subscribe();
  }, LIMIT_MILLIS);
  afterAll(endAll, LIMIT_MILLIS);

  /** What one POST /sync has brought of the connections of a port, the client's socket first; of HTTP only the paths. */
  async function eventsOf(port: number) {
    const { id, balanced, protocols } = await service.sync();
    expect({ balanced, protocols: Object.keys(protocols) }).toEqual({ balanced: true, protocols: ["http", "tcp"] });
    await subscriber.synced(id);
    const events: ObservedEvent[] = subscriber.events;
    const ours = events.flatMap((event) =>
      event.protocol === "tcp" &&
      [event.local.address, event.remote.address].some((address) => address === IPV4 || address === IPV6) &&
      [event.local.port, event.remote.port].includes(port)
        ? [event]
        : [],
    );
    return ours.sort((a, b) => a.role.localeCompare(b.role));
  }

  function expected(address: string, { clientPort, serverPort }: Played, { client, server }: Case) {
    const clientEnd = { address: address === IPV4 ? LOOPBACK : address, port: clientPort };
    const serverEnd = { address, port: serverPort };
    const side = (role: TcpEvent["role"], { sent, received, outcome }: Side) => ({
      role,
      bytesSent: sent,
      bytesReceived: received,
      outcome,
    });
    return [
      { ...side("client", client), local: clientEnd, remote: serverEnd },
      { ...side("server", server), local: serverEnd, remote: clientEnd },
    ];
  }

  test.each(CASES.flatMap((one) => [[one.name, IPV4, one] as const, [one.name, IPV6, one] as const]))(
    "%s, %s: two events, one of each end, with its own addresses, bytes, role and outcome",
    async (_name, address, one) => {
      const beganNanos = BigInt(Date.now()) * 1_000_000n;
      const played = await playWire(network, one.steps, address);
      const events = await eventsOf(played.serverPort);
      const endedNanos = BigInt(Date.now() + 1) * 1_000_000n;
      expect(
        events.map(({ role, local, remote, bytesSent, bytesReceived, outcome }) => ({
          role,
          local,
          remote,
          bytesSent,
          bytesReceived,
          outcome,
        })),
      ).toEqual(expected(address, played, one));
      for (const { startTimeUnixNano, durationNano, retransmits } of events) {
        const start = BigInt(startTimeUnixNano);
        expect(start >= beganNanos && start + BigInt(durationNano) <= endedNanos && durationNano > 0).toBe(true);
        expect(retransmits).toBe(0);
      }
    },
    LIMIT_MILLIS,
  );

  test(
    "a connection to a port where nobody listens is one event, refused",
    async () => {
      const url = `http://${IPV4}:${CLOSED_PORT}/`;
      const curl = network.start(["curl", "--silent", "--local-port", String(LOCAL_PORT), url]);
      expect((await curl.outcome()).exitCode).toBe(7);
      expect(await eventsOf(CLOSED_PORT)).toEqual([
        {
          protocol: "tcp",
          seq: expect.any(Number),
          cpu: expect.any(Number),
          startTimeUnixNano: expect.any(String),
          durationNano: expect.any(Number),
          local: { address: LOOPBACK, port: LOCAL_PORT },
          remote: { address: IPV4, port: CLOSED_PORT },
          role: "client",
          bytesSent: 0,
          bytesReceived: 0,
          retransmits: 0,
          outcome: "refused",
        },
      ]);
    },
    LIMIT_MILLIS,
  );

  test(
    "the HTTP transactions of these connections were delivered by the same barriers, one sequence for both protocols",
    async () => {
      const { id } = await service.sync();
      await subscriber.synced(id);
      const events: ObservedEvent[] = subscriber.events;
      const paths = events.flatMap((event) => (event.protocol === "http" ? [event.path] : []));
      const withRequest = CASES.filter(({ steps }) => steps[0]?.[1] === REQUEST).length * 2;
      expect(paths).toEqual(Array.from({ length: withRequest }, () => "/tcp"));
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    },
    LIMIT_MILLIS,
  );

  test(
    "the ledger balances for both protocols",
    async () => {
      const stats = await service.stats();
      expectBalanced(stats);
      expect(Object.keys(stats.protocols)).toEqual(["http", "tcp"]);
      expect(stats.protocols.tcp).toMatchObject({ dropped: {} });
    },
    LIMIT_MILLIS,
  );
});
