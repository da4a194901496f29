/**
 * What raw words of an event came to, for as long as they repeat.
 * @module
 */

/**
 * A bounded cache that is asked with words instead of strings, so that nothing is made to ask it. Each key has two slots, and a
 * new one takes them by turns.
 *
 * @example
 * cache.key[0] = event.status;
 * const value = cache.find(1) ?? cache.keep(made(event));
 */
class RecordCache<V> {
  /** Where the caller puts the words that it then asks for. */
  readonly key: Uint32Array;
  readonly #slotMask: number;
  readonly #wordsMax: number;
  readonly #words: Uint32Array;
  readonly #counts: Uint8Array;
  readonly #values: (V | undefined)[];
  #slot = 0;
  #turn = 0;
  #count = 0;

  /** @param slotCount a power of two; @param wordsMax of a key, 1 to 255 */
  constructor(slotCount: number, wordsMax: number) {
    this.key = new Uint32Array(wordsMax);
    this.#slotMask = slotCount - 1;
    this.#wordsMax = wordsMax;
    this.#words = new Uint32Array(slotCount * wordsMax);
    this.#counts = new Uint8Array(slotCount);
    this.#values = new Array<V | undefined>(slotCount).fill(undefined);
  }

  /**
   * What was kept for the first `count` words of `key`. Undefined: {@link keep} may now be called for them. A key of more words
   * than there is room for is never found and never kept.
   */
  find(count: number): V | undefined {
    this.#count = 0;
    if (count > this.#wordsMax) return undefined;
    const slot = this.#hash(count) & this.#slotMask;
    if (this.#isAt(slot, count)) return this.#values[slot];
    const other = slot ^ 1;
    if (this.#isAt(other, count)) return this.#values[other];
    this.#count = count;
    this.#turn ^= 1;
    this.#slot = slot ^ this.#turn;
    return undefined;
  }

  /** Keeps a value for the words that were not found, and hands it back. */
  keep(value: V): V {
    const slot = this.#slot;
    const count = this.#count;
    if (count === 0) return value;
    this.#words.set(this.key.subarray(0, count), slot * this.#wordsMax);
    this.#counts[slot] = count;
    this.#values[slot] = value;
    return value;
  }

  #isAt(slot: number, count: number): boolean {
    if (this.#counts[slot] !== count) return false;
    const words = this.#words;
    const { key } = this;
    const first = slot * this.#wordsMax;
    for (let i = 0; i < count; i++) if (words[first + i] !== key[i]) return false;
    return true;
  }

  /** Products carry upwards alone, and addresses differ in the highest byte of a word: so what is above is brought down, too. */
  #hash(count: number): number {
    const { key } = this;
    let hash = count;
    for (let i = 0; i < count; i++) {
      hash = Math.imul(hash ^ (key[i] as number), 0x9e37_79b1);
      hash ^= hash >>> 15;
    }
    hash = Math.imul(hash, 0x85eb_ca6b);
    return hash ^ (hash >>> 16);
  }
}

/** Copies the words that hold `length` bytes at `at`, a multiple of 4, into a key. Returns the position behind them. */
function putWords(key: Uint32Array, position: number, words: Uint32Array, at: number, length: number): number {
  const first = at >> 2;
  const count = (length + 3) >> 2;
  for (let i = 0; i < count; i++) key[position + i] = words[first + i] as number;
  return position + count;
}

export { putWords, RecordCache };
