import { expect, test } from "bun:test";
import { highestWhole, isWhole, type PipeRun } from "./pipe.ts";
import type { Takers } from "./takers.ts";

const run = (takers: Takers, change: Partial<PipeRun> = {}): PipeRun => ({
  takers,
  perSecond: 100,
  seconds: 1,
  observed: 100,
  subscribed: takers === "spans" ? 0 : 100,
  exported: takers === "subscriber" ? 0 : 100,
  breaks: 0,
  serviceCpuSeconds: 0.1,
  peakMb: 100,
  ...change,
});

test.each<[string, PipeRun, boolean]>([
  ["all came to the subscriber, and nobody else took any", run("subscriber"), true],
  ["all came to the collector, and nobody else took any", run("spans"), true],
  ["all came to both", run("both"), true],
  ["the subscriber lacks one", run("both", { subscribed: 99 }), false],
  ["the collector lacks one", run("both", { exported: 99 }), false],
  ["all came, but not in order", run("subscriber", { breaks: 1 }), false],
])("%s", (_, one, whole) => {
  expect(isWhole(one)).toBe(whole);
});

test("the highest rate is told for each who takes", () => {
  const runs = [
    run("subscriber"),
    run("subscriber", { perSecond: 200 }),
    run("both", { exported: 99, perSecond: 300 }),
  ];
  expect(highestWhole(runs, "subscriber")?.perSecond).toBe(200);
  expect(highestWhole(runs, "both")).toBeUndefined();
});
