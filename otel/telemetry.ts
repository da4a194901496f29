/**
 * The one door to this folder: everything between delivered events and an OpenTelemetry collector.
 * @module
 */
import { routeDiagnostics } from "./diag.ts";
import { withEnvironment } from "./environment.ts";
import { IdGenerator } from "./ids.ts";
import { Locality } from "./locality.ts";
import type { Log } from "./log.ts";
import type { SpanPipeline } from "./pipeline.ts";
import { createResource } from "./resource.ts";
import { createSampler } from "./sampler.ts";
import { startSdk } from "./sdk.ts";
import { type Environment, exportSettings, TelemetrySettingError } from "./settings.ts";
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
  /**
   * Ends export within the deadline, 3 s by default, whatever the collector does. Never rejects. A request that is still
   * being retried may keep the event loop alive after it, so the process should then exit of its own accord.
   */
  shutdown(timeoutMillis?: number): Promise<void>;
}

const SHUTDOWN_TIMEOUT_MILLIS = 3000;

/** @throws {TelemetrySettingError} when a variable has a value that cannot be followed */
function createTelemetry({ env, log, version, spans = "auto" }: TelemetryOptions): Telemetry {
  const warn = (message: string) => log.warn(message);
  const settings = exportSettings(env, warn);
  routeDiagnostics(env, log);
  const resource = withEnvironment(env, () => createResource(env, version));
  const sdk = startSdk(env, resource, log);
  if (settings === undefined) {
    return {
      pipeline: undefined,
      url: undefined,
      shutdown: (timeoutMillis = SHUTDOWN_TIMEOUT_MILLIS) => sdk.shutdown(timeoutMillis),
    };
  }

  const ids = new IdGenerator();
  const locality = new Locality();
  const { pipeline, url } = createSpans({
    env,
    log,
    settings,
    resource,
    version,
    ids,
    sampler: createSampler({ name: env.OTEL_TRACES_SAMPLER, argument: env.OTEL_TRACES_SAMPLER_ARG, ids, warn }),
    sides: sideRules(spans, locality.isLocal),
    underClientSpan: spans === "both",
  });
  return {
    pipeline,
    url,
    async shutdown(timeoutMillis = SHUTDOWN_TIMEOUT_MILLIS) {
      const endMillis = performance.now() + timeoutMillis;
      await pipeline.shutdown(timeoutMillis);
      await sdk.shutdown(Math.max(0, endMillis - performance.now()));
      locality.close();
    },
  };
}

export { createTelemetry, type Environment, type Log, type Telemetry, type TelemetryOptions, TelemetrySettingError };
