/**
 * The part of the variables for metrics that Kernelcast reads itself.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#metrics-sdk-configuration
 * @module
 */
import type { HttpEvent } from "../ffi/event.ts";
import type { EventSampler } from "./sampler.ts";
import { type Environment, type OtlpProtocol, otlpProtocol, read, readCount } from "./settings.ts";

interface MetricSettings {
  protocol: OtlpProtocol;
  /** From one export to the next. */
  intervalMillis: number;
  /** Of one export, all its attempts together. */
  timeoutMillis: number;
}

/** Which measurements may become exemplars. */
type ExemplarFilter = "always_on" | "always_off" | "trace_based";

const DEFAULT_INTERVAL_MILLIS = 60_000;
const DEFAULT_TIMEOUT_MILLIS = 30_000;
const EXEMPLAR_FILTERS: readonly ExemplarFilter[] = ["always_on", "always_off", "trace_based"];

/**
 * Undefined when metrics are not exported by `OTEL_SDK_DISABLED=true` or `OTEL_METRICS_EXPORTER=none`.
 * @param warn told in one sentence of a value that is not valid; the default then stands in
 * @throws {TelemetrySettingError}
 */
function metricSettings(env: Environment, warn: (message: string) => void): MetricSettings | undefined {
  const protocol = otlpProtocol(env, "METRICS");
  if (protocol === undefined) return undefined;
  const millis = (variable: string, fallback: number) =>
    readCount(env, variable, 1, (message) => warn(`${message}; using ${fallback}`)) ?? fallback;
  const intervalMillis = millis("OTEL_METRIC_EXPORT_INTERVAL", DEFAULT_INTERVAL_MILLIS);
  const timeoutMillis = millis("OTEL_METRIC_EXPORT_TIMEOUT", DEFAULT_TIMEOUT_MILLIS);
  return { protocol, intervalMillis, timeoutMillis: Math.min(timeoutMillis, intervalMillis) };
}

function exemplarFilter(env: Environment, warn: (message: string) => void): ExemplarFilter {
  const value = read(env, "OTEL_METRICS_EXEMPLAR_FILTER") ?? "trace_based";
  const filter = EXEMPLAR_FILTERS.find((one) => one === value);
  if (filter !== undefined) return filter;
  const expected = EXEMPLAR_FILTERS.join(", ");
  warn(`OTEL_METRICS_EXEMPLAR_FILTER: expected one of ${expected}, got "${value}"; using trace_based`);
  return "trace_based";
}

/**
 * Whether an event may be an exemplar. It must have a span to point at, so `always_on` adds nothing to `trace_based`:
 * what was not sampled has none.
 * @param sampler of the spans; undefined when there are none
 */
function exemplarRule(
  filter: ExemplarFilter,
  sampler: EventSampler | undefined,
): ((event: HttpEvent) => boolean) | undefined {
  if (filter === "always_off" || sampler === undefined) return undefined;
  return (event) => sampler.wants(event);
}

export { type ExemplarFilter, exemplarFilter, exemplarRule, type MetricSettings, metricSettings };
