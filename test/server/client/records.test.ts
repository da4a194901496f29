import { afterEach, expect, test } from "bun:test";
import type { ObservedEvent } from "../../../ffi/event.ts";
import { TargetPolicy } from "../../../ffi/target-policy.ts";
import { connect } from "../../../server/client/connect.js";
import { readRecords } from "../../../server/client/records.js";
import { Random } from "../../ffi/support/random.ts";
import { type HttpFields, ipv4, ipv6 } from "../../ffi/support/ring.ts";
import { endServing, serve } from "../support/serve.ts";
import { Synthetic } from "../support/synthetic.ts";

afterEach(endServing);

const SEED = 7;
const ROUNDS = 100;

/** Any event that there may be. */
function anyEvent(random: Random): HttpFields {
  const pick = <T>(...values: T[]): T => values[random.below(values.length)] as T;
  const address = () =>
    pick(
      ipv4(10, 0, 0, random.below(256)),
      ipv6(0xfd00, 0, 0, random.below(2), 0, 0, 0, 1),
      ipv6(0, 0, 0, 0, 0, 0, 0, random.below(2)),
      ipv6(1, 0, 0, 2, 0, 0, 3, 4),
      ipv6(1, 2, 3, 4, 5, 6, 7, 0),
      ipv6(0x2001, 0xdb8, 1, 2, 3, 4, 5, 6),
    );
  const startNs = 1_790_000_000_000_000_000n + BigInt(random.u32());
  const firstByteNs = pick(0n, startNs + BigInt(random.below(1e6)));
  return {
    startNs,
    firstByteNs,
    endNs: startNs + BigInt(1e6 + random.u32()),
    requestHeaderBytes: random.u32(),
    requestBodyBytes: pick(0n, 2n ** 40n),
    responseHeaderBytes: random.below(1000),
    responseBodyBytes: pick(0n, 5n, 2n ** 45n),
    client: address(),
    server: address(),
    answered: pick(new Uint8Array(16), address()),
    clientPort: random.below(65_536),
    serverPort: random.below(65_536),
    answeredPort: random.below(65_536),
    status: pick(0, 200, 404, 503),
    version: random.below(3),
    outcome: random.below(6),
    truncated: pick(true, false),
    method: pick("GET", "PROPFIND", "x"),
    target: pick("/", "/users/42", "/users/42/orders", "/a?b=1", "/ü/日本", "/a\u0000b", "*", "http://u:p@h/x", "/x?"),
    host: pick("", "a", "api.local:8080", "é.example"),
    userAgent: pick("", "curl/8.5.0", "x".repeat(88)),
    traceparent: pick("", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    tracestate: pick("", "a=1", "a=1,b=2"),
  };
}

const policies: [name: string, policy: TargetPolicy][] = [
  ["as they are", new TargetPolicy()],
  ["with templates and redactions", new TargetPolicy({ templates: ["/users/{id}"], redactions: [] })],
  ["as templates alone", new TargetPolicy({ templates: ["/users/{id}", "/é/**"], templateOnly: true })],
];

test.each(policies)("records give the same events as JSON, %s", async (_, policy) => {
  const synthetic = new Synthetic({ policy });
  const { hub, listener } = serve({ synthetic });
  const seen: Record<string, ObservedEvent[]> = { json: [], binary: [] };
  const connections = (["json", "binary"] as const).map((format) =>
    connect({ url: listener.url, format, transport: "websocket", onEvents: (events) => seen[format]?.push(...events) }),
  );
  await Promise.all(connections.map(({ opened }) => opened));
  expect(
    hub
      .stats()
      .subscribers.map(({ format }) => format)
      .sort(),
  ).toEqual(["binary", "json"]);
  const random = new Random(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    synthetic.http(Array.from({ length: 1 + random.below(20) }, () => anyEvent(random)));
    synthetic.endTurn();
  }
  for (const connection of connections) await connection.sync();
  expect(seen.json?.length).toBeGreaterThan(ROUNDS);
  expect(seen.binary).toEqual(seen.json as ObservedEvent[]);
  await Promise.all(connections.map((connection) => connection.close()));
});

test("a frame of another version is not taken for this one", () => {
  expect(() => readRecords(Uint8Array.of(2, 1, 8, 0, 0, 0, 0, 0).buffer, {})).toThrow("a frame of version 2");
});
