/**
 * What the conventions leave to be asked for. There is no standard variable for it; these are OpenTelemetry's Java agent's.
 * @see https://opentelemetry.io/docs/zero-code/java/agent/instrumentation/http/
 * @module
 */
import { type Environment, read } from "./settings.ts";
import type { SpanSide } from "./side.ts";

/** Whether spans and metrics of a side have what is still in development: the sizes of bodies. */
type OptIn = Readonly<Record<SpanSide, boolean>>;

function optIn(env: Environment): OptIn {
  const isOn = (side: string) =>
    read(env, `OTEL_INSTRUMENTATION_HTTP_${side}_EMIT_EXPERIMENTAL_TELEMETRY`)?.toLowerCase() === "true";
  return { server: isOn("SERVER"), client: isOn("CLIENT") };
}

export { type OptIn, optIn };
