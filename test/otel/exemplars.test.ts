import { expect, test } from "bun:test";
import { type Exemplar, ExemplarReservoir } from "../../otel/exemplars.ts";
import { seededRandom } from "./support/random.ts";

const exemplar = (value: number): Exemplar => ({ value, time: [0, 0], traceId: "t", spanId: "s" });

/** Offers the values 0 to n - 1 to bucket 0. */
function offerAll(reservoir: ExemplarReservoir, n: number): void {
  for (let value = 0; value < n; value++) if (reservoir.offer(0)) reservoir.keep(0, exemplar(value));
}

test("the first of a bucket is kept, and each bucket has its own", () => {
  const reservoir = new ExemplarReservoir(3);
  expect(reservoir.kept).toEqual([undefined, undefined, undefined]);
  expect(reservoir.offer(1)).toBe(true);
  reservoir.keep(1, exemplar(5));
  expect(reservoir.kept.map((one) => one?.value)).toEqual([undefined, 5, undefined]);
});

/** Ten classes of 2000 expected each; 6 σ is 255. */
test("any of a thousand is as likely to be the one that is kept", () => {
  const random = seededRandom(1);
  const classes = new Array<number>(10).fill(0);
  for (let round = 0; round < 20_000; round++) {
    const reservoir = new ExemplarReservoir(1, random);
    offerAll(reservoir, 1000);
    const kept = Math.floor((reservoir.kept[0]?.value ?? 0) / 100);
    classes[kept] = (classes[kept] ?? 0) + 1;
  }
  for (const count of classes) expect(Math.abs(count - 2000)).toBeLessThan(260);
});

test("few of many are looked at, so that most cost nothing", () => {
  let looked = 0;
  const reservoir = new ExemplarReservoir(1, seededRandom(2));
  for (let value = 0; value < 1_000_000; value++) {
    if (!reservoir.offer(0)) continue;
    looked++;
    reservoir.keep(0, exemplar(value));
  }
  expect(looked).toBeLessThan(50);
});

test("where nothing has a span few are asked, but more than where all have one", () => {
  let asked = 0;
  const reservoir = new ExemplarReservoir(1);
  for (let value = 0; value < 1_000_000; value++) {
    if (!reservoir.offer(0)) continue;
    asked++;
    reservoir.pass(0);
  }
  expect(asked).toBeGreaterThan(100);
  expect(asked).toBeLessThan(300);
});

test("after a new start what was kept stays until the next event takes its place", () => {
  const reservoir = new ExemplarReservoir(1);
  offerAll(reservoir, 1000);
  const before = reservoir.kept[0];
  reservoir.restart();
  expect(reservoir.kept[0]).toBe(before as Exemplar);
  expect(reservoir.offer(0)).toBe(true);
});
