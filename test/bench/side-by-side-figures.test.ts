import { expect, test } from "bun:test";
import { NOOP, UNWATCHED } from "./observers.ts";
import type { Lap, SideBySide } from "./side-by-side.ts";
import { completenessOf, percentShown, rowsOf } from "./side-by-side-figures.ts";
import { sideBySideTargets } from "./side-by-side-targets.ts";

const CPU = { idle: 0, steal: 0, others: 0 };

function lap(observer: string, round: number, perSecond: number, more: Partial<Lap> = {}): Lap {
  const latency = { p50Micros: 100, p99Micros: 1000, maxMicros: 2000 };
  const load = { requests: perSecond, perSecond, ...latency, errors: 0, cpu: CPU, packetSockets: 0 };
  return { observer, round, kind: "small", pace: "saturated", load, served: 1000, busySeconds: 0.02, ...more };
}

function figures(laps: Lap[]): SideBySide {
  const names = [...new Set(laps.map(({ observer }) => observer))];
  const observers = names.map((name) => ({ name, what: "", ours: name === "ours" }));
  return { observers, skipped: [], rates: { small: 500 }, rounds: 2, seconds: 1, laps, lives: [] };
}

test("a ratio is taken within a round, so that a machine that slows down between rounds does not move it", () => {
  const laps = [
    ...[lap(UNWATCHED, 0, 1000), lap(NOOP, 0, 900), lap("ours", 0, 800)],
    ...[lap(UNWATCHED, 1, 100), lap(NOOP, 1, 90), lap("ours", 1, 80)],
  ];
  const ours = rowsOf(figures(laps), "small", "saturated").find(({ observer }) => observer === "ours");
  expect(ours?.ofUnwatched).toEqual({ median: 0.8, min: 0.8, max: 0.8 });
  expect(ours?.ofNoop.median).toBeCloseTo(0.889, 3);
  expect(ours?.perSecond).toEqual({ median: 440, min: 80, max: 800 });
});

test("CPU is for a transaction that was served, the machine's beyond what it takes unwatched", () => {
  const own = { served: 2000, busySeconds: 0.05, cpuSeconds: 0.004 };
  const [, row] = rowsOf(figures([lap(UNWATCHED, 0, 1), lap("ours", 0, 1, own)]), "small", "saturated");
  expect(row?.addedMicros.median).toBeCloseTo(5, 9);
  expect(row?.ownMicros?.median).toBeCloseTo(2, 9);
  expect(row?.subscriberMicros).toBeUndefined();
});

test("only laps of that traffic and pace count", () => {
  const laps = [lap(UNWATCHED, 0, 1000), lap("ours", 0, 1, { pace: "half" }), lap("ours", 0, 1, { kind: "new" })];
  expect(rowsOf(figures(laps), "small", "saturated").map(({ observer }) => observer)).toEqual([UNWATCHED]);
});

test("what is reported beyond what was served in one lap does not make up for what is missing in another", () => {
  const laps = [lap("x", 0, 1, { reported: 1010 }), lap("x", 1, 1, { reported: 990 })];
  expect(completenessOf(laps)).toEqual({ served: 2000, missing: 10 });
  expect(completenessOf([lap("x", 0, 1)])).toBeUndefined();
});

test.each([
  [{ served: 1000, missing: 0 }, "100 %"],
  [{ served: 10_000_000, missing: 1 }, "99.99 %"],
  [{ served: 3, missing: 1 }, "66.66 %"],
  [{ served: 10, missing: 10 }, "0.00 %"],
])("%p is shown as %s", (shown, text) => {
  expect(percentShown(shown)).toBe(text);
});

test("the targets are held against the peers of the same run", () => {
  const half = { pace: "half", reported: 1000 } as const;
  const laps = [
    ...[lap(UNWATCHED, 0, 1000), lap(NOOP, 0, 1000), lap("ours", 0, 960, { reported: 999 })],
    ...[lap(UNWATCHED, 0, 500, half), lap("httpry", 0, 500, { ...half, busySeconds: 0.03 })],
    lap("ours", 0, 500, { ...half, busySeconds: 0.024 }),
  ];
  const targets = sideBySideTargets(figures(laps)).map(({ measured, met }) => [measured, met]);
  expect(targets).toEqual([
    ["0.960", false],
    ["1.00", true],
    ["1.00", true],
    ["1,999 of 2,000, 99.95 %", false],
    ["4.0 of 10.0 µs", true],
  ]);
});
