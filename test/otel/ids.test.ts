import { expect, test } from "bun:test";
import { IdGenerator } from "../../otel/ids.ts";

const ZEROS = (bytes: Uint8Array) => bytes.fill(0);

test("100,000 ids are well formed and all different", () => {
  const ids = new IdGenerator();
  const traces = new Set<string>();
  const spans = new Set<string>();
  for (let seq = 1; seq <= 100_000; seq++) {
    traces.add(ids.traceId(seq));
    spans.add(ids.spanId(seq, "server"));
    spans.add(ids.spanId(seq, "client"));
  }
  expect([traces.size, spans.size]).toEqual([100_000, 200_000]);
  for (const id of traces) expect(id).toMatch(/^[\da-f]{32}$/);
  for (const id of spans) expect(id).toMatch(/^[\da-f]{16}$/);
});

test("an id is the event's own: asked again, also as bytes, it is the same", () => {
  const ids = new IdGenerator();
  const bytes = Buffer.alloc(24);
  for (const seq of [1, 2, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    ids.writeTraceId(seq, bytes, 0);
    ids.writeSpanId(seq, "client", bytes, 16);
    expect(bytes.toString("hex")).toBe(ids.traceId(seq) + ids.spanId(seq, "client"));
  }
});

test("two processes give the same event different ids", () => {
  const [one, other] = [new IdGenerator(), new IdGenerator()];
  expect(one.traceId(7)).not.toBe(other.traceId(7));
  expect(one.spanId(7, "server")).not.toBe(other.spanId(7, "server"));
});

test("sequence numbers beyond 32 bits have ids of their own", () => {
  const ids = new IdGenerator();
  expect(new Set([1, 1 + 2 ** 32, 1 + 2 ** 33].map((seq) => ids.spanId(seq, "server"))).size).toBe(3);
});

test("an id of zeros is never given out, even where the mixer comes to it", () => {
  const ids = new IdGenerator(ZEROS);
  expect(ids.spanId(0, "server")).toBe("0000000000000001");
});

/** A ratio is taken of trace ids, so every one of their bits must be even; 5 σ of 20,000 tosses is 354. */
test("each bit of a trace id is set in half of them", () => {
  const ids = new IdGenerator();
  const set = new Uint32Array(128);
  const bytes = Buffer.alloc(16);
  for (let seq = 1; seq <= 20_000; seq++) {
    ids.writeTraceId(seq, bytes, 0);
    for (let bit = 0; bit < 128; bit++) set[bit] = (set[bit] ?? 0) + (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1);
  }
  for (const count of set) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});
