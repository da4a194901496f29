/**
 * How often one address may ask: a bucket that fills at a steady rate and holds a burst.
 * @module
 */

interface RateLimit {
  perSecond: number;
  burst: number;
}

interface Bucket {
  tokens: number;
  filledMillis: number;
}

/** Addresses remembered; the one that was silent longest makes room. */
const ADDRESSES_MAX = 4096;

class RateLimiter {
  readonly #limit: RateLimit;
  readonly #nowMillis: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** nowMillis: monotonic. */
  constructor(limit: RateLimit, nowMillis: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#nowMillis = nowMillis;
  }

  /** Takes one from the address's bucket; false when it is empty. */
  take(address: string): boolean {
    const bucket = this.#bucketOf(address);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #bucketOf(address: string): Bucket {
    const { perSecond, burst } = this.#limit;
    const nowMillis = this.#nowMillis();
    const bucket = this.#buckets.get(address) ?? { tokens: burst, filledMillis: nowMillis };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMillis - bucket.filledMillis) * perSecond) / 1000);
    bucket.filledMillis = nowMillis;
    // Last in the map is who asked last.
    this.#buckets.delete(address);
    this.#buckets.set(address, bucket);
    if (this.#buckets.size > ADDRESSES_MAX) this.#buckets.delete(this.#buckets.keys().next().value as string);
    return bucket;
  }
}

export type { RateLimit };
export { RateLimiter };
