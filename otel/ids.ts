/**
 * Trace and span ids.
 * @see https://www.w3.org/TR/trace-context/#trace-id
 * @module
 */

/** Random bytes fetched at once: enough for about 340 new traces, so that no span pays for a call of its own. */
const POOL_BYTES = 8192;
const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

const INVALID_ID = /^0+$/;

/** Fills the buffer with random bytes. Injected by tests. */
type RandomSource = (bytes: Buffer) => void;

/** Cuts ids out of a pool of random hex digits. */
class IdGenerator {
  readonly #random: RandomSource;
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #digits = "";
  #used = 0;

  constructor(random: RandomSource = (bytes) => crypto.getRandomValues(bytes)) {
    this.#random = random;
  }

  /** 32 lower-case hex digits, never all zero. */
  traceId(): string {
    return this.#next(TRACE_ID_DIGITS);
  }

  /** 16 lower-case hex digits, never all zero. */
  spanId(): string {
    return this.#next(SPAN_ID_DIGITS);
  }

  #next(digits: number): string {
    for (;;) {
      if (this.#used + digits > this.#digits.length) this.#refill();
      const id = this.#digits.slice(this.#used, this.#used + digits);
      this.#used += digits;
      if (id.charCodeAt(0) !== 48 || !INVALID_ID.test(id)) return id;
    }
  }

  #refill(): void {
    this.#random(this.#pool);
    this.#digits = this.#pool.toString("hex");
    this.#used = 0;
  }
}

export { IdGenerator, type RandomSource };
