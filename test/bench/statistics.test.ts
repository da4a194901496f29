import { expect, test } from "bun:test";
import { percentilesOf, spreadOf } from "./statistics.ts";

test.each([
  { values: [3], median: 3, min: 3, max: 3 },
  { values: [9, 1, 5], median: 5, min: 1, max: 9 },
  { values: [4, 2, 8, 6], median: 5, min: 2, max: 8 },
])("the spread of $values", ({ values, ...spread }) => {
  expect(spreadOf(values)).toEqual(spread);
});

test("there is no spread of nothing", () => {
  expect(() => spreadOf([])).toThrow("expected at least one value");
});

test("percentiles lie between the ranks, whatever the order of the values", () => {
  const values = Array.from({ length: 1001 }, (_, at) => 1000 - at);
  expect(percentilesOf(values)).toEqual({ count: 1001, p50: 500, p99: 990, p999: 999, max: 1000 });
  expect(percentilesOf([])).toEqual({ count: 0, p50: 0, p99: 0, p999: 0, max: 0 });
});
