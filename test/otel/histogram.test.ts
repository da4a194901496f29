import { expect, test } from "bun:test";
import { Histogram } from "../../otel/histogram.ts";
import { seededRandom } from "./support/random.ts";

test.each([
  [-1, 0],
  [0, 0],
  [10, 0],
  [10.5, 1],
  [20, 1],
  [21, 2],
  [Number.MAX_SAFE_INTEGER, 2],
])("%d falls into bucket %i: a bound belongs to what is below it", (value, bucket) => {
  expect(new Histogram([10, 20]).record(value)).toBe(bucket);
});

test("nothing recorded is no value, and has no least one", () => {
  const empty = { counts: [0, 0], count: 0, sum: 0, min: undefined, max: undefined };
  const histogram = new Histogram([1]);
  expect([histogram.read(), histogram.take()]).toEqual([empty, empty]);
});

test("both readings are right at any time: everything, and what came since the last of its kind", () => {
  const random = seededRandom(7);
  const bounds = [10, 100, 1000];
  const histogram = new Histogram(bounds);
  const all: number[] = [];
  let recent: number[] = [];
  const reading = (values: number[]) => ({
    counts: [...bounds, Number.POSITIVE_INFINITY].map(
      (bound, i) => values.filter((value) => value <= bound && value > (bounds[i - 1] ?? -1)).length,
    ),
    count: values.length,
    sum: values.reduce((sum, value) => sum + value, 0),
    min: values.length === 0 ? undefined : Math.min(...values),
    max: values.length === 0 ? undefined : Math.max(...values),
  });
  for (let step = 0; step < 2000; step++) {
    const value = Math.floor(random() * 10 ** Math.ceil(random() * 4));
    histogram.record(value);
    all.push(value);
    recent.push(value);
    if (random() < 0.02) expect(histogram.read()).toEqual(reading(all));
    if (random() < 0.02) {
      expect(histogram.take()).toEqual(reading(recent));
      recent = [];
    }
  }
});
