/**
 * Text and records as bytes, written from the bytes of events without a string between.
 * @module
 */

const INITIAL_BYTES = 64 * 1024;
const QUOTE = 34;
const ZERO = 48;
const COMMA = 44;
const TEN_THOUSAND = 10_000;
const HUNDRED_MILLION = 1e8;
/** JSON's longest form of one byte of text: `\u001f`. */
const ESCAPED_MAX = 6;

/** What never changes, ready to be copied four bytes at a time. */
interface Phrase {
  readonly words: Uint32Array;
  readonly length: number;
}

/** text: ASCII. */
const phrase = (text: string): Phrase => {
  const bytes = Buffer.alloc((text.length + 3) & ~3);
  bytes.write(text, "latin1");
  return { words: new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice(), length: text.length };
};

/** Four decimal digits each, the first in the lowest byte. */
const FOUR_DIGITS = Uint32Array.from({ length: TEN_THOUSAND }, (_, value) =>
  Buffer.from(String(value).padStart(4, "0")).readUInt32LE(),
);

/** Bytes of an IPv4 address with a dot behind each, and how long that is. */
const DOTTED = Uint32Array.from({ length: 256 }, (_, value) => Buffer.from(`${value}.`.padEnd(4, "\0")).readUInt32LE());
const dottedLength = (value: number): number => (value < 10 ? 2 : value < 100 ? 3 : 4);

class Writer {
  /** Bytes written. */
  at = 0;
  /** No byte written so far has its high bit set. */
  isAscii = true;
  bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  /** The same, in the order of bytes that events have. */
  words = new Uint32Array(this.bytes.buffer);
  #view = new DataView(this.bytes.buffer);

  /** Begins anew, in the same memory. */
  clear(): void {
    this.at = 0;
    this.isAscii = true;
  }

  /** Makes room; what is written without is lost. Four bytes more are always there. */
  reserve(bytes: number): void {
    if (this.at + bytes + 4 > this.bytes.length) this.#grow(bytes);
  }

  /** What was written from `start` to `end`, as a string. */
  read(start: number, end: number): string {
    return this.isAscii ? this.bytes.latin1Slice(start, end) : this.bytes.utf8Slice(start, end);
  }

  phrase({ words, length }: Phrase): void {
    const view = this.#view;
    const at = this.at;
    for (let index = 0; index < words.length; index++) view.setUint32(at + index * 4, words[index] as number, true);
    this.at = at + length;
  }

  comma(): void {
    this.bytes[this.at++] = COMMA;
  }

  /** A number as JSON has it. */
  number(value: number): void {
    if (value >= 0 && value <= Number.MAX_SAFE_INTEGER && Number.isInteger(value)) this.#whole(value);
    else this.ascii(String(value));
  }

  /** Nine digits, with zeros in front. */
  nineDigits(value: number): void {
    const upper = Math.floor(value / TEN_THOUSAND);
    const top = Math.floor(upper / TEN_THOUSAND);
    this.bytes[this.at] = ZERO + top;
    this.#view.setUint32(this.at + 1, FOUR_DIGITS[upper - top * TEN_THOUSAND] as number, true);
    this.#view.setUint32(this.at + 5, FOUR_DIGITS[value - upper * TEN_THOUSAND] as number, true);
    this.at += 9;
  }

  /** One IPv4 address, its first number in the lowest byte. */
  dotted(address: number): void {
    const view = this.#view;
    let { at } = this;
    for (let shift = 0; shift < 32; shift += 8) {
      const value = (address >>> shift) & 255;
      view.setUint32(at, DOTTED[value] as number, true);
      at += dottedLength(value);
    }
    this.at = at - 1;
  }

  /**
   * A text with its quotes. It lies in `words` from byte `from` on, a multiple of 4; `bytes` is the same memory. What is no
   * UTF-8 becomes U+FFFD.
   */
  quoted(words: Uint32Array, bytes: Buffer, from: number, length: number): void {
    const view = this.#view;
    const first = from >> 2;
    const last = first + ((length + 3) >> 2) - 1;
    let at = this.at;
    this.bytes[at++] = QUOTE;
    for (let index = first; index <= last; index++) {
      const word = words[index] as number;
      const padded = index === last ? blankBehind(word, length & 3) : word;
      if (hasSpecial(padded)) {
        this.quotedString(bytes.utf8Slice(from, from + length));
        return;
      }
      view.setUint32(at, word, true);
      at += 4;
    }
    at = this.at + 1 + length;
    this.bytes[at] = QUOTE;
    this.at = at + 1;
  }

  /** Of ASCII alone, without quotes. */
  ascii(text: string): void {
    this.at += this.bytes.write(text, this.at, "latin1");
  }

  quotedString(text: string): void {
    this.text(JSON.stringify(text));
  }

  /** As UTF-8, without quotes. Makes room for itself. */
  text(text: string): void {
    this.reserve(text.length * 3);
    const written = this.bytes.write(text, this.at);
    if (written !== text.length) this.isAscii = false;
    this.at += written;
  }

  #whole(value: number): void {
    if (value < TEN_THOUSAND) this.#upToFourDigits(value);
    else if (value < HUNDRED_MILLION) {
      const upper = Math.floor(value / TEN_THOUSAND);
      this.#upToFourDigits(upper);
      this.#fourDigits(value - upper * TEN_THOUSAND);
    } else {
      const upper = Math.floor(value / HUNDRED_MILLION);
      const lower = value - upper * HUNDRED_MILLION;
      const middle = Math.floor(lower / TEN_THOUSAND);
      this.#whole(upper);
      this.#fourDigits(middle);
      this.#fourDigits(lower - middle * TEN_THOUSAND);
    }
  }

  #fourDigits(value: number): void {
    this.#view.setUint32(this.at, FOUR_DIGITS[value] as number, true);
    this.at += 4;
  }

  #upToFourDigits(value: number): void {
    const digits = value < 10 ? 1 : value < 100 ? 2 : value < 1000 ? 3 : 4;
    this.#view.setUint32(this.at, (FOUR_DIGITS[value] as number) >>> ((4 - digits) * 8), true);
    this.at += digits;
  }

  #grow(bytes: number): void {
    const needed = (this.at + bytes + 7) & ~3;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, needed));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.words = new Uint32Array(grown.buffer);
    this.#view = new DataView(grown.buffer);
  }
}

/** A word of which `count` bytes are text, none of them meaning that all are: the others are blanks. */
const blankBehind = (word: number, count: number): number =>
  count === 0 ? word : (word & ((1 << (count * 8)) - 1)) | (0x20202020 << (count * 8));

/** Does any of the four bytes need an escape, or is it not ASCII? */
const hasSpecial = (word: number): boolean => {
  const quote = word ^ 0x22222222;
  const backslash = word ^ 0x5c5c5c5c;
  const found =
    word | ((word - 0x20202020) & ~word) | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash);
  return (found & 0x80808080) !== 0;
};

export type { Phrase };
export { ESCAPED_MAX, phrase, Writer };
