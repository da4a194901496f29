/**
 * Which pairs of neighbouring bytes a text has, as a set of 64 bits in two halves: of two texts the one that lacks a pair of
 * the other does not hold it. Many patterns are held against a path so, before any of them is looked at.
 * @module
 */

interface Pairs {
  low: number;
  high: number;
}

/** Some, never all, of several pairs share a bit. */
const bitOf = (first: number, second: number): number => (first * 5 + second) & 63;

/** Adds those of `bytes[at, at + length)`. */
const addPairs = (pairs: Pairs, bytes: Uint8Array, at: number, length: number): void => {
  let { low, high } = pairs;
  for (let index = at + 1; index < at + length; index++) {
    const bit = bitOf(bytes[index - 1] as number, bytes[index] as number);
    if (bit < 32) low |= 1 << bit;
    else high |= 1 << (bit - 32);
  }
  pairs.low = low;
  pairs.high = high;
};

/** Has `text` all pairs of `part`? */
const hasPairs = (text: Pairs, part: Pairs): boolean => ((part.low & ~text.low) | (part.high & ~text.high)) === 0;

export type { Pairs };
export { addPairs, hasPairs };
