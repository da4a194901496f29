/**
 * Patterns of paths and hosts. `*` is any number of characters of one segment, `**` any number of any characters, all else is
 * itself. Whatever pattern and text hold, matching is one pass over the text.
 * @module
 */

import { addPairs, type Pairs } from "./path-pairs.ts";
import { foldCase, headOf, maskOf, tailOf, wordsOf } from "./text-ends.ts";

const SLASH = 47;
const CASE_BIT = 32;
/** States in one word of the set below; the top bit would make numbers negative. */
const WORD_STATES = 31;

/** Shapes of patterns. All but the last need no set of states. */
const LITERAL = 0;
const ONE_DEEP_STAR = 1;
const ONE_STAR = 2;
const SEVERAL_STARS = 3;

/** Runs of literals and what stands between them. */
const PARTS = /(\*+)/;

/** A text that must stand at one end. */
class FixedText {
  readonly length: number;
  readonly #bytes: Uint8Array;
  /** The same, or each letter in its other case. */
  readonly #others: Uint8Array;

  constructor(text: string, ignoreCase: boolean) {
    this.#bytes = Buffer.from(text);
    this.#others = ignoreCase ? this.#bytes.map((byte) => bothCases(byte).at(-1) as number) : this.#bytes;
    this.length = this.#bytes.length;
  }

  get head(): number {
    return headOf(wordsOf(this.#bytes), 0);
  }

  get tail(): number {
    return tailOf(wordsOf(Uint8Array.from([0, 0, 0, 0, ...this.#bytes])), 4 + this.length);
  }

  isAt(bytes: Uint8Array, at: number): boolean {
    for (let index = 0; index < this.length; index++) {
      const byte = bytes[at + index];
      if (byte !== this.#bytes[index] && byte !== this.#others[index]) return false;
    }
    return true;
  }
}

/**
 * A set of states, each a number of literal bytes that have been matched: a star keeps its state on the bytes that it takes, a
 * literal moves its state on by one. So there is nothing to go back to.
 */
class Glob {
  readonly #words: number;
  /** By byte and word: the states that move on. */
  readonly #moves: Uint32Array;
  /** By word: the states that stay, on a slash and on any other byte. */
  readonly #staysOnSlash: Uint32Array;
  readonly #stays: Uint32Array;
  readonly #states: Uint32Array;
  readonly #lastWord: number;
  readonly #lastBit: number;
  readonly #literals: number;
  readonly #shape: number;
  /** Literal bytes before the first star and behind the last one. */
  readonly #prefix: FixedText;
  readonly #suffix: FixedText;

  /** Of its literals: a text that lacks one does not match. */
  readonly pairs: Pairs = { low: 0, high: 0 };
  /** As far as prefix and suffix go, and of what the masks leave of them. */
  readonly #head: number;
  readonly #headMask: number;
  readonly #tail: number;
  readonly #tailMask: number;

  /** ignoreCase: of ASCII letters. */
  constructor(pattern: string, { ignoreCase = false } = {}) {
    const parts = pattern.split(PARTS);
    const literals = Buffer.from(parts.filter((_, index) => index % 2 === 0).join(""));
    this.#literals = literals.length;
    this.#shape = shapeOf(parts.filter((_, index) => index % 2 === 1));
    this.#prefix = new FixedText(parts[0] ?? "", ignoreCase);
    this.#suffix = new FixedText(parts.at(-1) ?? "", ignoreCase);
    const fold = ignoreCase ? foldCase : (word: number) => word;
    this.#head = fold(this.#prefix.head);
    this.#headMask = maskOf(Math.min(this.#prefix.length, 4));
    this.#tail = fold(this.#suffix.tail);
    this.#tailMask = ~maskOf(4 - Math.min(this.#suffix.length, 4));
    this.#words = Math.floor(literals.length / WORD_STATES) + 1;
    this.#lastWord = this.#words - 1;
    this.#lastBit = 1 << (literals.length % WORD_STATES);
    this.#moves = new Uint32Array(256 * this.#words);
    this.#staysOnSlash = new Uint32Array(this.#words);
    this.#stays = new Uint32Array(this.#words);
    this.#states = new Uint32Array(this.#words);
    for (const [state, byte] of literals.entries())
      for (const same of ignoreCase ? bothCases(byte) : [byte]) this.#mark(this.#moves, same * this.#words, state);
    let state = 0;
    for (const [index, part] of parts.entries()) {
      if (index % 2 === 0) {
        const run = Buffer.from(part);
        state += run.length;
        addPairs(this.pairs, run, 0, run.length);
      } else {
        this.#mark(this.#stays, 0, state);
        if (part.length > 1) this.#mark(this.#staysOnSlash, 0, state);
      }
    }
  }

  /** False: no text of this length with these ends matches. When case is ignored the ends must be folded. */
  mayMatch(length: number, head: number, tail: number): boolean {
    return (
      length >= this.#literals &&
      (((head ^ this.#head) & this.#headMask) | ((tail ^ this.#tail) & this.#tailMask)) === 0
    );
  }

  /** Is `bytes[at, at + length)`, UTF-8, what the pattern describes? */
  matchesBytes(bytes: Uint8Array, at: number, length: number): boolean {
    const shape = this.#shape;
    if (shape === LITERAL ? length !== this.#literals : length < this.#literals) return false;
    const start = at + this.#prefix.length;
    const end = at + length - this.#suffix.length;
    if (!this.#suffix.isAt(bytes, end) || !this.#prefix.isAt(bytes, at)) return false;
    if (shape <= ONE_DEEP_STAR) return true;
    if (shape === ONE_STAR) return !hasSlash(bytes, start, end);
    if (this.#words === 1) return this.#matchesInOneWord(bytes, at, length);
    return this.#matchesInWords(bytes, at, length);
  }

  #matchesInOneWord(bytes: Uint8Array, at: number, length: number): boolean {
    const moves = this.#moves;
    const stays = this.#stays[0] as number;
    const staysOnSlash = this.#staysOnSlash[0] as number;
    let states = 1;
    for (let index = at; index < at + length; index++) {
      const byte = bytes[index] as number;
      states = ((states & (moves[byte] as number)) << 1) | (states & (byte === SLASH ? staysOnSlash : stays));
      if (states === 0) return false;
    }
    return (states & this.#lastBit) !== 0;
  }

  #matchesInWords(bytes: Uint8Array, at: number, length: number): boolean {
    const words = this.#words;
    const moves = this.#moves;
    const states = this.#states.fill(0);
    states[0] = 1;
    for (let index = at; index < at + length; index++) {
      const byte = bytes[index] as number;
      const stays = byte === SLASH ? this.#staysOnSlash : this.#stays;
      let carry = 0;
      let any = 0;
      for (let word = 0; word < words; word++) {
        const before = states[word] as number;
        const moved = ((before & (moves[byte * words + word] as number)) << 1) >>> 0;
        const after = (moved & 0x7fffffff) | carry | (before & (stays[word] as number));
        carry = moved >>> WORD_STATES;
        states[word] = after;
        any |= after;
      }
      if (any === 0) return false;
    }
    return ((states[this.#lastWord] as number) & this.#lastBit) !== 0;
  }

  #mark(sets: Uint32Array, from: number, state: number): void {
    const word = from + Math.floor(state / WORD_STATES);
    sets[word] = (sets[word] as number) | (1 << (state % WORD_STATES));
  }
}

const shapeOf = (stars: readonly string[]): number => {
  if (stars.length === 0) return LITERAL;
  if (stars.length > 1) return SEVERAL_STARS;
  return stars[0] === "*" ? ONE_STAR : ONE_DEEP_STAR;
};

const hasSlash = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let index = start; index < end; index++) if (bytes[index] === SLASH) return true;
  return false;
};

/** Of an ASCII letter. */
const bothCases = (byte: number): number[] => {
  const letter = String.fromCharCode(byte);
  return /[a-z]/i.test(letter) ? [byte, byte ^ CASE_BIT] : [byte];
};

export { Glob };
