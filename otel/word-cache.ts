/**
 * Texts by the 32-bit words that they are made of, so that what comes again and again is not decoded again.
 * @module
 */

/** A power of two. Beyond so many texts the oldest habit gives way, and costs a decoding. */
const SLOTS = 1024;
/** Slots that a text may be in. */
const WAYS = 4;

interface Entry {
  words: Uint32Array;
  text: string;
}

/** Of bounded size, for texts that whoever sends us traffic may choose. */
class WordCache {
  readonly #slots: (Entry | undefined)[] = new Array(SLOTS).fill(undefined);
  #victim = 0;

  /** The text of `count` words from `at` on, undefined when it is not known (any more). */
  find(words: Uint32Array, at: number, count: number): string | undefined {
    const first = hash(words, at, count);
    for (let way = 0; way < WAYS; way++) {
      const entry = this.#slots[(first + way) & (SLOTS - 1)];
      if (entry !== undefined && isSame(entry.words, words, at, count)) return entry.text;
    }
    return undefined;
  }

  /** Remembers a text that was not found. */
  add(words: Uint32Array, at: number, count: number, text: string): string {
    const first = hash(words, at, count);
    let slot = (first + (this.#victim++ % WAYS)) & (SLOTS - 1);
    for (let way = 0; way < WAYS; way++) {
      const candidate = (first + way) & (SLOTS - 1);
      if (this.#slots[candidate] !== undefined) continue;
      slot = candidate;
      break;
    }
    this.#slots[slot] = { words: words.slice(at, at + count), text };
    return text;
  }
}

/** The high bits, where the last octet of an address is, must reach the low ones, which choose the slot. */
function hash(words: Uint32Array, at: number, count: number): number {
  let mixed = count;
  for (let i = 0; i < count; i++) {
    mixed = Math.imul(mixed ^ (words[at + i] as number), 0x9e37_79b1);
    mixed ^= mixed >>> 15;
  }
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function isSame(known: Uint32Array, words: Uint32Array, at: number, count: number): boolean {
  if (known.length !== count) return false;
  for (let i = 0; i < count; i++) if (known[i] !== words[at + i]) return false;
  return true;
}

export { WordCache };
