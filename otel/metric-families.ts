/**
 * The HTTP metrics at one moment, in their own units.
 * @module
 */
import type { Attributes } from "@opentelemetry/api";
import type { Exemplar, ExemplarReservoir } from "./exemplars.ts";
import type { Histogram, HistogramReading } from "./histogram.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import { INSTRUMENTS, type Instrument, type Measure, type Series } from "./http-series.ts";

/** One series of a metric. */
interface HistogramPoint extends HistogramReading {
  attributes: Attributes;
  /** At most one a bucket, in the order of the buckets. */
  exemplars: readonly Exemplar[];
}

interface HistogramFamily {
  instrument: Instrument;
  points: HistogramPoint[];
}

/** Everything that was ever recorded, or what was since the last reading of that kind. */
type Span = "ever" | "since last";

const SIDES = ["server", "client"] as const;
const MEASURES: readonly Measure[] = ["duration", "requestSize", "responseSize"];

/** Metrics and series without a value are left out. Every reading makes room for fresh exemplars. */
function readFamilies(metrics: HttpMetrics, span: Span): HistogramFamily[] {
  return SIDES.flatMap((side) =>
    MEASURES.flatMap((measure) => {
      const instrument = INSTRUMENTS[side][measure];
      const points = [...metrics.series(side)].flatMap((series) => readPoint(series, measure, instrument, span));
      return points.length === 0 ? [] : [{ instrument, points }];
    }),
  );
}

function readPoint(series: Series, measure: Measure, { scale }: Instrument, span: Span): HistogramPoint[] {
  const histogram: Histogram | undefined = series[measure];
  const reading = span === "ever" ? histogram?.read() : histogram?.take();
  if (reading === undefined || reading.count === 0) return [];
  const exemplars = measure === "duration" ? readExemplars(series.exemplars, scale) : [];
  return [{ ...scaled(reading, scale), attributes: series.attributes, exemplars }];
}

function readExemplars(reservoir: ExemplarReservoir, scale: number): Exemplar[] {
  const kept = reservoir.kept.filter((exemplar) => exemplar !== undefined);
  reservoir.restart();
  return kept.map((exemplar) => ({ ...exemplar, value: exemplar.value / scale }));
}

function scaled(reading: HistogramReading, scale: number): HistogramReading {
  const divided = (value: number | undefined) => (value === undefined ? undefined : value / scale);
  return { ...reading, sum: reading.sum / scale, min: divided(reading.min), max: divided(reading.max) };
}

export { type HistogramFamily, type HistogramPoint, readFamilies, type Span };
