/**
 * OTLP metrics with exemplars. The SDK writes everything but those, so they are put into what it has written: into JSON as
 * values, into protobuf by copying the messages on the way to the points and appending a field to each point.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/metrics/v1/metrics.proto
 * @module
 */
import type { HrTime } from "@opentelemetry/api";
import { DataPointType, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Exemplar } from "./exemplars.ts";
import type { PointWithExemplars } from "./metric-producer.ts";
import { appendToMessages } from "./protobuf-append.ts";

/** Numbers of the fields on the way from the request to the points of its histograms: resource, scope, metric, histogram. */
const TO_POINTS = [1, 2, 2, 9, 1];
/** `HistogramDataPoint.exemplars`, length-delimited. */
const EXEMPLARS_TAG = (8 << 3) | 2;
/** Tags of the fields of `Exemplar`, in the order in which they are written, and the whole message's length. */
const EXEMPLAR = { time: (2 << 3) | 1, asDouble: (3 << 3) | 1, spanId: (4 << 3) | 2, traceId: (5 << 3) | 2 };
const EXEMPLAR_BYTES = 9 + 9 + 10 + 18;

/** The exemplars of each point of a histogram, in the order in which they are written; undefined when there are none at all. */
function exemplarsOf({ scopeMetrics }: ResourceMetrics): (readonly Exemplar[])[] | undefined {
  const points = scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .flatMap((metric) => (metric.dataPointType === DataPointType.HISTOGRAM ? metric.dataPoints : []))
    .map((point) => (point as Partial<PointWithExemplars>).exemplars ?? []);
  return points.some((exemplars) => exemplars.length > 0) ? points : undefined;
}

/** @param request an `ExportMetricsServiceRequest` as the SDK wrote it of these metrics */
function spliceIntoProtobuf(request: Uint8Array, metrics: ResourceMetrics): Uint8Array {
  const exemplars = exemplarsOf(metrics)?.values();
  if (exemplars === undefined) return request;
  return appendToMessages(request, TO_POINTS, () => Buffer.concat((exemplars.next().value ?? []).map(encoded)));
}

interface JsonRequest {
  resourceMetrics: {
    scopeMetrics: { metrics: { histogram?: { dataPoints: { exemplars?: unknown }[] } }[] }[];
  }[];
}

/** The same in JSON. */
function spliceIntoJson(request: Uint8Array, metrics: ResourceMetrics): Uint8Array {
  const exemplars = exemplarsOf(metrics)?.values();
  if (exemplars === undefined) return request;
  const json = JSON.parse(Buffer.from(request).toString()) as JsonRequest;
  for (const { scopeMetrics } of json.resourceMetrics) {
    for (const { histogram } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
      for (const point of histogram?.dataPoints ?? []) point.exemplars = (exemplars.next().value ?? []).map(asJson);
    }
  }
  return Buffer.from(JSON.stringify(json));
}

function encoded({ value, time, traceId, spanId }: Exemplar): Buffer {
  const bytes = Buffer.alloc(2 + EXEMPLAR_BYTES);
  bytes.set([EXEMPLARS_TAG, EXEMPLAR_BYTES, EXEMPLAR.time], 0);
  bytes.writeBigUInt64LE(unixNano(time), 3);
  bytes[11] = EXEMPLAR.asDouble;
  bytes.writeDoubleLE(value, 12);
  bytes.set([EXEMPLAR.spanId, 8], 20);
  bytes.write(spanId, 22, "hex");
  bytes.set([EXEMPLAR.traceId, 16], 30);
  bytes.write(traceId, 32, "hex");
  return bytes;
}

function asJson({ value, time, traceId, spanId }: Exemplar): object {
  return { timeUnixNano: String(unixNano(time)), asDouble: value, spanId, traceId };
}

function unixNano([seconds, nanos]: HrTime): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}

export { spliceIntoJson, spliceIntoProtobuf };
