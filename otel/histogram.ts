/**
 * A histogram with explicit buckets that can be read in both temporalities.
 * @see https://opentelemetry.io/docs/specs/otel/metrics/sdk/#explicit-bucket-histogram-aggregation
 * @module
 */

/** What was recorded, in the unit of the bounds. */
interface HistogramReading {
  /** One more than there are bounds; the first holds values up to and including the first bound. */
  counts: number[];
  count: number;
  sum: number;
  /** Undefined when nothing was recorded. */
  min: number | undefined;
  max: number | undefined;
}

class Histogram {
  readonly #bounds: readonly number[];
  /** Since the last {@link take}. */
  #recent: Tally;
  /** Before it. */
  readonly #past: Tally;

  /** bounds: ascending, in the unit of the values that are recorded. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#recent = new Tally(bounds.length + 1);
    this.#past = new Tally(bounds.length + 1);
  }

  /** @returns the bucket that the value fell into */
  record(value: number): number {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    this.#recent.add(bucket, value);
    return bucket;
  }

  /** Everything that was ever recorded. */
  read(): HistogramReading {
    const all = new Tally(this.#bounds.length + 1);
    all.join(this.#past);
    all.join(this.#recent);
    return all.reading();
  }

  /** What was recorded since the last call. */
  take(): HistogramReading {
    const reading = this.#recent.reading();
    this.#past.join(this.#recent);
    this.#recent = new Tally(this.#bounds.length + 1);
    return reading;
  }
}

class Tally {
  readonly #counts: Float64Array;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  constructor(buckets: number) {
    this.#counts = new Float64Array(buckets);
  }

  add(bucket: number, value: number): void {
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  join(other: Tally): void {
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      this.#counts[bucket] = (this.#counts[bucket] as number) + (other.#counts[bucket] as number);
    }
    this.#sum += other.#sum;
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
  }

  reading(): HistogramReading {
    const counts = [...this.#counts];
    const count = counts.reduce((sum, one) => sum + one, 0);
    const [min, max] = count === 0 ? [undefined, undefined] : [this.#min, this.#max];
    return { counts, count, sum: this.#sum, min, max };
  }
}

export { Histogram, type HistogramReading };
