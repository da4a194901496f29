/**
 * The SDK's own messages, in our log and not more often than helps.
 * @see https://github.com/open-telemetry/opentelemetry-js/blob/main/doc/contributing/diag-logging.md
 * @module
 */
import { type DiagLogger, DiagLogLevel, diag } from "@opentelemetry/api";
import { diagLogLevelFromString } from "@opentelemetry/core";
import { type Log, RepeatLimit, withHeldBack } from "./log.ts";
import type { Environment } from "./settings.ts";

/** Routes them, from the level in `OTEL_LOG_LEVEL` upwards, by default warnings and errors. */
function routeDiagnostics(env: Environment, log: Log): void {
  const logLevel = diagLogLevelFromString(env.OTEL_LOG_LEVEL) ?? DiagLogLevel.WARN;
  diag.setLogger(createDiagLogger(log), { logLevel, suppressOverrideMessage: true });
}

function createDiagLogger(log: Log): DiagLogger {
  const limit = new RepeatLimit();
  const to =
    (write: (message: string) => void) =>
    (message: string, ...details: unknown[]): void => {
      const heldBack = limit.pass(message);
      if (heldBack !== undefined) write(withHeldBack(`OpenTelemetry: ${[message, ...details].join(" ")}`, heldBack));
    };
  const warn = to((message) => log.warn(message));
  const info = to((message) => log.info(message));
  return { error: warn, warn, info, debug: info, verbose: info };
}

export { createDiagLogger, routeDiagnostics };
