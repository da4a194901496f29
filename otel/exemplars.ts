/**
 * Which of the events that a histogram counts are kept as examples: at most one a bucket.
 * @see https://opentelemetry.io/docs/specs/otel/metrics/sdk/#alignedhistogrambucketexemplarreservoir
 * @module
 */
import type { HrTime } from "@opentelemetry/api";

/** A value that was recorded, and the span of its event. */
interface Exemplar {
  /** In the unit of the histogram. */
  value: number;
  time: HrTime;
  traceId: string;
  spanId: string;
}

/**
 * Uniform over the events of a bucket since {@link restart}: the n-th takes the place with probability 1/n. How many to
 * pass over until the next that does is drawn at once, so most events cost one comparison.
 */
class ExemplarReservoir {
  readonly #seen: Float64Array;
  readonly #next: Float64Array;
  readonly #kept: (Exemplar | undefined)[];
  readonly #random: () => number;

  /** @param random from 0 up to, not including, 1 */
  constructor(buckets: number, random: () => number = Math.random) {
    this.#seen = new Float64Array(buckets);
    this.#next = new Float64Array(buckets).fill(1);
    this.#kept = new Array(buckets).fill(undefined);
    this.#random = random;
  }

  /** True: the event's turn has come, and one of {@link keep} and {@link pass} follows. */
  offer(bucket: number): boolean {
    const seen = (this.#seen[bucket] as number) + 1;
    this.#seen[bucket] = seen;
    return seen >= (this.#next[bucket] as number);
  }

  keep(bucket: number, exemplar: Exemplar): void {
    this.#kept[bucket] = exemplar;
    this.#next[bucket] = Math.floor((this.#seen[bucket] as number) / (1 - this.#random())) + 1;
  }

  /** The event has no span to point at. Others are asked soon, and the more there were the less often. */
  pass(bucket: number): void {
    const seen = this.#seen[bucket] as number;
    this.#next[bucket] = seen + 1 + Math.floor(seen / 16);
  }

  /** The next event of each bucket will replace what is kept; until then it stays. */
  restart(): void {
    this.#seen.fill(0);
    this.#next.fill(1);
  }

  /** By bucket. */
  get kept(): readonly (Exemplar | undefined)[] {
    return this.#kept;
  }
}

export { type Exemplar, ExemplarReservoir };
