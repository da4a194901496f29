import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { createTelemetry, type Environment, type Telemetry } from "../../otel/telemetry.ts";
import { httpEvent, httpEvents } from "./support/events.ts";
import { expectBalanced } from "./support/ledger.ts";
import { rawBatch } from "./support/raw.ts";
import { Receiver } from "./support/receiver.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { until } from "./support/until.ts";

const PROTOCOLS = [["http/protobuf"], ["http/json"]];
const SERVER = 2;

let telemetry: Telemetry;
const log = new RecordingLog();
const receiver = new Receiver();

beforeAll(() => receiver.start());
afterAll(() => receiver.close());
afterEach(async () => {
  await telemetry.shutdown();
  expect(receiver.violations).toEqual([]);
});

function start(env: Environment) {
  receiver.clear();
  telemetry = createTelemetry({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url.href, ...env },
    log,
    version: "1.2.3",
  });
  if (telemetry.pipeline === undefined) throw new Error("expected a pipeline, got none");
  return telemetry.pipeline;
}

test.each(PROTOCOLS)("10,000 transactions arrive over %s, each once and whole", async (protocol) => {
  const pipeline = start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
  const events = httpEvents(10_000, { host: "api.local", userAgent: "wrk" }).map((event, i) => ({
    ...event,
    durationNano: 1 + i * 999_983,
    status: i % 100 === 0 ? 500 : 200,
  }));
  for (let i = 0; i < events.length; i += 20) pipeline.offerRaw(rawBatch(events.slice(i, i + 20)));
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ delivered: 10_000, exported: 10_000, queued: 0, dropped: {} });
  expectBalanced(pipeline.stats());
  await until(() => receiver.spans.length >= 10_000);

  const byPath = new Map(receiver.spans.map((span) => [span.attributes["url.path"], span]));
  expect([receiver.spans.length, byPath.size]).toEqual([10_000, 10_000]);
  expect(new Set(receiver.spans.map((span) => span.spanId)).size).toBe(10_000);
  expect(new Set(receiver.spans.map((span) => span.traceId)).size).toBe(10_000);
  for (const event of events) {
    const span = byPath.get(event.path);
    const start = BigInt(event.startTimeUnixNano);
    expect(span).toMatchObject({
      parentSpanId: "",
      name: "GET",
      kind: SERVER,
      startTimeUnixNano: start,
      endTimeUnixNano: start + BigInt(event.durationNano),
      flags: 0x101,
      statusCode: event.status === 500 ? 2 : 0,
    });
    expect(span?.traceId).toMatch(/^(?!0{32})[\da-f]{32}$/);
    expect(span?.spanId).toMatch(/^(?!0{16})[\da-f]{16}$/);
    expect(span?.attributes).toEqual({
      "http.request.method": "GET",
      "url.scheme": "http",
      "url.path": event.path,
      "server.address": "api.local",
      "server.port": 80,
      "client.address": "10.0.0.7",
      "network.peer.address": "10.0.0.7",
      "network.peer.port": 51_514,
      "network.local.address": "10.0.0.2",
      "network.local.port": 8080,
      "network.protocol.version": "1.1",
      "http.response.status_code": event.status,
      "user_agent.original": "wrk",
      ...(event.status === 500 ? { "error.type": "500" } : {}),
    });
  }
});

test.each(PROTOCOLS)("a caller's trace is joined over %s, with the parent marked as remote", async (protocol) => {
  const pipeline = start({ OTEL_EXPORTER_OTLP_PROTOCOL: protocol });
  pipeline.offerRaw(rawBatch([httpEvent({ traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" })]));
  await pipeline.flush();
  await until(() => receiver.spans.length === 1);
  expect(receiver.spans[0]).toMatchObject({
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    parentSpanId: "00f067aa0ba902b7",
    flags: 0x301,
  });
});

test("scope and resource say who measured: kernelcast, on Bun, on this host", async () => {
  const pipeline = start({ OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test" });
  pipeline.offerRaw(rawBatch([httpEvent()]));
  await pipeline.flush();
  await until(() => receiver.spans.length === 1);
  expect(receiver.spans[0]?.scope).toEqual({
    name: "kernelcast",
    version: "1.2.3",
    schemaUrl: "https://opentelemetry.io/schemas/1.44.0",
  });
  expect(receiver.spans[0]?.resource).toMatchObject({
    "service.name": "kernelcast",
    "service.version": "1.2.3",
    "service.instance.id": expect.stringMatching(/^[\da-f-]{36}$/),
    "process.runtime.name": "bun",
    "process.runtime.version": Bun.version,
    "process.pid": process.pid,
    "host.name": expect.any(String),
    "host.arch": expect.any(String),
    "os.type": "linux",
    "telemetry.sdk.name": "opentelemetry",
    "telemetry.distro.name": "kernelcast",
    "telemetry.distro.version": "1.2.3",
    "deployment.environment.name": "test",
  });
});

test("the standard variables set name, headers, path and sampling, without touching the process's own", async () => {
  const pipeline = start({
    OTEL_SERVICE_NAME: "edge",
    OTEL_RESOURCE_ATTRIBUTES: "service.name=loses",
    OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=a%20b",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: new URL("/v1/traces", receiver.url).href,
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1",
    OTEL_TRACES_SAMPLER: "traceidratio",
    OTEL_TRACES_SAMPLER_ARG: "0.5",
  });
  pipeline.offerRaw(rawBatch(httpEvents(1000)));
  await pipeline.flush();
  const { exported, notSampled } = pipeline.stats();
  await until(() => receiver.spans.length >= exported);
  expect(exported + notSampled).toBe(1000);
  expect(Math.min(exported, notSampled)).toBeGreaterThan(300);
  expect(receiver.spans[0]?.resource["service.name"]).toBe("edge");
  expect(receiver.requests[0]).toMatchObject({
    path: "/v1/traces",
    headers: { "x-tenant": "a b", "content-type": "application/x-protobuf" },
  });
  expect(receiver.requests[0]?.headers["user-agent"]).toStartWith("OTel-OTLP-Exporter-JavaScript/");
  expect(process.env.OTEL_SERVICE_NAME).toBeUndefined();
});
