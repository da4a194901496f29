/** OTLP metric requests as a receiver decoded them, protobuf or JSON, brought to one form. */
import { type AttributeValue, hex, type KeyValue, keyValues } from "./otlp.ts";

interface ReceivedExemplar {
  value: number;
  timeUnixNano: bigint;
  traceId: string;
  spanId: string;
}

interface ReceivedPoint {
  attributes: Record<string, AttributeValue>;
  startTimeUnixNano: bigint;
  timeUnixNano: bigint;
  /** Of a sum or gauge. */
  value?: number;
  /** Of a histogram. */
  count?: number;
  sum?: number;
  min?: number;
  max?: number;
  bucketCounts?: number[];
  explicitBounds?: number[];
  exemplars: ReceivedExemplar[];
}

interface ReceivedMetric {
  name: string;
  unit: string;
  description: string;
  type: "gauge" | "sum" | "histogram";
  /** 1 delta, 2 cumulative; 0 for a gauge. */
  temporality: number;
  isMonotonic: boolean;
  points: ReceivedPoint[];
  resource: Record<string, AttributeValue>;
  scope: { name: string; version: string; schemaUrl: string };
}

interface RawPoint {
  attributes?: KeyValue[];
  startTimeUnixNano: unknown;
  timeUnixNano: unknown;
  asDouble?: number;
  asInt?: unknown;
  count?: unknown;
  sum?: number;
  min?: number;
  max?: number;
  bucketCounts?: unknown[];
  explicitBounds?: number[];
  exemplars?: { asDouble: number; timeUnixNano: unknown; traceId: unknown; spanId: unknown }[];
}

interface RawData {
  dataPoints: RawPoint[];
  aggregationTemporality?: number;
  isMonotonic?: boolean;
}

interface MetricRequest {
  resourceMetrics: {
    resource: { attributes: KeyValue[] };
    scopeMetrics: {
      scope: { name: string; version?: string };
      schemaUrl?: string;
      metrics: {
        name: string;
        unit?: string;
        description?: string;
        gauge?: RawData;
        sum?: RawData;
        histogram?: RawData;
      }[];
    }[];
  }[];
}

function receivedMetrics(request: unknown): ReceivedMetric[] {
  const { resourceMetrics } = request as MetricRequest;
  return resourceMetrics.flatMap(({ resource, scopeMetrics }) =>
    scopeMetrics.flatMap(({ scope, schemaUrl = "", metrics }) =>
      metrics.map((metric) => {
        const type = (["gauge", "sum", "histogram"] as const).find((one) => Object.hasOwn(metric, one) && metric[one]);
        const data = type === undefined ? undefined : metric[type];
        if (type === undefined || data == null)
          throw new Error(`metric ${metric.name}: expected a gauge, sum or histogram`);
        return {
          name: metric.name,
          unit: metric.unit ?? "",
          description: metric.description ?? "",
          type,
          temporality: data.aggregationTemporality ?? 0,
          isMonotonic: data.isMonotonic ?? false,
          points: data.dataPoints.map((point) => receivedPoint(point, type)),
          resource: keyValues(resource.attributes),
          scope: { name: scope.name, version: scope.version ?? "", schemaUrl },
        };
      }),
    ),
  );
}

function receivedPoint(point: RawPoint, type: ReceivedMetric["type"]): ReceivedPoint {
  const common = {
    attributes: keyValues(point.attributes ?? []),
    startTimeUnixNano: BigInt(String(point.startTimeUnixNano ?? 0)),
    timeUnixNano: BigInt(String(point.timeUnixNano)),
    exemplars: (point.exemplars ?? []).map(({ asDouble, timeUnixNano, traceId, spanId }) => ({
      value: asDouble,
      timeUnixNano: BigInt(String(timeUnixNano)),
      traceId: hex(traceId),
      spanId: hex(spanId),
    })),
  };
  if (type !== "histogram") {
    return { ...common, value: Object.hasOwn(point, "asInt") ? Number(String(point.asInt)) : (point.asDouble ?? 0) };
  }
  const { sum, min, max } = point;
  return {
    ...common,
    count: Number(String(point.count)),
    bucketCounts: (point.bucketCounts ?? []).map((one) => Number(String(one))),
    explicitBounds: [...(point.explicitBounds ?? [])],
    ...(sum == null ? {} : { sum }),
    ...(min == null ? {} : { min }),
    ...(max == null ? {} : { max }),
  };
}

export { type ReceivedMetric, type ReceivedPoint, receivedMetrics };
