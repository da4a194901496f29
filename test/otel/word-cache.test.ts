import { expect, test } from "bun:test";
import { WordCache } from "../../otel/word-cache.ts";
import { seededRandom } from "./support/random.ts";

test("a text is found by its words alone, wherever they lie, and by no others", () => {
  const cache = new WordCache();
  const words = Uint32Array.of(9, 1, 2, 3, 9, 1, 2, 3);
  expect(cache.find(words, 1, 3)).toBeUndefined();
  expect(cache.add(words, 1, 3, "abc")).toBe("abc");
  expect(cache.find(words, 5, 3)).toBe("abc");
  expect([cache.find(words, 0, 3), cache.find(words, 1, 2), cache.find(words, 1, 4)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test("what it holds it holds right, whatever pushed out what: 100,000 random texts", () => {
  const random = seededRandom(3);
  const cache = new WordCache();
  const words = new Uint32Array(8);
  let found = 0;
  for (let step = 0; step < 100_000; step++) {
    const number = Math.floor(random() ** 3 * 5000);
    const count = 1 + (number % 4);
    for (let i = 0; i < count; i++) words[i] = Math.imul(number + 1, 0x9e37_79b1 * (i + 1));
    const text = cache.find(words, 0, count);
    if (text === undefined) cache.add(words, 0, count, String(number));
    else {
      found++;
      expect(text).toBe(String(number));
    }
  }
  expect(found).toBeGreaterThan(30_000);
});

test.each([
  ["last", 24],
  ["first", 0],
])("200 addresses that differ in their %s octet alone, coming in turn, are all held", (_octet, shift) => {
  const cache = new WordCache();
  const words = Uint32Array.of(0, 0, 0xffff_0000, 0);
  for (let turn = 0; turn < 2; turn++) {
    for (let i = 0; i < 200; i++) {
      words[3] = (i << shift) >>> 0;
      if (turn === 1) expect(cache.find(words, 0, 4)).toBe(String(i));
      else cache.add(words, 0, 4, String(i));
    }
  }
});
