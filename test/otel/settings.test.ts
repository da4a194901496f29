import { expect, test } from "bun:test";
import { type Environment, exportSettings, TelemetrySettingError } from "../../otel/settings.ts";

function settingsOf(env: Environment) {
  const warnings: string[] = [];
  return { settings: exportSettings(env, (message) => warnings.push(message)), warnings };
}

test("with nothing set, protobuf goes out in batches of 512 from a queue of 65,536", () => {
  expect(settingsOf({})).toEqual({
    settings: {
      protocol: "http/protobuf",
      queue: { queueSizeMax: 65_536, batchSizeMax: 512, scheduleDelayMillis: 1000, exportTimeoutMillis: 30_000 },
    },
    warnings: [],
  });
});

test("the variables of the batch span processor are followed", () => {
  const { settings } = settingsOf({
    OTEL_BSP_MAX_QUEUE_SIZE: "4096",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "128",
    OTEL_BSP_SCHEDULE_DELAY: "50",
    OTEL_BSP_EXPORT_TIMEOUT: "70",
  });
  expect(settings?.queue).toEqual({
    queueSizeMax: 4096,
    batchSizeMax: 128,
    scheduleDelayMillis: 50,
    exportTimeoutMillis: 70,
  });
});

test("a batch is never larger than the queue", () => {
  expect(settingsOf({ OTEL_BSP_MAX_QUEUE_SIZE: "100" }).settings?.queue.batchSizeMax).toBe(100);
});

test.each([["0"], ["-1"], ["1.5"], ["many"]])("a queue of %p is warned of and the default stands", (value) => {
  const { settings, warnings } = settingsOf({ OTEL_BSP_MAX_QUEUE_SIZE: value });
  expect(settings?.queue.queueSizeMax).toBe(65_536);
  expect(warnings).toEqual([
    `OTEL_BSP_MAX_QUEUE_SIZE: expected an integer from 1 upwards, got "${value}"; using 65536`,
  ]);
});

test.each([
  [{ OTEL_SDK_DISABLED: "true" }],
  [{ OTEL_SDK_DISABLED: " TRUE " }],
  [{ OTEL_TRACES_EXPORTER: "none" }],
  [{ OTEL_SDK_DISABLED: "true", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }],
] as [Environment][])("%p switches spans off", (env) => {
  expect(settingsOf(env).settings).toBeUndefined();
});

test.each([
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }, "http/json"],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" }, "http/json"],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "" }, "http/protobuf"],
  [{ OTEL_SDK_DISABLED: "yes" }, "http/protobuf"],
  [{ OTEL_TRACES_EXPORTER: "otlp" }, "http/protobuf"],
] as [Environment, string][])("%p sends %s", (env, protocol) => {
  expect(settingsOf(env).settings?.protocol).toBe(protocol as "http/json");
});

test.each([
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" }, "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf or http/json", "grpc"],
  [
    { OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http" },
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "http/protobuf or http/json",
    "http",
  ],
  [{ OTEL_TRACES_EXPORTER: "zipkin" }, "OTEL_TRACES_EXPORTER", "otlp or none", "zipkin"],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4318" },
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "a URL such as http://localhost:4318",
    "collector:4318",
  ],
  [
    { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://" },
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "a URL such as http://localhost:4318",
    "http://",
  ],
] as [Environment, string, string, string][])(
  "%p is refused by name, with what was expected and given",
  (env, variable, expected, actual) => {
    expect(() => settingsOf(env)).toThrow(new TelemetrySettingError(variable, expected, actual));
  },
);
