import { expect, test } from "bun:test";
import { clockOffset } from "../../ffi/clock.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { http_event, http_flags, http_outcome } from "../../ffi/layout.generated.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { writeJson } from "../../server/json.ts";
import { Writer } from "../../server/writer.ts";
import { Random } from "../ffi/support/random.ts";
import { type HttpFields, httpBatch, ipv4, ipv6 } from "../ffi/support/ring.ts";
import { anyHttpFields } from "../otel/support/http-fields.ts";

/** Events are made up at any time of 64 bits, so that nothing may be added. */
const CLOCK = clockOffset(0n);
const LONG_TARGET = 4064;

const POLICIES: [string, TargetPolicy][] = [
  ["no rule", new TargetPolicy()],
  ["redactions", new TargetPolicy({ redactions: [{ pattern: "\\d+", replacement: 'ü"\n' }] })],
  ["templates", new TargetPolicy({ templates: ["/users/{id}", "/items/*"], secretParameters: ["a"] })],
  ["templates only", new TargetPolicy({ templates: ["/users/{id}"], templateOnly: true })],
];

/** Both forms of each event, written one behind the other as in a frame. */
function expectAlike(events: HttpFields[], policy: TargetPolicy, eventSize?: number): void {
  const cursor = new HttpCursor(policy);
  cursor.open(httpBatch(events, { cpu: 3, ...(eventSize === undefined ? {} : { eventSize }) }), 41, CLOCK);
  const out = new Writer();
  const ends = events.map((_, index) => {
    writeJson(cursor.at(index), out);
    return out.at;
  });
  let start = 0;
  for (const [index, end] of ends.entries()) {
    expect(out.read(start, end)).toBe(JSON.stringify(cursor.at(index).decode()));
    start = end;
  }
}

test.each(POLICIES)("any event is the JSON of what it decodes to, byte for byte, with %s", (_, policy) => {
  const random = new Random(7);
  for (let round = 0; round < 150; round++)
    expectAlike(
      Array.from({ length: 20 }, () => anyHttpFields(random)),
      policy,
    );
});

test("an event of the build that keeps long paths, too", () => {
  const random = new Random(8);
  const long = () => anyHttpFields(random, LONG_TARGET);
  for (let round = 0; round < 40; round++)
    expectAlike(Array.from({ length: 5 }, long), new TargetPolicy(), http_event.target + LONG_TARGET);
});

test("each byte, wherever it stands in a text of any length", () => {
  for (let byte = 0; byte < 256; byte++) {
    const events = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((length) =>
      Array.from({ length }, (_, at): HttpFields => {
        const text = Buffer.alloc(length, "a");
        text[at] = byte;
        return {
          method: text,
          host: text,
          userAgent: text,
          target: Buffer.concat([Buffer.from("/"), text, Buffer.from("?x")]),
          pathLength: length + 1,
        };
      }),
    );
    expectAlike(events, new TargetPolicy());
  }
});

test.each<[string, HttpFields]>([
  ["a text that ends within a character", { host: Buffer.from("caf\u00e9").subarray(0, 4) }],
  ["surrogates, which are none in UTF-8", { userAgent: Uint8Array.of(0xed, 0xa0, 0x80, 0xed, 0xb0, 0x80) }],
  ["overlong forms", { host: Uint8Array.of(0xc0, 0xaf, 0xe0, 0x80, 0xaf) }],
  ["a secret in the query", { target: "/a?sig=x&b=\u00fc", pathLength: 2 }],
  [
    "addresses of every kind",
    { client: ipv4(255, 99, 10, 0), server: ipv6(0, 0, 0, 1, 0, 0, 0, 0), answered: ipv6(1, 2, 3, 4, 5, 6, 7, 8) },
  ],
  [
    "an IPv6 address that holds an IPv4 one",
    { client: ipv6(0, 0, 0, 0, 0, 0, 0x0a00, 1), server: ipv6(0, 0, 0, 0, 0, 0, 0, 0) },
  ],
  [
    "numbers at their ends",
    {
      requestHeaderBytes: 2 ** 32 - 1,
      requestBodyBytes: 2n ** 53n - 1n,
      firstByteNs: 1n,
      responseBodyBytes: 2n ** 64n - 1n,
    },
  ],
  ["a duration below zero", { startNs: 5_000_000_000n, endNs: 4_999_999_999n }],
  ["a first byte before the start", { startNs: 5_000_000_000n, firstByteNs: 1n }],
  ["an outcome and a version that there are not", { outcome: 77, version: 9 }],
])("%s", (_, fields) => expectAlike([fields], new TargetPolicy()));

test("whole numbers of every length", () => {
  const numbers = Array.from({ length: 53 }, (_, power) => [2 ** power - 1, 2 ** power, 2 ** power + 1]).flat();
  for (let power = 1; power < 16; power++) numbers.push(10 ** power - 1, 10 ** power);
  for (const number of numbers) {
    const out = new Writer();
    out.number(number);
    expect(out.read(0, out.at)).toBe(String(number));
  }
});

test("every outcome and flag of the kernel is known by its name", () => {
  expectAlike(
    Object.values(http_outcome).map((outcome) => ({ outcome })),
    new TargetPolicy(),
  );
  expect(http_flags).toEqual({ HTTP_PATH_TRUNCATED: 1 });
});

test("what was written stays when more room is needed", () => {
  const random = new Random(9);
  expectAlike(
    Array.from({ length: 1000 }, () => anyHttpFields(random)),
    new TargetPolicy(),
  );
});
