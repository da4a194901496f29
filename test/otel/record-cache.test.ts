import { expect, test } from "bun:test";
import { RecordCache } from "../../otel/record-cache.ts";
import { Random } from "../ffi/support/random.ts";

function ask(cache: RecordCache<string>, words: readonly number[]): string | undefined {
  cache.begin();
  for (const word of words) cache.number(word >>> 0);
  return cache.find();
}

/** How often each of the keys was missing in `rounds` rounds, after the first. */
function missesPerKey(keys: readonly number[][], slots: number, rounds = 10): number {
  const cache = new RecordCache<string>(slots, 4);
  let misses = 0;
  for (let round = 0; round < rounds; round++) {
    for (const key of keys) {
      const value = ask(cache, key);
      if (value === undefined) {
        misses += round > 0 ? 1 : 0;
        cache.keep(key.join());
      } else {
        expect(value).toBe(key.join());
      }
    }
  }
  return misses / (rounds - 1) / keys.length;
}

test("what was kept is found by the same words and by no others", () => {
  const cache = new RecordCache<string>(16, 4);
  expect(ask(cache, [1, 2])).toBeUndefined();
  expect(cache.keep("one")).toBe("one");
  expect(ask(cache, [1, 2])).toBe("one");
  for (const other of [[1], [1, 2, 0], [2, 1], [1, 3], [0, 2]]) expect(ask(cache, other)).toBeUndefined();
});

test("a key that is too long is never found, and what is kept for it goes nowhere", () => {
  const cache = new RecordCache<string>(16, 4);
  ask(cache, [1, 2, 3, 4]);
  cache.keep("four");
  expect(ask(cache, [1, 2, 3, 4, 5])).toBeUndefined();
  expect(cache.keep("five")).toBe("five");
  expect(ask(cache, [1, 2, 3, 4, 5])).toBeUndefined();
  expect(ask(cache, [1, 2, 3, 4])).toBe("four");
});

test("the newest displaces, so that memory is bounded and a change of habit is followed", () => {
  const cache = new RecordCache<string>(4, 1);
  for (let key = 0; key < 1000; key++) {
    expect(ask(cache, [key])).toBeUndefined();
    cache.keep(String(key));
    expect(ask(cache, [key])).toBe(String(key));
  }
});

/** Addresses as words on a little-endian machine: neighbours differ in the highest byte of the last. */
test.each([
  ["256 neighbours of IPv4", 256, (i: number) => [0, 0, 0xffff_0000, (i << 24) | 0x0a]],
  ["400 neighbours of IPv6", 400, (i: number) => [0xb80d_0120, 0, 0, ((i & 255) << 24) | ((i >> 8) << 16)]],
  ["400 that differ in the lowest byte", 400, (i: number) => [0, 0, 0, i]],
  ["400 that differ in the first word alone", 400, (i: number) => [(i << 24) | i, 7, 7, 7]],
] as [string, number, (index: number) => number[]][])(
  "%s stay, nearly all, in ten times their room",
  (_name, count, keyOf) => {
    const keys = Array.from({ length: count }, (_, i) => keyOf(i).map((word) => word >>> 0));
    expect(missesPerKey(keys, 4096)).toBeLessThan(0.01);
  },
);

test("a key is its words, whether they came as numbers or as a text that lies in memory", () => {
  const bytes = Buffer.from("....GET PATCH...");
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 4);
  const cache = new RecordCache<string>(16, 4);
  const askText = (length: number) => {
    cache.begin();
    cache.number(length);
    cache.words(words, 4, length);
    return cache.find();
  };
  askText(5);
  cache.keep("GET P");
  expect(ask(cache, [5, bytes.readUInt32LE(4), bytes.readUInt32LE(8)])).toBe("GET P");
  expect([askText(4), askText(6), askText(0), askText(5)]).toEqual([undefined, undefined, undefined, "GET P"]);
});

test("what it holds it holds right, whatever pushed out what: 100,000 random keys", () => {
  const random = new Random(3);
  const cache = new RecordCache<string>(1024, 4);
  let found = 0;
  for (let step = 0; step < 100_000; step++) {
    const number = random.below(random.below(5000) + 1);
    const words = Array.from({ length: 1 + (number % 4) }, (_, i) => Math.imul(number + 1, 0x9e37_79b1 * (i + 1)));
    const value = ask(cache, words);
    if (value === undefined) cache.keep(String(number));
    else {
      found++;
      expect(value).toBe(String(number));
    }
  }
  expect(found).toBeGreaterThan(30_000);
});
