import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { HealthMetric } from "../../otel/health-metrics.ts";
import { createTelemetry, type Environment, type Telemetry } from "../../otel/telemetry.ts";
import { httpEvent, httpEvents } from "./support/events.ts";
import { rawBatch } from "./support/raw.ts";
import { Receiver } from "./support/receiver.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { until } from "./support/until.ts";

const DURATION = "http.server.request.duration";
const [DELTA, CUMULATIVE] = [1, 2];

const receiver = new Receiver();
let telemetry: Telemetry;
let log: RecordingLog;

beforeAll(() => receiver.start());
afterAll(() => receiver.close());
afterEach(async () => {
  await telemetry.shutdown();
  expect(receiver.violations).toEqual([]);
  expect(log.warnings).toEqual([]);
});

/** What is measured is exported soon, and again and again, unless the test says otherwise. */
function start(env: Environment = {}): Telemetry {
  receiver.clear();
  log = new RecordingLog();
  telemetry = createTelemetry({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url.href, OTEL_METRIC_EXPORT_INTERVAL: "250", ...env },
    log,
    version: "1.2.3",
  });
  return telemetry;
}

function offer(events: ReturnType<typeof httpEvents>): void {
  telemetry.metrics?.offerRaw(rawBatch(events));
  telemetry.pipeline?.offerRaw(rawBatch(events));
}

/** The readings of a metric's first series, one after the other. */
const readings = (name: string) =>
  receiver.metrics.filter((metric) => metric.name === name).map(({ points }) => points[0]);

describe.each([["http/protobuf"], ["http/json"]])("over %s", (protocol) => {
  test("durations arrive with their attributes, buckets, scope and resource", async () => {
    start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
    offer(httpEvents(1000, { durationNano: 30_000_000 }));
    await until(() => receiver.metric(DURATION)?.points[0]?.count === 1000);
    expect(receiver.metric(DURATION)).toMatchObject({
      unit: "s",
      type: "histogram",
      temporality: CUMULATIVE,
      scope: { name: "kernelcast", version: "1.2.3", schemaUrl: "https://opentelemetry.io/schemas/1.44.0" },
      resource: { "service.name": "kernelcast", "service.version": "1.2.3" },
      points: [
        {
          attributes: { "http.request.method": "GET", "url.scheme": "http", "http.response.status_code": 200 },
          bucketCounts: [0, 0, 0, 1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
          min: 0.03,
          max: 0.03,
        },
      ],
    });
    expect(receiver.metric(DURATION)?.points[0]?.sum).toBeCloseTo(30, 9);
  });

  test("every exemplar points at a span that arrives too, and has its duration", async () => {
    const { pipeline } = start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_METRIC_EXPORT_INTERVAL: "600000" });
    // Now: an exemplar from before the first reading began would have been sent with an earlier one.
    const startTimeUnixNano = String(BigInt(Date.now() + 1) * 1_000_000n);
    for (let batch = 0; batch < 20; batch++) {
      const times = { startTimeUnixNano };
      offer(
        httpEvents(50, times).map((event, i) => ({ ...event, seq: batch * 50 + i + 1, durationNano: 4 ** (i % 18) })),
      );
    }
    await pipeline?.flush();
    await telemetry.shutdown();
    await until(() => receiver.metric(DURATION) !== undefined);
    const spans = new Map(receiver.spans.map((span) => [span.spanId, span]));
    const exemplars = receiver.metric(DURATION)?.points.flatMap((point) => point.exemplars) ?? [];
    expect(exemplars.length).toBeGreaterThan(5);
    for (const { spanId, traceId, value, timeUnixNano } of exemplars) {
      const span = spans.get(spanId);
      const nanos = Number((span?.endTimeUnixNano ?? 0n) - (span?.startTimeUnixNano ?? 0n));
      expect({ traceId, value, timeUnixNano }).toEqual({
        traceId: span?.traceId ?? "",
        value: nanos / 1e9,
        timeUnixNano: span?.endTimeUnixNano ?? 0n,
      });
    }
  });
});

test("cumulative is the default: each reading has all, from the same start", async () => {
  start();
  for (let round = 1; round <= 3; round++) {
    offer([httpEvent()]);
    await until(() => receiver.metric(DURATION)?.points[0]?.count === round);
  }
  expect(new Set(readings(DURATION).map((point) => point?.startTimeUnixNano)).size).toBe(1);
});

test("delta, when preferred: each reading has what came since the last, and begins where that ended", async () => {
  start({ OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: "delta" });
  let sum = 0;
  for (let round = 1; round <= 3; round++) {
    offer(httpEvents(round));
    sum += round;
    await until(() => readings(DURATION).reduce((all, point) => all + (point?.count ?? 0), 0) === sum);
  }
  expect(receiver.metric(DURATION)?.temporality).toBe(DELTA);
  const points = readings(DURATION);
  for (const [i, point] of points.entries()) {
    expect(point?.startTimeUnixNano).toBeGreaterThanOrEqual(points[i - 1]?.timeUnixNano ?? 0n);
  }
});

test.each([
  [{ OTEL_METRICS_EXEMPLAR_FILTER: "always_off" }],
  [{ OTEL_TRACES_EXPORTER: "none" }],
  [{ OTEL_TRACES_SAMPLER: "always_off" }],
] as [Environment][])("%p: no span to point at, no exemplar", async (env) => {
  start(env);
  offer(httpEvents(100));
  await until(() => receiver.metric(DURATION)?.points[0]?.count === 100);
  expect(receiver.metric(DURATION)?.points[0]?.exemplars).toEqual([]);
});

test("what is left when the end comes is exported before it", async () => {
  start({ OTEL_METRIC_EXPORT_INTERVAL: "600000" });
  offer(httpEvents(7));
  await telemetry.shutdown();
  await until(() => receiver.metric(DURATION) !== undefined);
  expect(receiver.metric(DURATION)?.points[0]?.count).toBe(7);
});

test("OTEL_METRICS_EXPORTER=none exports nothing, and what is measured can still be read", async () => {
  const { metricsUrl } = start({ OTEL_METRICS_EXPORTER: "none" });
  expect(metricsUrl).toBeUndefined();
  offer(httpEvents(7));
  expect(telemetry.readMetrics()[0]?.points[0]?.count).toBe(7);
  await telemetry.pipeline?.flush();
  await telemetry.shutdown();
  expect(receiver.metrics).toEqual([]);
});

test("metrics have variables of their own", async () => {
  const path = new URL("/v1/metrics", receiver.url);
  const { metricsUrl } = start({
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    OTEL_TRACES_EXPORTER: "none",
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: path.href,
    OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: "x-tenant=b",
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=a,x-all=c",
  });
  expect(metricsUrl).toBe(path.href);
  offer([httpEvent()]);
  await until(() => receiver.metric(DURATION) !== undefined);
  expect(receiver.requests[0]?.headers).toMatchObject({
    "content-type": "application/json",
    "x-tenant": "b",
    "x-all": "c",
  });
});

test("the SDK's own numbers are there under its names", async () => {
  const { pipeline } = start({ OTEL_BSP_MAX_QUEUE_SIZE: "100", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10" });
  offer(httpEvents(120));
  await pipeline?.flush();
  const value = (name: string, where: Record<string, unknown> = {}) =>
    receiver
      .metric(name)
      ?.points.find(({ attributes }) => Object.entries(where).every(([key, wanted]) => attributes[key] === wanted))
      ?.value;
  await until(() => value("otel.sdk.exporter.span.exported") === 100);
  expect(receiver.metric("otel.sdk.exporter.span.exported")?.points[0]?.attributes).toMatchObject({
    "otel.component.type": "otlp_http_span_exporter",
    "server.address": "127.0.0.1",
    "server.port": Number(receiver.url.port),
  });
  expect(value("otel.sdk.exporter.span.inflight")).toBe(0);
  expect(value("otel.sdk.processor.span.queue.capacity")).toBe(100);
  expect(value("otel.sdk.processor.span.queue.size")).toBe(0);
  expect(value("otel.sdk.processor.span.processed", { "error.type": undefined })).toBe(100);
  expect(value("otel.sdk.processor.span.processed", { "error.type": "queue_full" })).toBe(20);
});

test("Kernelcast's own numbers go out under the names that they are given", async () => {
  let reading = 0;
  const read = (): HealthMetric[] => [
    {
      name: "kernelcast.events.observed",
      type: "counter",
      unit: "{event}",
      help: "h",
      samples: [[{ protocol: "http" }, ++reading]],
    },
    { name: "kernelcast.spans.queued", type: "gauge", unit: "{span}", help: "h", samples: [[{}, 5]] },
    {
      name: "kernelcast.bpf.program.run_time",
      type: "counter",
      unit: "s",
      help: "h",
      samples: [[{ program: "p" }, 0.25]],
    },
    { name: "kernelcast.ring.usage", type: "gauge", unit: "By", help: "h", samples: [] },
  ];
  start().observeHealth(read);
  await until(() => (receiver.metric("kernelcast.events.observed")?.points[0]?.value ?? 0) > 2);
  expect(receiver.metric("kernelcast.events.observed")).toMatchObject({
    type: "sum",
    isMonotonic: true,
    unit: "{event}",
    points: [{ attributes: { protocol: "http" } }],
  });
  expect(receiver.metric("kernelcast.spans.queued")).toMatchObject({ type: "gauge", points: [{ value: 5 }] });
  expect(receiver.metric("kernelcast.bpf.program.run_time")).toMatchObject({ unit: "s", points: [{ value: 0.25 }] });
  expect(receiver.metric("kernelcast.ring.usage")).toBeUndefined();
});
