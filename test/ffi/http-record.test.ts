import { expect, test } from "bun:test";
import { RawBatch, ringMemory } from "../../ffi/batch.ts";
import { clockOffset } from "../../ffi/clock.ts";
import { decodeHttpEvent } from "../../ffi/decode.ts";
import type { RecordOutput } from "../../ffi/event.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { HttpEventView } from "../../ffi/http-view.ts";
import { batch as Batch, http_event as Http } from "../../ffi/layout.generated.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { anyHttpFields } from "../otel/support/http-fields.ts";
import { Random } from "./support/random.ts";
import { type HttpFields, httpBatch } from "./support/ring.ts";

const LONG_TARGET = 4064;

/** Room of a fixed size, filled with what must not be taken for text. */
function room(): RecordOutput {
  const memory = new ArrayBuffer(1 << 18);
  new Uint8Array(memory).fill(0xee);
  const reserve = (count: number) => expect(out.at + count).toBeLessThanOrEqual(memory.byteLength);
  const out: RecordOutput = { bytes: Buffer.from(memory), words: new Uint32Array(memory), at: 64, reserve };
  return out;
}

const TEXTS = ["method", "traceparent", "tracestate", "host", "user_agent"] as const;

/** What a copy decodes to when its texts are put where the struct has them: nothing is left to hide, nor a clock to be added. */
function decodeCopy(fields: HttpFields, policy: TargetPolicy, offsetNs = 0n, eventSize: number = Http.SIZE) {
  const cursor = new HttpCursor(policy);
  cursor.open(httpBatch([fields], { cpu: 3, eventSize }), 9, clockOffset(offsetNs));
  const out = room();
  cursor.at(0).copyTo(out);
  const copy = out.bytes.subarray(64, out.at);
  const targetLength = copy.readUInt16LE(Http.target_len);
  const memory = ringMemory(new ArrayBuffer(Batch.SIZE + Http.target + ((targetLength + 15) & ~7)));
  memory.u32[Batch.cpu >> 2] = 3;
  memory.u16[Batch.len >> 1] = 1;
  memory.u16[Batch.event_size >> 1] = memory.bytes.length - Batch.SIZE;
  copy.copy(memory.bytes, Batch.SIZE, 0, Http.method);
  let at: number = Http.method;
  const put = (to: number, length: number) => {
    copy.copy(memory.bytes, Batch.SIZE + to, at, at + length);
    const padded = at + ((length + 3) & ~3);
    expect(copy.subarray(at + length, padded).every((byte) => byte === 0)).toBe(true);
    at = padded;
  };
  for (const text of TEXTS) put(Http[text], copy[Http[`${text}_len`]] as number);
  put(Http.target, targetLength);
  expect(copy.length).toBe((at + 7) & ~7);
  expect(copy.subarray(at).every((byte) => byte === 0)).toBe(true);
  const batch = new RawBatch(memory, 0);
  const view = new HttpEventView(batch, batch.eventOffset(0));
  return { copied: decodeHttpEvent(view, 9, clockOffset(0n), new TargetPolicy()), original: cursor.at(0).decode() };
}

const POLICIES: [string, TargetPolicy][] = [
  ["no rule", new TargetPolicy({ secretParameters: ["a"] })],
  ["redactions", new TargetPolicy({ redactions: [{ pattern: "\\d", replacement: "\u00fc\u00fc\u00fc" }] })],
];

test.each(POLICIES)("a copy is what may be reported of an event, with %s", (_, policy) => {
  const random = new Random(3);
  for (let round = 0; round < 1500; round++) {
    const { copied, original } = decodeCopy(anyHttpFields(random), policy);
    // A query of which nothing is left is none; an end before the start is the start.
    expect({ ...copied, durationNano: 0 }).toEqual({ ...original, durationNano: 0 });
    expect(copied.durationNano).toBe(Math.max(0, original.durationNano));
  }
});

test("nor is more of a long target", () => {
  const random = new Random(4);
  for (let round = 0; round < 300; round++) {
    const fields = anyHttpFields(random, LONG_TARGET);
    const { copied, original } = decodeCopy(fields, POLICIES[1]?.[1] as TargetPolicy, 0n, Http.target + LONG_TARGET);
    expect([copied.path, copied.query]).toEqual([original.path, original.query]);
  }
});

test("its times are those of the wall clock", () => {
  const fields = { startNs: 0xffff_ffffn, firstByteNs: 0x1_0000_0005n, endNs: 0x1_0000_0010n };
  const { copied, original } = decodeCopy(fields, new TargetPolicy(), 1_735_689_600_000_000_123n);
  expect(copied).toEqual(original);
  expect(copied).toMatchObject({ startTimeUnixNano: "1735689604294967418", timeToFirstByteNano: 6, durationNano: 17 });
});

test("a target that redactions make longer than its length can say is cut, and says so", () => {
  const policy = new TargetPolicy({ redactions: [{ pattern: "\\d", replacement: "x".repeat(2000) }] });
  const target = `/${"7".repeat(LONG_TARGET - 1)}`;
  const { copied, original } = decodeCopy({ target }, policy, 0n, Http.target + LONG_TARGET);
  expect(original.path.length).toBeGreaterThan(0xffff);
  expect(copied.path).toBe(original.path.slice(0, 0xffff));
  expect(copied.pathTruncated).toBe(true);
});
