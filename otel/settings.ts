/**
 * The part of the standard `OTEL_*` variables that Kernelcast reads itself; the rest is read by the SDK.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 * @see https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 * @module
 */

/** Environment variables by name. Empty and blank values count as unset, as the specification asks. */
type Environment = Readonly<Record<string, string | undefined>>;

type OtlpProtocol = "http/protobuf" | "http/json";

/** As in the names of the variables. */
type Signal = "TRACES" | "METRICS";

interface QueueSettings {
  /** Events held while they wait; more are dropped. */
  queueSizeMax: number;
  /** Spans in one request. */
  batchSizeMax: number;
  /** Longest wait of an event for its batch to fill. */
  scheduleDelayMillis: number;
  /** After this an export that has not ended counts as failed. */
  exportTimeoutMillis: number;
}

interface ExportSettings {
  protocol: OtlpProtocol;
  queue: QueueSettings;
}

/**
 * The defaults differ from the specification's where those are meant for one application's own spans and Kernelcast sees a
 * host's. Queue: 2048 would be 40 ms of a busy host; this rides out a pause of the collector of over a second at 50,000
 * transactions/s and stays bounded. Delay: a second, so that a single request is soon seen.
 */
const DEFAULT_QUEUE: QueueSettings = {
  queueSizeMax: 65_536,
  batchSizeMax: 512,
  scheduleDelayMillis: 1000,
  exportTimeoutMillis: 30_000,
};

/** A standard variable has a value that Kernelcast cannot follow. The message says which, what it takes, what it got. */
class TelemetrySettingError extends Error {
  override readonly name = "TelemetrySettingError";
  readonly variable: string;

  constructor(variable: string, expected: string, actual: string) {
    super(`${variable}: expected ${expected}, got "${actual}"`);
    this.variable = variable;
  }
}

/**
 * Undefined when spans are switched off by `OTEL_SDK_DISABLED=true` or `OTEL_TRACES_EXPORTER=none`.
 * @param warn told in one sentence of a number that is not valid; the default then stands in
 * @throws {TelemetrySettingError}
 */
function exportSettings(env: Environment, warn: (message: string) => void): ExportSettings | undefined {
  const protocol = otlpProtocol(env, "TRACES");
  return protocol === undefined ? undefined : { protocol, queue: queueSettings(env, warn) };
}

/**
 * How a signal is exported; undefined when it is switched off.
 * @throws {TelemetrySettingError}
 */
function otlpProtocol(env: Environment, signal: Signal): OtlpProtocol | undefined {
  if (isSdkDisabled(env)) return undefined;
  const exporter = read(env, `OTEL_${signal}_EXPORTER`) ?? "otlp";
  if (exporter === "none") return undefined;
  if (exporter !== "otlp") throw new TelemetrySettingError(`OTEL_${signal}_EXPORTER`, "otlp or none", exporter);
  checkEndpoints(env, signal);
  for (const variable of [`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`, "OTEL_EXPORTER_OTLP_PROTOCOL"]) {
    const value = read(env, variable);
    if (value === undefined) continue;
    if (value === "http/protobuf" || value === "http/json") return value;
    throw new TelemetrySettingError(variable, "http/protobuf or http/json", value);
  }
  return "http/protobuf";
}

function isSdkDisabled(env: Environment): boolean {
  return read(env, "OTEL_SDK_DISABLED")?.toLowerCase() === "true";
}

/** The SDK would take `collector:4318` for a URL of the scheme `collector` and fail at every export. */
function checkEndpoints(env: Environment, signal: Signal): void {
  for (const variable of [`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`, "OTEL_EXPORTER_OTLP_ENDPOINT"]) {
    const value = read(env, variable);
    if (value !== undefined && !(/^https?:\/\//i.test(value) && URL.canParse(value))) {
      throw new TelemetrySettingError(variable, "a URL such as http://localhost:4318", value);
    }
  }
}

function queueSettings(env: Environment, warn: (message: string) => void): QueueSettings {
  const count = (variable: string, fallback: number): number => {
    return readCount(env, variable, 1, (message) => warn(`${message}; using ${fallback}`)) ?? fallback;
  };
  const queueSizeMax = count("OTEL_BSP_MAX_QUEUE_SIZE", DEFAULT_QUEUE.queueSizeMax);
  return {
    queueSizeMax,
    batchSizeMax: Math.min(count("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", DEFAULT_QUEUE.batchSizeMax), queueSizeMax),
    scheduleDelayMillis: count("OTEL_BSP_SCHEDULE_DELAY", DEFAULT_QUEUE.scheduleDelayMillis),
    exportTimeoutMillis: count("OTEL_BSP_EXPORT_TIMEOUT", DEFAULT_QUEUE.exportTimeoutMillis),
  };
}

/** Undefined when the variable is unset, or is no integer from `min` upwards: then `warn` is told. */
function readCount(
  env: Environment,
  variable: string,
  min: number,
  warn: (message: string) => void,
): number | undefined {
  const value = read(env, variable);
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= min) return number;
  warn(`${variable}: expected an integer from ${min} upwards, got "${value}"`);
  return undefined;
}

function read(env: Environment, variable: string): string | undefined {
  return env[variable]?.trim() || undefined;
}

export {
  type Environment,
  type ExportSettings,
  exportSettings,
  isSdkDisabled,
  type OtlpProtocol,
  otlpProtocol,
  type QueueSettings,
  read,
  readCount,
  type Signal,
  TelemetrySettingError,
};
