import { expect, test } from "bun:test";
import { getProtoRoot } from "@elastic/mockotlpserver/lib/proto.js";
import { ValueType } from "@opentelemetry/api";
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { AggregationTemporality, DataPointType, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import { spliceIntoJson, spliceIntoProtobuf } from "../../otel/exemplar-splicing.ts";
import type { Exemplar } from "../../otel/exemplars.ts";
import { Random } from "../ffi/support/random.ts";

const REQUEST = getProtoRoot().lookupType("opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest");

interface Decoded {
  resourceMetrics: {
    scopeMetrics: { metrics: { histogram?: { dataPoints: { exemplars: Record<string, unknown>[] }[] } }[] }[];
  }[];
}

/** As `trace-proto.ts`: what is not exactly what the .proto files describe is an error. */
function decode(bytes: Uint8Array): Decoded {
  const message = REQUEST.decode(bytes);
  expect(REQUEST.encode(message).finish().length).toBe(bytes.length);
  return REQUEST.toObject(message, { longs: String, bytes: String, arrays: true }) as Decoded;
}

const random = new Random(11);
const hex = (digits: number) => Array.from({ length: digits }, () => random.below(16).toString(16)).join("");
const exemplar = (): Exemplar => ({
  value: random.below(1e9) / 1e6,
  time: [1_790_000_000 + random.below(1000), random.below(1e9)],
  traceId: hex(32),
  spanId: hex(16),
});

const times = { startTime: [1_790_000_000, 1] as [number, number], endTime: [1_790_000_060, 2] as [number, number] };
const descriptor = (name: string) => ({ name, description: "d", unit: "s", valueType: ValueType.DOUBLE });
const scope = { name: "kernelcast", version: "1", schemaUrl: "https://opentelemetry.io/schemas/1.44.0" };

/** A sum, and histograms of points with so many exemplars each. */
function metricsWith(exemplarCounts: number[][]): { metrics: ResourceMetrics; exemplars: Exemplar[][] } {
  const exemplars = exemplarCounts.flat().map((count) => Array.from({ length: count }, exemplar));
  const rest = exemplars.values();
  const histograms = exemplarCounts.map((counts, i) => ({
    descriptor: descriptor(`h.${i}`),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM as const,
    dataPoints: counts.map((_, j) => ({
      ...times,
      attributes: { "http.request.method": "GET", j, isOdd: j % 2 === 1, ratio: j / 3 },
      value: {
        buckets: { boundaries: [1, 2], counts: [1, 2, random.below(1000)] },
        count: 3,
        sum: 4.5,
        min: 0,
        max: 3,
      },
      exemplars: rest.next().value ?? [],
    })),
  }));
  const sum = {
    descriptor: descriptor("s.s"),
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.SUM as const,
    isMonotonic: true,
    dataPoints: [{ ...times, attributes: { a: "b" }, value: 7 }],
  };
  const [first, ...others] = histograms;
  const scopeMetrics = [
    { scope, metrics: first === undefined ? [sum] : [sum, first] },
    { scope: { name: "other" }, metrics: others },
  ];
  return { metrics: { resource: resourceFromAttributes({ "service.name": "x" }), scopeMetrics }, exemplars };
}

const cases: [string, number[][]][] = [
  ["one point with one", [[1]]],
  ["several points, some without", [[0, 3, 0, 1]]],
  ["several histograms", [[1, 0], [2], [0, 0, 5]]],
  ["so many that lengths take another byte", [[15, 15, 15], Array.from({ length: 400 }, () => 15)]],
];

test.each(cases)("protobuf: %s: the request is the SDK's, with the exemplars in their points", (_name, counts) => {
  const { metrics, exemplars } = metricsWith(counts);
  const plain = ProtobufMetricsSerializer.serializeRequest(metrics) ?? new Uint8Array();
  const expected = decode(plain);
  const rest = exemplars.values();
  for (const { metrics } of expected.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)) {
    for (const point of metrics.flatMap(({ histogram }) => histogram?.dataPoints ?? [])) {
      point.exemplars = (rest.next().value ?? []).map(({ value, time, traceId, spanId }) => ({
        filteredAttributes: [],
        timeUnixNano: `${time[0]}${String(time[1]).padStart(9, "0")}`,
        asDouble: value,
        spanId: Buffer.from(spanId, "hex").toString("base64"),
        traceId: Buffer.from(traceId, "hex").toString("base64"),
      }));
    }
  }
  expect(decode(spliceIntoProtobuf(plain, metrics))).toEqual(expected);
});

test.each(cases)("JSON: %s: the request is the SDK's, with the exemplars in their points", (_name, counts) => {
  const { metrics, exemplars } = metricsWith(counts);
  const plain = JsonMetricsSerializer.serializeRequest(metrics) ?? new Uint8Array();
  const parse = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as Decoded;
  const expected = parse(plain);
  const rest = exemplars.values();
  for (const { metrics } of expected.resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)) {
    for (const point of metrics.flatMap(({ histogram }) => histogram?.dataPoints ?? [])) {
      point.exemplars = (rest.next().value ?? []).map(({ value, time, traceId, spanId }) => ({
        timeUnixNano: `${time[0]}${String(time[1]).padStart(9, "0")}`,
        asDouble: value,
        spanId,
        traceId,
      }));
    }
  }
  expect(parse(spliceIntoJson(plain, metrics))).toEqual(expected);
});

test("without exemplars the request is the SDK's own, byte for byte", () => {
  const { metrics } = metricsWith([[0, 0]]);
  const bytes = ProtobufMetricsSerializer.serializeRequest(metrics) ?? new Uint8Array();
  expect(spliceIntoProtobuf(bytes, metrics)).toBe(bytes);
  expect(spliceIntoJson(bytes, metrics)).toBe(bytes);
});
