/**
 * The series of one side, at most as many as the specification allows.
 * @see https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits
 * @module
 */
import type { HttpEvent } from "../ffi/event.ts";
import { Series, seriesAttributes } from "./http-series.ts";
import type { SpanSide } from "./side.ts";

/** The specification's default. What comes beyond shares one series more. */
const SERIES_MAX = 2000;
/** Keys by which series are found again; beyond so many all are forgotten, and each costs a decoding once more. */
const KEYS_MAX = 4 * SERIES_MAX;

const OVERFLOW = { "otel.metric.overflow": true };

interface SeriesTableOptions {
  side: SpanSide;
  knownMethods: ReadonlySet<string>;
  hasSizes: boolean;
  seriesMax?: number;
}

/**
 * Two steps: a key, made of what an event shows at a glance, finds a series known by it. Only an event whose key is new is
 * looked at in full; several keys may lead to one series, as `Host: a` and `Host: a:80` do.
 */
class SeriesTable {
  readonly #options: SeriesTableOptions;
  readonly #seriesMax: number;
  readonly #byAttributes = new Map<string, Series>();
  readonly #byKey = new Map<string, Map<number, Series>>();
  #keys = 0;
  #overflow: Series | undefined;

  constructor(options: SeriesTableOptions) {
    this.#options = options;
    this.#seriesMax = options.seriesMax ?? SERIES_MAX;
  }

  /** Both parts together are the key. */
  find(text: string, number: number): Series | undefined {
    return this.#byKey.get(text)?.get(number);
  }

  /** The series of an event that was not found by its key. */
  add(text: string, number: number, event: HttpEvent): Series {
    const series = this.of(event);
    if (this.#keys++ >= KEYS_MAX) {
      this.#byKey.clear();
      this.#keys = 1;
    }
    let group = this.#byKey.get(text);
    if (group === undefined) {
      group = new Map();
      this.#byKey.set(text, group);
    }
    group.set(number, series);
    return series;
  }

  /** The series of an event that has no key. */
  of(event: HttpEvent): Series {
    const { side, knownMethods, hasSizes } = this.#options;
    const attributes = seriesAttributes(event, side, knownMethods);
    const identity = JSON.stringify(attributes);
    const known = this.#byAttributes.get(identity);
    if (known !== undefined) return known;
    if (this.#byAttributes.size >= this.#seriesMax) {
      this.#overflow ??= new Series(OVERFLOW, hasSizes);
      return this.#overflow;
    }
    const series = new Series(attributes, hasSizes);
    this.#byAttributes.set(identity, series);
    return series;
  }

  *[Symbol.iterator](): Iterator<Series> {
    yield* this.#byAttributes.values();
    if (this.#overflow !== undefined) yield this.#overflow;
  }
}

export { SeriesTable, type SeriesTableOptions };
