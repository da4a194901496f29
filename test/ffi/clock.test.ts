import { describe, expect, test } from "bun:test";
import { clockOffset, toUnixNano } from "../../ffi/clock.ts";
import { Random } from "./support/random.ts";

const BILLION = 1_000_000_000n;
const YEAR = 365n * 86_400n * BILLION;
/** 2025-01-01, as the distance of the clocks on a machine that booted then. */
const OFFSET = 1_735_689_600n * BILLION;

const convert = (monotonic: bigint, offset: bigint) =>
  toUnixNano(Number(monotonic >> 32n), Number(monotonic & 0xffffffffn), clockOffset(offset));

describe("clockOffset()", () => {
  test("splits every distance, also a negative one, into seconds and 0 ≤ nanoseconds < 1e9", () => {
    const random = new Random(1);
    const distances = [
      0n,
      1n,
      -1n,
      BILLION,
      -BILLION,
      BILLION - 1n,
      1n - BILLION,
      -BILLION - 1n,
      2n ** 62n,
      -(2n ** 62n),
    ];
    for (let i = 0; i < 10_000; i++) distances.push(((BigInt(random.u32()) << 31n) | BigInt(random.u32())) - 2n ** 62n);
    const wrong = distances.filter((distance) => {
      const { seconds, nanoseconds } = clockOffset(distance);
      const isWhole = nanoseconds >= 0 && nanoseconds < 1e9 && Number.isSafeInteger(seconds);
      return !isWhole || BigInt(seconds) * BILLION + BigInt(nanoseconds) !== distance;
    });
    expect(wrong).toEqual([]);
  });
});

describe("toUnixNano()", () => {
  test("is the sum, digit for digit, at every boundary of its halves and of the second", () => {
    const edges = [
      0n,
      1n,
      2n ** 31n,
      2n ** 32n,
      2n ** 33n,
      BILLION,
      4n * BILLION,
      2n ** 53n,
      2n ** 54n,
      104n * 86_400n * BILLION,
    ];
    const offsets = [OFFSET, OFFSET + 1n, OFFSET + BILLION - 1n, OFFSET + 500_000_000n];
    for (const edge of edges) {
      for (const monotonic of [edge - 2n, edge - 1n, edge, edge + 1n].filter((value) => value >= 0n)) {
        for (const offset of offsets) expect(convert(monotonic, offset)).toBe(String(monotonic + offset));
      }
    }
  });

  const misread = (seed: number, longest: bigint) => {
    const random = new Random(seed);
    return Array.from({ length: 20_000 }, () => {
      const monotonic = ((BigInt(random.u32()) << 32n) | BigInt(random.u32())) % longest;
      return { monotonic, offset: OFFSET + BigInt(random.u32()) * BigInt(random.below(4)) };
    }).filter(({ monotonic, offset }) => convert(monotonic, offset) !== String(monotonic + offset));
  };

  test("is the sum for any uptime up to four years, where a double would be off by a hundred nanoseconds", () => {
    expect(misread(2, 4n * YEAR)).toEqual([]);
  });

  test("is the sum for any uptime that 64 bits can hold", () => {
    expect(misread(3, 2n ** 64n)).toEqual([]);
  });

  test("holds when the wall clock stands before the start of the machine's clock", () => {
    const random = new Random(4);
    const wrong = Array.from({ length: 20_000 }, () => {
      const offset = -BigInt(random.below(2 ** 26)) * BILLION - BigInt(random.below(1e9));
      // From 1970 on, by a second and more.
      return { offset, monotonic: -offset + BILLION + ((BigInt(random.below(2 ** 23)) << 32n) | BigInt(random.u32())) };
    }).filter(({ monotonic, offset }) => convert(monotonic, offset) !== String(monotonic + offset));
    expect(wrong).toEqual([]);
  });
});
