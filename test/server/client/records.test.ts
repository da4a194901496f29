import { afterEach, expect, test } from "bun:test";
import type { ObservedEvent } from "../../../ffi/event.ts";
import { http_event, http_flags, http_outcome, text_limits } from "../../../ffi/layout.generated.ts";
import { TargetPolicy } from "../../../ffi/target-policy.ts";
import { connect } from "../../../server/client/connect.js";
import { OUTCOMES, PATH_TRUNCATED, readRecords } from "../../../server/client/records.js";
import { Random } from "../../ffi/support/random.ts";
import { type HttpFields, ipv4, ipv6 } from "../../ffi/support/ring.ts";
import { endServing, serve } from "../support/serve.ts";
import { Synthetic } from "../support/synthetic.ts";

afterEach(endServing);

const SEED = 7;
const ROUNDS = 100;
/** Room for a target of more bytes than one number of 8 bits says. */
const EVENT_SIZE = http_event.SIZE + 512;
const U16_MAX = 0xffff;
/** Exact in JSON. */
const U53_MAX = 2n ** 53n - 1n;

const longest = (limit: keyof typeof text_limits, text = "x") => text.repeat(text_limits[limit] / text.length);

/** Any event that there may be; of each number also the largest. */
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
    endNs: startNs + BigInt(1e6 + random.u32()) * pick(1n, 1000n),
    requestHeaderBytes: random.u32(),
    requestBodyBytes: pick(0n, 2n ** 40n, U53_MAX),
    responseHeaderBytes: random.u32(),
    responseBodyBytes: pick(0n, 5n, U53_MAX),
    client: address(),
    server: address(),
    answered: pick(new Uint8Array(16), address()),
    clientPort: random.below(65_536),
    serverPort: random.below(65_536),
    answeredPort: random.below(65_536),
    status: pick(0, 200, 404, 503, U16_MAX),
    version: random.below(3),
    outcome: random.below(Object.keys(http_outcome).length),
    truncated: pick(true, false),
    method: pick("GET", "PROPFIND", "x", longest("HTTP_METHOD_MAX")),
    target: pick(
      ...["/", "/users/42", "/users/42/orders", "/a?b=1", "/ü/日本", "/a\u0000b", "*", "http://u:p@h/x", "/x?"],
      `/${"x".repeat(500)}?${"y".repeat(200)}`,
    ),
    host: pick("", "a", "api.local:8080", "é.example", longest("HTTP_HOST_MAX")),
    userAgent: pick("", "curl/8.5.0", longest("HTTP_USER_AGENT_MAX")),
    traceparent: pick("", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", longest("HTTP_TRACEPARENT_MAX")),
    tracestate: pick("", "a=1", "a=1,b=2", longest("HTTP_TRACESTATE_MAX", "a=1,")),
  };
}

const policies: [name: string, policy: TargetPolicy][] = [
  ["as they are", new TargetPolicy()],
  ["with templates and redactions", new TargetPolicy({ templates: ["/users/{id}"], redactions: [] })],
  ["as templates alone", new TargetPolicy({ templates: ["/users/{id}", "/é/**"], templateOnly: true })],
];

test.each(policies)("records give the same events as JSON, %s", async (_, policy) => {
  const synthetic = new Synthetic({ policy, eventSize: EVENT_SIZE });
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

test("what the client knows by itself of outcomes and flags is what the contract says", () => {
  const names = Object.keys(http_outcome).map((name) => name.replace("HTTP_OUTCOME_", "").toLowerCase());
  expect([...OUTCOMES] as string[]).toEqual(names);
  expect(Object.values(http_outcome) as number[]).toEqual([...OUTCOMES.keys()]);
  expect({ HTTP_PATH_TRUNCATED: PATH_TRUNCATED }).toEqual(http_flags);
});

test("the client reads each member of the contract, and none that it has not", () => {
  const read = new Set<string>();
  const layout = new Proxy<Record<string, number>>(http_event, {
    get: (members, name) => {
      read.add(String(name));
      return members[String(name)];
    },
  });
  const record = new DataView(new ArrayBuffer(8 + 16 + http_event.SIZE));
  record.setUint8(0, 1);
  record.setUint16(2, 8, true);
  record.setUint32(8, 16 + http_event.SIZE, true);
  for (const member of [http_event.first_byte_ns, http_event.answered_address]) record.setUint8(24 + member, 1);
  expect(readRecords(record.buffer as ArrayBuffer, layout)).toHaveLength(1);
  // Texts are found by their lengths, one behind the other.
  const { SIZE: _, pad: __, traceparent, tracestate, host, user_agent, target, ...members } = http_event;
  expect([...read].sort()).toEqual(Object.keys(members).sort());
  const texts = [http_event.method, traceparent, tracestate, host, user_agent, target];
  expect(texts).toEqual(texts.toSorted((one, other) => one - other));
});

test("a frame of another version is not taken for this one", () => {
  expect(() => readRecords(Uint8Array.of(2, 1, 8, 0, 0, 0, 0, 0).buffer, {})).toThrow("a frame of version 2");
});
