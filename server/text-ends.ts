/**
 * The first and the last four bytes of a text, as numbers: what tells it from most others by two comparisons. Of a shorter text
 * they hold bytes of its neighbours, too, so compare no more than there are.
 * @module
 */

/** Of the text that lies in `words` from byte `at` on, a multiple of 4. */
const headOf = (words: Uint32Array, at: number): number => (words[at >> 2] as number) | 0;

/** Of the text that ends in front of byte `end`, at least 4. */
const tailOf = (words: Uint32Array, end: number): number => {
  const word = (end - 4) >> 2;
  const shift = (end & 3) << 3;
  if (shift === 0) return (words[word] as number) | 0;
  return ((words[word] as number) >>> shift) | ((words[word + 1] as number) << (32 - shift));
};

/** Of the first `bytes` of a head; `~maskOf(4 - bytes)` is of the last of a tail. */
const maskOf = (bytes: number): number => (bytes === 4 ? -1 : (1 << (bytes * 8)) - 1);

/** A text by itself, with zeros behind it; none of less than four bytes. */
const wordsOf = (bytes: Uint8Array): Uint32Array => {
  const room = new Uint8Array(Math.max(4, (bytes.length + 3) & ~3));
  room.set(bytes);
  return new Uint32Array(room.buffer);
};

/** Texts that are equal but for the case of ASCII letters are equal when it is folded. */
const foldCase = (word: number): number => word | 0x20202020;

export { foldCase, headOf, maskOf, tailOf, wordsOf };
