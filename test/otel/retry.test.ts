import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createTelemetry, type Environment, type Telemetry } from "../../otel/telemetry.ts";
import { httpEvents } from "./support/events.ts";
import { expectBalanced } from "./support/ledger.ts";
import { rawBatch } from "./support/raw.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { ScriptedCollector } from "./support/scripted-collector.ts";

let collector: ScriptedCollector;
let telemetry: Telemetry | undefined;

beforeEach(async () => {
  collector = await new ScriptedCollector().listen();
});

afterEach(async () => {
  await telemetry?.shutdown(100);
  await collector.close();
});

/** Sends one batch of ten and waits for what becomes of it. */
async function sendTen(env: Environment = {}) {
  const log = new RecordingLog();
  telemetry = createTelemetry({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_TIMEOUT: "200",
      OTEL_METRICS_EXPORTER: "none",
      ...env,
    },
    log,
    version: "0.0.0",
  });
  const { pipeline } = telemetry;
  if (pipeline === undefined) throw new Error("expected a pipeline, got none");
  pipeline.offerRaw(rawBatch(httpEvents(10)));
  await pipeline.flush();
  const ledger = pipeline.stats();
  expectBalanced(ledger);
  return { ledger, log };
}

/** A moment long ago: the SDK then waits for no whole second, as it would after a number. */
const AT_ONCE = "Thu, 01 Jan 1970 00:00:01 GMT";
const RETRYABLE = [429, 502, 503, 504];
const SUCCESS = [200, 201, 202, 204];
const FINAL = [
  ...[300, 301, 302, 303, 304, 307, 308],
  ...[
    400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 417, 421, 422, 423, 425, 426, 428, 431,
  ],
  ...[451, 500, 501, 505, 507, 508, 511, 599],
];

describe("every status", () => {
  test.each(SUCCESS)("%i takes the spans", async (status) => {
    collector.otherwise = { do: "status", status };
    const { ledger, log } = await sendTen();
    expect(ledger).toMatchObject({ exported: 10, dropped: {} });
    expect([collector.requests, log.warnings]).toEqual([1, []]);
  });

  test.each(RETRYABLE)("%i is tried again, and then taken", async (status) => {
    collector.script.push({ do: "status", status, retryAfter: AT_ONCE });
    const { ledger, log } = await sendTen();
    expect(ledger).toMatchObject({ exported: 10, dropped: {} });
    expect([collector.requests, collector.taken, log.warnings]).toEqual([2, 10, []]);
  });

  test.each(FINAL)("%i is not tried again, even if it says when", async (status) => {
    collector.script.push({ do: "status", status, retryAfter: AT_ONCE });
    const { ledger, log } = await sendTen();
    expect(ledger).toMatchObject({ exported: 0, dropped: { export_failed: 10 } });
    expect(collector.requests).toBe(1);
    expect(log.warnings[0]).toContain(` refused 10 spans: HTTP ${status}`);
  });
});

describe("Retry-After", () => {
  const PATIENT = { OTEL_EXPORTER_OTLP_TIMEOUT: "5000" };
  const waited = () => (collector.times[1] ?? 0) - (collector.times[0] ?? 0);

  test("in seconds is waited for", async () => {
    collector.script.push({ do: "status", status: 503, retryAfter: "2" });
    expect((await sendTen(PATIENT)).ledger).toMatchObject({ exported: 10 });
    expect(waited()).toBeGreaterThanOrEqual(1990);
    expect(waited()).toBeLessThan(4000);
  });

  test("as a date is waited for", async () => {
    const until = new Date(Date.now() + 3000);
    collector.script.push({ do: "status", status: 429, retryAfter: until.toUTCString() });
    expect((await sendTen(PATIENT)).ledger).toMatchObject({ exported: 10 });
    // A date has whole seconds.
    expect(waited()).toBeGreaterThanOrEqual(1500);
    expect(waited()).toBeLessThan(4500);
  });

  test("beyond the time-out is not: the export has failed", async () => {
    collector.otherwise = { do: "status", status: 503, retryAfter: "3600" };
    const { ledger, log } = await sendTen();
    expect(ledger).toMatchObject({ dropped: { export_failed: 10 } });
    expect(collector.requests).toBe(1);
    expect(log.warnings[0]).toContain("it keeps answering that it is overloaded");
  });

  test("without it there is a back-off of about a second, which grows", async () => {
    collector.script.push({ do: "status", status: 503 }, { do: "status", status: 503 });
    expect((await sendTen(PATIENT)).ledger).toMatchObject({ exported: 10 });
    const [first = 0, second = 0, third = 0] = collector.times;
    expect(second - first).toBeGreaterThanOrEqual(790);
    expect(second - first).toBeLessThan(2000);
    expect(third - second).toBeGreaterThanOrEqual(1190);
  });
});

test("a collector that is not there is told of at the first retry, long before the SDK gives up", async () => {
  const { port } = collector;
  await collector.close();
  const log = new RecordingLog();
  const began = performance.now();
  telemetry = createTelemetry({
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`, OTEL_BSP_SCHEDULE_DELAY: "1" },
    log,
    version: "0.0.0",
  });
  telemetry.pipeline?.offerRaw(rawBatch(httpEvents(10)));
  while (log.warnings.length === 0) await Bun.sleep(10);
  expect(performance.now() - began).toBeLessThan(5000);
  expect(telemetry.pipeline?.stats()).toMatchObject({ queued: 10, dropped: {} });
  expect(await telemetry.findOutage()).toBe("nothing listens there");
  collector = await new ScriptedCollector().listen();
});
