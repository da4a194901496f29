import { expect, test } from "bun:test";
import { cpuPerMillion, lostBy, type ReaderCost, type ReaderFigures, timesFloor } from "./readers.ts";

const cost = (cpuSeconds: number, received = 1_000_000, observed = received): ReaderCost => ({
  observed,
  received,
  cpuSeconds,
});

const FIGURES: ReaderFigures = {
  perSecond: 250_000,
  goMissing: "Go is not installed",
  rounds: [
    { c: cost(0.1), batch: cost(0.3) },
    { c: cost(0.2), batch: cost(0.2, 500_000, 500_007) },
    { c: cost(0.1), batch: cost(0.1) },
  ],
};

test("what a reader takes is of the events that it received", () => {
  expect(cpuPerMillion(FIGURES, "batch")).toEqual({ median: expect.closeTo(0.3), min: 0.1, max: 0.4 });
});

test("a ratio is taken within a round, then over the rounds", () => {
  expect(timesFloor(FIGURES, "batch")).toEqual({ median: 2, min: 1, max: expect.closeTo(3) });
});

test("a reader that was left out has no figures", () => {
  expect(cpuPerMillion(FIGURES, "go")).toBeUndefined();
  expect(timesFloor(FIGURES, "go")).toBeUndefined();
});

test("what was made and not received is lost, in whichever round", () => {
  expect(lostBy(FIGURES, "batch")).toBe(7);
  expect(lostBy(FIGURES, "c")).toBe(0);
});
