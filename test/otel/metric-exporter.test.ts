import { afterEach, beforeEach, expect, test } from "bun:test";
import { createTelemetry, type Telemetry } from "../../otel/telemetry.ts";
import { httpEvents } from "./support/events.ts";
import { rawBatch } from "./support/raw.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { type Action, ScriptedCollector } from "./support/scripted-collector.ts";
import { until } from "./support/until.ts";

let collector: ScriptedCollector;
let telemetry: Telemetry;
let log: RecordingLog;

beforeEach(async () => {
  collector = await new ScriptedCollector().listen();
  log = new RecordingLog();
  telemetry = createTelemetry({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_TIMEOUT: "200",
      OTEL_METRIC_EXPORT_INTERVAL: "400",
      OTEL_TRACES_EXPORTER: "none",
    },
    log,
    version: "0.0.0",
  });
  telemetry.metrics?.offerRaw(rawBatch(httpEvents(10)));
});

afterEach(async () => {
  await telemetry.shutdown(500);
  await collector.close();
});

/** What the collector does with metrics, and what the log then says, once. */
const faults: [Action, RegExp][] = [
  [{ do: "status", status: 503 }, /^Metrics do not reach .*\/v1\/metrics: it keeps answering that it is overloaded/],
  [{ do: "die" }, /^Metrics do not reach .*\/v1\/metrics: the connection was cut/],
  [{ do: "hang" }, /^Metrics do not reach .*\/v1\/metrics: no answer in time/],
  [{ do: "drip", where: "head" }, /^Metrics do not reach .*\/v1\/metrics: the connection was cut/],
  [{ do: "status", status: 400 }, /\/v1\/metrics refused \d+ data points: HTTP 400/],
  [{ do: "partial", rejected: 1 }, /\/v1\/metrics rejected 1 of \d+ data points: no$/],
];

test.each(faults)("%p: the log says it, once and in one line, and metrics go on", async (action, says) => {
  collector.withMetrics = action;
  await until(() => log.warnings.length > 0 && collector.metricRequests > 2);
  expect(log.warnings[0]).toMatch(says);
  collector.withMetrics = { do: "take" };
  const { metricRequests } = collector;
  await until(() => collector.metricRequests > metricRequests + 1);
  expect(log.warnings.filter((line) => line.startsWith("OpenTelemetry:"))).toEqual([]);
  expect(log.warnings.length).toBeLessThanOrEqual(2);
});

test("shutdown ends in time though the collector hangs, and at once when it is known to be away", async () => {
  collector.withMetrics = { do: "hang" };
  await until(() => log.warnings.length > 0);
  const began = performance.now();
  await telemetry.shutdown(3000);
  expect(performance.now() - began).toBeLessThan(1000);
});
