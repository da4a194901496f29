import { expect, test } from "bun:test";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { EncodedBatcher } from "../../otel/encoded-batcher.ts";
import { IdGenerator } from "../../otel/ids.ts";
import { knownMethods } from "../../otel/method.ts";
import { createSampler } from "../../otel/sampler.ts";
import { HEAD_ROOM, TraceRequest } from "../../otel/trace-request.ts";
import { httpEvents } from "./support/events.ts";
import { rawBatch } from "./support/raw.ts";
import { decodeTraceRequest } from "./support/trace-proto.ts";

const ids = new IdGenerator();

function batcherWith(sampler = "always_on", argument?: string): EncodedBatcher {
  return new EncodedBatcher({
    ids,
    sampler: createSampler({ name: sampler, argument, ids, warn: () => {} }),
    knownMethods: knownMethods(undefined),
    sideOf: () => "server",
    underClientSpan: false,
    optIn: { server: false, client: false },
  });
}

/** Adds spans of paths `/items/0` on. */
function add(batcher: EncodedBatcher, count: number): void {
  const batch = rawBatch(httpEvents(count));
  for (let i = 0; i < count; i++) if (batcher.wants(batch.at(i))) batcher.add(batch.at(i));
}

interface Span {
  attributes: { key: string; value: { stringValue: string } }[];
}

function paths(request: Uint8Array): string[] {
  const spans = decodeTraceRequest(request).resourceSpans[0]?.scopeSpans[0]?.spans as unknown as Span[];
  return spans.map(({ attributes }) => attributes.find(({ key }) => key === "url.path")?.value.stringValue ?? "");
}

const items = (count: number) => Array.from({ length: count }, (_, i) => `/items/${i}`);
const request = new TraceRequest(resourceFromAttributes({ "service.name": "x" }), "1.2.3");

test("payloads are apart, in order, and whole, whether or not buffers come back", () => {
  const batcher = batcherWith();
  for (const count of [3, 700, 1, 700, 2000, 2, 700]) {
    add(batcher, count);
    const payload = batcher.take();
    expect(paths(request.encode(payload))).toEqual(items(count));
    if (count !== 1) batcher.recycle(payload);
  }
});

test("a payload is not touched before it comes back", () => {
  const batcher = batcherWith();
  const payloads = Array.from({ length: 5 }, (_, i) => {
    add(batcher, 300 + i);
    return batcher.take();
  });
  add(batcher, 300);
  expect(payloads.map((payload) => paths(request.encode(payload)).length)).toEqual([300, 301, 302, 303, 304]);
});

test("a buffer that came back is used again, in place of a new one", () => {
  const batcher = batcherWith();
  add(batcher, 1000);
  const first = batcher.take();
  add(batcher, 1000);
  batcher.recycle(first);
  batcher.take();
  add(batcher, 1000);
  expect(batcher.take()).toBe(first);
});

test("small batches that wait keep no more memory than they need, also after large ones", () => {
  const batcher = batcherWith();
  add(batcher, 5000);
  batcher.take();
  const held = Array.from({ length: 50 }, () => {
    add(batcher, 1);
    return batcher.take();
  });
  for (const { bytes, at } of held) expect(bytes.length).toBe(at);
  expect(held[0]?.at).toBeLessThan(HEAD_ROOM + 1000);
});

test("a batch is full long before a request would be too large", () => {
  const batcher = batcherWith();
  let count = 0;
  while (!batcher.isFull) {
    add(batcher, 500);
    count += 500;
  }
  expect(count).toBeGreaterThan(5000);
  expect(request.encode(batcher.take()).length).toBeLessThan(9 * 1024 * 1024);
});

test("a ratio decides by the trace id that the span then has", () => {
  const batcher = batcherWith("traceidratio", "0.5");
  const sampler = createSampler({ name: "traceidratio", argument: "0.5", ids, warn: () => {} });
  const events = httpEvents(1000);
  const batch = rawBatch(events);
  const wanted = events.map((_, i) => batcher.wants(batch.at(i)));
  expect(wanted).toEqual(events.map((event) => sampler.wants(event)));
  expect(wanted.filter(Boolean).length).toBeWithin(400, 600);
});

test("a resource too large for the room before the spans is sent as well", () => {
  const batcher = batcherWith();
  const large = new TraceRequest(resourceFromAttributes({ "a.long": "x".repeat(HEAD_ROOM) }), "1.2.3");
  add(batcher, 20);
  const payload = batcher.take();
  expect(paths(large.encode(payload))).toEqual(items(20));
});

test("a request can be encoded twice from the same payload", () => {
  const batcher = batcherWith();
  add(batcher, 20);
  const payload = batcher.take();
  const once = Buffer.from(request.encode(payload));
  expect(Buffer.from(request.encode(payload)).equals(once)).toBe(true);
});
