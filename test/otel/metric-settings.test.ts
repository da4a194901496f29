import { expect, test } from "bun:test";
import { exemplarFilter, exemplarRule, metricSettings } from "../../otel/metric-settings.ts";
import { type Environment, TelemetrySettingError } from "../../otel/settings.ts";
import { httpEvent } from "./support/events.ts";

function settingsOf(env: Environment) {
  const warnings: string[] = [];
  return { settings: metricSettings(env, (message) => warnings.push(message)), warnings };
}

test.each([
  [{}, { protocol: "http/protobuf", intervalMillis: 60_000, timeoutMillis: 30_000 }],
  [{ OTEL_METRIC_EXPORT_INTERVAL: "1000" }, { protocol: "http/protobuf", intervalMillis: 1000, timeoutMillis: 1000 }],
  [
    { OTEL_METRIC_EXPORT_INTERVAL: "1000", OTEL_METRIC_EXPORT_TIMEOUT: "500" },
    { protocol: "http/protobuf", intervalMillis: 1000, timeoutMillis: 500 },
  ],
  [
    { OTEL_EXPORTER_OTLP_PROTOCOL: "http/json", OTEL_TRACES_EXPORTER: "none" },
    { protocol: "http/json", intervalMillis: 60_000, timeoutMillis: 30_000 },
  ],
  [{ OTEL_METRICS_EXPORTER: "none" }, undefined],
  [{ OTEL_SDK_DISABLED: "true" }, undefined],
] as [Environment, ReturnType<typeof metricSettings>][])("%p", (env, settings) => {
  expect(settingsOf(env)).toEqual({ settings, warnings: [] });
});

test.each([["0"], ["-1"], ["soon"]])("an interval of %p is warned of and the default stands", (value) => {
  const { settings, warnings } = settingsOf({ OTEL_METRIC_EXPORT_INTERVAL: value });
  expect(settings?.intervalMillis).toBe(60_000);
  expect(warnings).toEqual([
    `OTEL_METRIC_EXPORT_INTERVAL: expected an integer from 1 upwards, got "${value}"; using 60000`,
  ]);
});

test.each([
  [{ OTEL_METRICS_EXPORTER: "prometheus" }, "OTEL_METRICS_EXPORTER", "otlp or none", "prometheus"],
  [
    { OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "grpc" },
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    "http/protobuf or http/json",
    "grpc",
  ],
  [
    { OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "c:4318" },
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "a URL such as http://localhost:4318",
    "c:4318",
  ],
] as [Environment, string, string, string][])("%p is refused by name", (env, variable, expected, actual) => {
  expect(() => settingsOf(env)).toThrow(new TelemetrySettingError(variable, expected, actual));
});

const SAMPLER = { decide: () => true, wants: ({ seq }: { seq: number }) => seq === 1 };

test.each([
  [undefined, [true, false]],
  ["trace_based", [true, false]],
  ["always_on", [true, false]],
  ["always_off", [undefined, undefined]],
])("OTEL_METRICS_EXEMPLAR_FILTER=%s asks the sampler, or nobody", (value, expected) => {
  const warnings: string[] = [];
  const filter = exemplarFilter({ OTEL_METRICS_EXEMPLAR_FILTER: value }, (message) => warnings.push(message));
  const rule = exemplarRule(filter, SAMPLER);
  expect([rule?.(httpEvent({ seq: 1 })), rule?.(httpEvent({ seq: 2 }))]).toEqual(expected);
  expect(exemplarRule(filter, undefined)).toBeUndefined();
  expect(warnings).toEqual([]);
});

test("a filter that is none is warned of", () => {
  const warnings: string[] = [];
  expect(exemplarFilter({ OTEL_METRICS_EXEMPLAR_FILTER: "some" }, (message) => warnings.push(message))).toBe(
    "trace_based",
  );
  expect(warnings).toEqual([
    'OTEL_METRICS_EXEMPLAR_FILTER: expected one of always_on, always_off, trace_based, got "some"; using trace_based',
  ]);
});
