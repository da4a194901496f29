/**
 * OpenTelemetry's SDK for Node as Kernelcast uses it: for the telemetry about itself that the environment asks for. The
 * spans of the host's traffic do not go through it, they are too many (see `pipeline.ts`).
 * @module
 */
import {
  type MeterProvider as ApiMeterProvider,
  context,
  createNoopMeter,
  propagation,
  trace,
} from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { type IMetricReader, MeterProvider } from "@opentelemetry/sdk-metrics";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { withEnvironment } from "./environment.ts";
import type { Log } from "./log.ts";
import type { Environment } from "./settings.ts";

/**
 * Without a word from the environment the SDK would export logs to localhost; Kernelcast has none to send and does not open
 * connections by surprise. The log level is taken care of by `diag.ts`.
 */
const QUIET: Environment = { OTEL_LOGS_EXPORTER: "none" };

interface Sdk {
  /** Of what is counted about Kernelcast itself; counts nothing when metrics are not exported. */
  readonly meterProvider: ApiMeterProvider;
  /** Waits no longer than the deadline and never rejects, though the SDK's own shutdown does both. */
  shutdown(timeoutMillis: number): Promise<void>;
}

/** @param reader collects what is measured, if metrics are exported */
function startSdk(env: Environment, resource: Resource, log: Log, reader?: IMetricReader): Sdk {
  const meters = reader === undefined ? undefined : new MeterProvider({ resource, readers: [reader] });
  const sdk = withEnvironment({ ...QUIET, ...env, OTEL_LOG_LEVEL: undefined }, () => {
    const node = new NodeSDK({ resource, autoDetectResources: false, spanProcessors: [], metricReaders: [] });
    node.start();
    return node;
  });
  return {
    meterProvider: meters ?? { getMeter: createNoopMeter },
    async shutdown(timeoutMillis) {
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, timeoutMillis);
      const ended = Promise.all([meters?.shutdown(), sdk.shutdown()]).catch((error) =>
        log.warn(`OpenTelemetry did not shut down cleanly: ${error}`),
      );
      await Promise.race([ended, deadline.promise]);
      clearTimeout(timer);
      // It registers itself globally; without this a second start in the same process would find the dead one.
      for (const api of [trace, propagation, context]) api.disable();
    },
  };
}

export { type Sdk, startSdk };
