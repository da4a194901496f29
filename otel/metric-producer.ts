/**
 * The HTTP metrics as the SDK's reader collects them.
 * @see https://opentelemetry.io/docs/specs/otel/metrics/sdk/#metricproducer
 * @module
 */
import { type HrTime, ValueType } from "@opentelemetry/api";
import { hrTime } from "@opentelemetry/core";
import { emptyResource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type HistogramMetricData,
  type Histogram as HistogramValue,
  type MetricProducer,
} from "@opentelemetry/sdk-metrics";
import type { Exemplar } from "./exemplars.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import { type HistogramFamily, type HistogramPoint, readFamilies } from "./metric-families.ts";
import { SCHEMA_URL, SCOPE_NAME } from "./semconv.ts";

/** The SDK has no exemplars; `exemplar-splicing.ts` sends those that are found here. */
interface PointWithExemplars extends DataPoint<HistogramValue> {
  readonly exemplars: readonly Exemplar[];
}

interface ProducerOptions {
  metrics: HttpMetrics;
  /** What the exporter prefers for histograms. */
  temporality: AggregationTemporality;
  /** Of Kernelcast, for the instrumentation scope. */
  version: string;
  now?: () => HrTime;
}

function createHttpMetricProducer({ metrics, temporality, version, now = hrTime }: ProducerOptions): MetricProducer {
  const scope = { name: SCOPE_NAME, version, schemaUrl: SCHEMA_URL };
  const isDelta = temporality === AggregationTemporality.DELTA;
  let startTime = now();
  let collectedTime = startTime;
  return {
    async collect() {
      const endTime = now();
      const times = { startTime, endTime, freshFrom: collectedTime };
      const data = readFamilies(metrics, isDelta ? "since last" : "ever").map((family) =>
        metricData(family, temporality, times),
      );
      collectedTime = endTime;
      if (isDelta) startTime = endTime;
      const scopeMetrics = data.length === 0 ? [] : [{ scope, metrics: data }];
      // The reader takes the resource of its own provider.
      return { resourceMetrics: { resource: emptyResource(), scopeMetrics }, errors: [] };
    },
  };
}

interface Times {
  startTime: HrTime;
  endTime: HrTime;
  /** Exemplars from before were sent already. */
  freshFrom: HrTime;
}

function metricData(
  { instrument, points }: HistogramFamily,
  aggregationTemporality: AggregationTemporality,
  times: Times,
): HistogramMetricData {
  const { name, description, unit, bounds } = instrument;
  return {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints: points.map((point) => dataPoint(point, bounds, times)),
  };
}

function dataPoint(
  { attributes, counts, count, sum, min, max, exemplars }: HistogramPoint,
  bounds: readonly number[],
  { startTime, endTime, freshFrom }: Times,
): PointWithExemplars {
  return {
    startTime,
    endTime,
    attributes,
    value: {
      buckets: { boundaries: [...bounds], counts },
      count,
      sum,
      ...(min === undefined || max === undefined ? {} : { min, max }),
    },
    exemplars: exemplars.filter(({ time }) => isAtOrAfter(time, freshFrom)),
  };
}

function isAtOrAfter(one: HrTime, other: HrTime): boolean {
  return one[0] > other[0] || (one[0] === other[0] && one[1] >= other[1]);
}

export { createHttpMetricProducer, type PointWithExemplars, type ProducerOptions };
