/**
 * OpenTelemetry's SDK for Node as Kernelcast uses it: for the telemetry about itself that the environment asks for. The
 * spans of the host's traffic do not go through it, they are too many (see `pipeline.ts`).
 * @module
 */
import { context, metrics, propagation, trace } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { withEnvironment } from "./environment.ts";
import type { Log } from "./log.ts";
import type { Environment } from "./settings.ts";

/**
 * Without a word from the environment the SDK would export metrics and logs to localhost; Kernelcast has none to send yet
 * and does not open connections by surprise. The log level is taken care of by `diag.ts`.
 */
const QUIET: Environment = { OTEL_METRICS_EXPORTER: "none", OTEL_LOGS_EXPORTER: "none" };

interface Sdk {
  /** Waits no longer than the deadline and never rejects, though the SDK's own shutdown does both. */
  shutdown(timeoutMillis: number): Promise<void>;
}

function startSdk(env: Environment, resource: Resource, log: Log): Sdk {
  const sdk = withEnvironment({ ...QUIET, ...env, OTEL_LOG_LEVEL: undefined }, () => {
    const node = new NodeSDK({ resource, autoDetectResources: false, spanProcessors: [] });
    node.start();
    return node;
  });
  return {
    async shutdown(timeoutMillis) {
      const deadline = Promise.withResolvers<void>();
      const timer = setTimeout(deadline.resolve, timeoutMillis);
      const ended = sdk.shutdown().catch((error) => log.warn(`OpenTelemetry did not shut down cleanly: ${error}`));
      await Promise.race([ended, deadline.promise]);
      clearTimeout(timer);
      // It registers itself globally; without this a second start in the same process would find the dead one.
      for (const api of [trace, metrics, propagation, context]) api.disable();
    },
  };
}

export { type Sdk, startSdk };
