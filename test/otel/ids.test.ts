import { expect, test } from "bun:test";
import { IdGenerator } from "../../otel/ids.ts";

test("100,000 ids are well formed and all different", () => {
  const ids = new IdGenerator();
  const traces = new Set<string>();
  const spans = new Set<string>();
  for (let i = 0; i < 100_000; i++) {
    traces.add(ids.traceId());
    spans.add(ids.spanId());
  }
  expect(traces.size).toBe(100_000);
  expect(spans.size).toBe(100_000);
  for (const id of traces) expect(id).toMatch(/^[\da-f]{32}$/);
  for (const id of spans) expect(id).toMatch(/^[\da-f]{16}$/);
});

test("an id of zeros is never given out", () => {
  let fills = 0;
  const ids = new IdGenerator((bytes) => bytes.fill(fills++ === 0 ? 0 : 0xab));
  expect(ids.traceId()).toBe("ab".repeat(16));
  expect(ids.spanId()).toBe("ab".repeat(8));
});

test("random bytes are fetched for many ids at once", () => {
  let fills = 0;
  const ids = new IdGenerator((bytes) => {
    fills++;
    crypto.getRandomValues(bytes);
  });
  for (let i = 0; i < 1000; i++) ids.spanId();
  expect(fills).toBe(1);
});
