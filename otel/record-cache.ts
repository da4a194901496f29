/**
 * What raw words of an event came to, for as long as they repeat.
 * @module
 */

/** Odd, and far from any pattern: the golden ratio's. Each word of a key is multiplied by another multiple of it. */
const FACTOR = 0x9e37_79b1;
const FACTOR_STEP = (FACTOR << 1) | 0;

/** Slots that a key may be in. With two, three keys that meet would push each other out for ever. */
const WAYS = 4;

/**
 * A bounded cache that is asked with words instead of strings, so that nothing is made to ask it. Each key has some slots, and
 * new ones take them by turns.
 *
 * @example
 * cache.begin();
 * cache.number(event.status);
 * cache.words(event.words, event.hostAt, event.hostLength);
 * const value = cache.find() ?? cache.keep(made(event));
 */
class RecordCache<V> {
  readonly #setMask: number;
  /** Words of a slot: how many its key has, and the key. */
  readonly #stride: number;
  readonly #slots: Uint32Array;
  /** Looked at before the words. */
  readonly #hashes: Int32Array;
  readonly #values: (V | undefined)[];
  /** The key that is being asked for, laid out as a slot. */
  readonly #key: Uint32Array;
  #length = 1;
  #hash = 0;
  #factor = FACTOR;
  /** The first of the key's slots; -1: it is too long for any. */
  #set = -1;
  #turn = 0;

  /** @param slotCount a power of two, at least 4; @param wordsMax of a key */
  constructor(slotCount: number, wordsMax: number) {
    this.#setMask = slotCount - WAYS;
    this.#stride = wordsMax + 1;
    this.#slots = new Uint32Array(slotCount * this.#stride);
    this.#hashes = new Int32Array(slotCount);
    this.#values = new Array<V | undefined>(slotCount).fill(undefined);
    this.#key = new Uint32Array(this.#stride);
  }

  /** Begins a key. */
  begin(): void {
    this.#length = 1;
    this.#hash = 0;
    this.#factor = FACTOR;
  }

  /** Adds a number below 2^32. */
  number(value: number): void {
    this.#key[this.#length++] = value;
    this.#hash = (this.#hash + Math.imul(value ^ (value >>> 15), this.#factor)) | 0;
    this.#factor = (this.#factor + FACTOR_STEP) | 0;
  }

  /** Adds the words that hold `length` bytes at `at`, a multiple of 4. */
  words(words: Uint32Array, at: number, length: number): void {
    const key = this.#key;
    const first = at >> 2;
    const end = first + ((length + 3) >> 2);
    let position = this.#length;
    let hash = this.#hash;
    let factor = this.#factor;
    for (let i = first; i < end; i++) {
      const word = words[i] as number;
      key[position++] = word;
      // No product waits for the one before. Products carry upwards alone, so what is above is brought down first.
      hash = (hash + Math.imul(word ^ (word >>> 15), factor)) | 0;
      factor = (factor + FACTOR_STEP) | 0;
    }
    this.#length = position;
    this.#hash = hash;
    this.#factor = factor;
  }

  /**
   * What was kept for the key. Undefined: {@link keep} may now be called for it. A key of more words than there is room for is
   * never found and never kept.
   */
  find(): V | undefined {
    const length = this.#length;
    this.#set = -1;
    if (length > this.#stride) return undefined;
    this.#key[0] = length;
    const hash = mixed(this.#hash);
    const set = hash & this.#setMask;
    const hashes = this.#hashes;
    for (let slot = set; slot < set + WAYS; slot++) {
      if (hashes[slot] === hash && this.#isAt(slot, length)) return this.#values[slot];
    }
    this.#hash = hash;
    this.#set = set;
    return undefined;
  }

  /** Keeps a value for the key that was not found, and hands it back. */
  keep(value: V): V {
    if (this.#set < 0) return value;
    this.#turn = (this.#turn + 1) % WAYS;
    const slot = this.#set + this.#turn;
    this.#slots.set(this.#key.subarray(0, this.#length), slot * this.#stride);
    this.#hashes[slot] = this.#hash;
    this.#values[slot] = value;
    return value;
  }

  #isAt(slot: number, length: number): boolean {
    const slots = this.#slots;
    const key = this.#key;
    const first = slot * this.#stride;
    for (let i = 0; i < length; i++) if (slots[first + i] !== key[i]) return false;
    return true;
  }
}

/** Spreads every bit over the lowest ones. */
function mixed(hash: number): number {
  const half = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  return half ^ (half >>> 13);
}

export { RecordCache };
