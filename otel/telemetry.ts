/**
 * The one door to this folder: everything between delivered events and an OpenTelemetry collector.
 * @module
 */
import type { RawHttpSink } from "../ffi/event.ts";
import { routeDiagnostics } from "./diag.ts";
import { withEnvironment } from "./environment.ts";
import { describeOutage } from "./health.ts";
import { type HealthMetric, observeHealth } from "./health-metrics.ts";
import { HttpMetrics } from "./http-metrics.ts";
import { IdGenerator } from "./ids.ts";
import { Locality } from "./locality.ts";
import type { Log } from "./log.ts";
import { knownMethods } from "./method.ts";
import { type HistogramFamily, readFamilies } from "./metric-families.ts";
import { exemplarFilter, exemplarRule, metricSettings as readMetricSettings } from "./metric-settings.ts";
import { createMetricExport } from "./metrics.ts";
import { optIn } from "./opt-in.ts";
import type { SpanPipeline } from "./pipeline.ts";
import { unreachableReason } from "./reachability.ts";
import { createResource } from "./resource.ts";
import { createSampler } from "./sampler.ts";
import { startSdk } from "./sdk.ts";
import { SCOPE_NAME } from "./semconv.ts";
import { type Environment, exportSettings, isSdkDisabled, TelemetrySettingError } from "./settings.ts";
import { type SpanPolicy, sideRules } from "./side.ts";
import { createSpans } from "./spans.ts";

interface TelemetryOptions {
  /** The standard `OTEL_*` variables, usually `process.env`. */
  env: Environment;
  log: Log;
  /** Of Kernelcast. */
  version: string;
  /** Whose span a transaction becomes; `auto` by default. */
  spans?: SpanPolicy;
}

interface Telemetry {
  /** The span sink. Undefined when the environment switches spans off: then no events need be offered or counted. */
  readonly pipeline: SpanPipeline | undefined;
  /** Where the spans go; undefined with the pipeline. */
  readonly url: string | undefined;
  /** The sink that measures the traffic; undefined when the environment switches the whole SDK off. */
  readonly metrics: RawHttpSink | undefined;
  /** Where the metrics go; undefined when they are not exported. */
  readonly metricsUrl: string | undefined;
  /** Why the collector of the spans cannot be reached, in words; undefined when it can, or when that cannot be told soon. */
  findOutage(): Promise<string | undefined>;
  /** What was measured so far, for whoever exports it in another way. */
  readMetrics(): HistogramFamily[];
  /** Exports Kernelcast's own numbers too, under the names that `read` gives them; to be called once. */
  observeHealth(read: () => readonly HealthMetric[]): void;
  /**
   * Ends export within the deadline, 3 s by default, whatever the collector does. Never rejects; every call gets the same
   * promise. A request that is still being retried may keep the event loop alive after it, so the process should then exit
   * of its own accord.
   */
  shutdown(timeoutMillis?: number): Promise<void>;
}

const SHUTDOWN_TIMEOUT_MILLIS = 3000;
/** How long it may take to learn that a collector is not there, where somebody waits for that. */
const LOOK_MILLIS = 300;

/** @throws {TelemetrySettingError} when a variable has a value that cannot be followed */
function createTelemetry({ env, log, version, spans: policy = "auto" }: TelemetryOptions): Telemetry {
  const warn = (message: string) => log.warn(message);
  const spanSettings = exportSettings(env, warn);
  const metricSettings = readMetricSettings(env, warn);
  routeDiagnostics(env, log);
  const resource = withEnvironment(env, () => createResource(env, version));
  const ids = new IdGenerator();
  const locality = new Locality();
  const sampler = createSampler({ name: env.OTEL_TRACES_SAMPLER, argument: env.OTEL_TRACES_SAMPLER_ARG, ids, warn });
  const sides = sideRules(policy, locality.isLocal);
  const traffic = new HttpMetrics({
    sideRules: sides,
    knownMethods: knownMethods(env.OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS),
    optIn: optIn(env),
    ids,
    hasSpan: exemplarRule(exemplarFilter(env, warn), spanSettings === undefined ? undefined : sampler),
  });
  const metricExport =
    metricSettings === undefined
      ? undefined
      : createMetricExport({ env, log, settings: metricSettings, metrics: traffic, version });
  const sdk = startSdk(env, resource, log, metricExport?.reader);
  const { meterProvider } = sdk;
  const spans =
    spanSettings === undefined
      ? undefined
      : createSpans({
          env,
          log,
          settings: spanSettings,
          resource,
          version,
          ids,
          sampler,
          sides,
          underClientSpan: policy === "both",
          meterProvider,
        });
  let ended: Promise<void> | undefined;
  const end = async (timeoutMillis: number) => {
    const endMillis = performance.now() + timeoutMillis;
    const rest = () => Math.max(0, endMillis - performance.now());
    if (spans !== undefined) await spans.pipeline.shutdown((await isListening(spans.url)) ? rest() : 0);
    const isTaken =
      metricExport === undefined || (!metricExport.health.isDown && (await isListening(metricExport.url)));
    await sdk.shutdown(isTaken ? rest() : 0);
    locality.close();
  };
  return {
    pipeline: spans?.pipeline,
    url: spans?.url,
    metrics: isSdkDisabled(env) ? undefined : traffic,
    metricsUrl: metricExport?.url,
    findOutage: async () =>
      spans === undefined ? undefined : describeOutage(await unreachableReason(spans.url, LOOK_MILLIS)),
    readMetrics: () => readFamilies(traffic, "ever"),
    observeHealth: (read) => observeHealth(meterProvider.getMeter(SCOPE_NAME, version), read),
    shutdown: (timeoutMillis = SHUTDOWN_TIMEOUT_MILLIS) => {
      ended ??= end(timeoutMillis);
      return ended;
    },
  };
}

/** Asked before the last exports, which would otherwise hold up the end where there is no collector. */
async function isListening(url: string): Promise<boolean> {
  return describeOutage(await unreachableReason(url, LOOK_MILLIS)) === undefined;
}

export { createTelemetry, type Environment, type Log, type Telemetry, type TelemetryOptions, TelemetrySettingError };
