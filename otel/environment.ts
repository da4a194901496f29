/**
 * Gives the SDK an environment. It reads `process.env` alone, and only while it is constructed.
 * @module
 */
import type { Environment } from "./settings.ts";

/** Variables that the SDK may read. */
const PREFIX = "OTEL_";

/**
 * Runs `build` with the `OTEL_*` part of `process.env` replaced by that of `env`, then puts it back. `build` must be
 * synchronous: nobody else can then see the exchange.
 */
function withEnvironment<T>(env: Environment, build: () => T): T {
  const saved = otelVariables(process.env);
  replace(saved, otelVariables(env));
  try {
    return build();
  } finally {
    replace(otelVariables(process.env), saved);
  }
}

function otelVariables(env: Environment): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (name.startsWith(PREFIX) && value !== undefined) variables.set(name, value);
  }
  return variables;
}

function replace(old: ReadonlyMap<string, string>, next: ReadonlyMap<string, string>): void {
  for (const name of old.keys()) delete process.env[name];
  for (const [name, value] of next) process.env[name] = value;
}

export { withEnvironment };
