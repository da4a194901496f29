import { expect, test } from "bun:test";
import { FrameCutter } from "./frames.ts";
import { Tally } from "./tally.ts";

const event = (seq: number, port = 80) => ({
  protocol: "http",
  seq,
  cpu: 0,
  startTimeUnixNano: "1790000000999999999",
  durationNano: 1_000_001,
  client: { address: "127.0.0.1", port: 40_000 },
  server: { address: "127.0.0.1", port },
  path: '/"server":{"address":"127.0.0.1","port":80}',
});

const batch = (...events: object[]) => JSON.stringify({ type: "batch", protocol: "http", events });

function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.alloc(payload.length > 65_535 ? 10 : payload.length > 125 ? 4 : 2);
  head[0] = 0x81;
  head[1] = head.length === 10 ? 127 : head.length === 4 ? 126 : payload.length;
  if (head.length === 10) head.writeBigUInt64BE(BigInt(payload.length), 2);
  if (head.length === 4) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}

test("frames of every length come out whole, however the bytes were cut", () => {
  const texts = ["", "a", "b".repeat(126), "c".repeat(70_000), "d"];
  const bytes = Buffer.concat(texts.map(frame));
  for (const step of [1, 2, 3, 7, 1000, bytes.length]) {
    const cutter = new FrameCutter();
    const got: string[] = [];
    for (let at = 0; at < bytes.length; at += step)
      cutter.push(bytes.subarray(at, at + step), (_, payload) => got.push(payload.toString()));
    expect(got).toEqual(texts);
  }
});

test("counts the watched server's transactions alone, and times them from their end", () => {
  const tally = new Tally("127.0.0.1", 80);
  tally.frame(Buffer.from(batch(event(1), event(2, 8080), event(3))), 1_790_000_001_010);
  const { events, breaks, gaps, latency } = tally.report();
  expect({ events, breaks, gaps }).toEqual({ events: 2, breaks: 0, gaps: 0 });
  expect(latency.count).toBe(2);
  expect(latency.max).toBeCloseTo(9, 3);
});

test("a repeated, a missing and a swapped event are each a break; an announced gap is none", () => {
  const tally = new Tally("127.0.0.1", 80);
  const feed = (text: string) => tally.frame(Buffer.from(text), 0);
  feed(batch(event(1), event(2)));
  feed('{"type":"gap","dropped":3,"fromSeq":3,"toSeq":5}');
  feed(batch(event(6)));
  feed('{"type":"sync","id":12}');
  expect([tally.report().breaks, tally.report().gaps, tally.syncId]).toEqual([0, 3, 12]);
  feed(batch(event(6)));
  feed(batch(event(8)));
  expect(tally.report().breaks).toBe(2);
});
