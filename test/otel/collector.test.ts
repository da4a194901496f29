import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { SpanPipeline } from "../../otel/pipeline.ts";
import { createTelemetry, type Telemetry } from "../../otel/telemetry.ts";
import { httpEvents } from "./support/events.ts";
import { expectBalanced } from "./support/ledger.ts";
import { seededRandom } from "./support/random.ts";
import { rawBatch } from "./support/raw.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { type Action, ScriptedCollector } from "./support/scripted-collector.ts";
import { until } from "./support/until.ts";

let collector: ScriptedCollector;
let log: RecordingLog;
let telemetry: Telemetry;
let pipeline: SpanPipeline;

function start(port: number): void {
  log = new RecordingLog();
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    // Less than the SDK's first back-off, so that it gives up rather than wait.
    OTEL_EXPORTER_OTLP_TIMEOUT: "200",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
    OTEL_BSP_MAX_QUEUE_SIZE: "1000",
    OTEL_BSP_SCHEDULE_DELAY: "5",
  };
  telemetry = createTelemetry({ env, log, version: "0.0.0" });
  if (telemetry.pipeline === undefined) throw new Error("expected a pipeline, got none");
  pipeline = telemetry.pipeline;
}

beforeEach(async () => {
  collector = await new ScriptedCollector().listen();
  start(collector.port);
});

afterEach(async () => {
  await telemetry.shutdown(100);
  expectBalanced(pipeline.stats());
  expect(collector.violations).toEqual([]);
  await collector.close();
});

/** One batch of ten, and what becomes of it. */
const fates: [name: string, script: Action[], ledger: object, requests: number][] = [
  ["200 exports", [{ do: "take" }], { exported: 10, dropped: {} }, 1],
  ["a partial success rejects", [{ do: "partial", rejected: 3 }], { exported: 7, rejected: 3 }, 1],
  ["a partial success of none is a warning", [{ do: "partial", rejected: 0 }], { exported: 10, rejected: 0 }, 1],
  ["an answer that makes no sense is still a 200", [{ do: "garbage" }], { exported: 10, dropped: {} }, 1],
  ["201 exports too", [{ do: "status", status: 201 }], { exported: 10, dropped: {} }, 1],
  ["400 is not tried again", [{ do: "status", status: 400 }], { dropped: { export_failed: 10 } }, 1],
  ["404 is not tried again", [{ do: "status", status: 404 }], { dropped: { export_failed: 10 } }, 1],
  ["500 is not tried again", [{ do: "status", status: 500 }], { dropped: { export_failed: 10 } }, 1],
  ["503 is tried again when it says", [{ do: "later" }, { do: "later" }], { exported: 10, dropped: {} }, 3],
  ["a rejection after a retry counts once", [{ do: "later" }, { do: "partial", rejected: 2 }], { rejected: 2 }, 2],
  ["503 without a time outlasts the time-out", [{ do: "status", status: 503 }], { dropped: { export_failed: 10 } }, 1],
  ["a 200 whose body is cut is still a 200", [{ do: "cut" }], { exported: 10, dropped: {} }, 1],
  ["a connection that dies outlasts the time-out", [{ do: "die" }], { dropped: { export_failed: 10 } }, 1],
  ["a hang ends with the time-out", [{ do: "hang" }], { dropped: { export_failed: 10 } }, 1],
];

describe("a batch of ten", () => {
  test.each(fates)("%s", async (_name, script, ledger, requests) => {
    collector.script.push(...script);
    pipeline.offerRaw(rawBatch(httpEvents(10)));
    await pipeline.flush();
    expect(pipeline.stats()).toMatchObject({ accepted: 10, queued: 0, ...ledger });
    expect(collector.requests).toBe(requests);
  });
});

test("one refused batch does not take the rest of a flush with it", async () => {
  collector.script.push({ do: "status", status: 400 });
  pipeline.offerRaw(rawBatch(httpEvents(1000)));
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ exported: 990, dropped: { export_failed: 10 } });
  expect(log.warnings).toEqual([
    `The collector at http://127.0.0.1:${collector.port}/v1/traces refused 10 spans: HTTP 400 Bad Request. They are dropped.`,
  ]);
});

test("a rejection is counted for its own batch and not for the next, whose answer is lost", async () => {
  collector.script.push({ do: "partial", rejected: 3 }, { do: "cut" });
  for (let i = 0; i < 2; i++) {
    pipeline.offerRaw(rawBatch(httpEvents(10)));
    await pipeline.flush();
  }
  expect(pipeline.stats()).toMatchObject({ exported: 17, rejected: 3 });
});

test("a collector that dies and comes back on the same port is warned of once and welcomed once", async () => {
  const { port } = collector;
  pipeline.offerRaw(rawBatch(httpEvents(10)));
  await pipeline.flush();
  await collector.close();

  pipeline.offerRaw(rawBatch(httpEvents(2000)));
  expect(pipeline.stats().dropped).toEqual({ queue_full: 1000 });
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ exported: 10, queued: 0, dropped: { export_failed: 1000 } });
  expect(log.warnings).toHaveLength(1);
  expect(log.warnings[0]).toContain(`do not reach the collector at http://127.0.0.1:${port}/v1/traces:`);

  collector = await new ScriptedCollector().listen(port);
  pipeline.offerRaw(rawBatch(httpEvents(50)));
  await until(() => pipeline.stats().exported === 60);
  expect(collector.taken).toBe(50);
  expect(log.warnings).toHaveLength(1);
  expect(log.infos).toEqual([`The collector at http://127.0.0.1:${port}/v1/traces takes spans again.`]);
});

test("rejected spans are told of in one line, not once by us and once by the SDK", async () => {
  collector.otherwise = { do: "partial", rejected: 1 };
  pipeline.offerRaw(rawBatch(httpEvents(100)));
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ exported: 90, rejected: 10 });
  expect(log.warnings).toEqual([
    `The collector at http://127.0.0.1:${collector.port}/v1/traces rejected 1 of 10 spans: no`,
  ]);
});

test("shutdown ends in time though the collector hangs", async () => {
  collector.otherwise = { do: "hang" };
  pipeline.offerRaw(rawBatch(httpEvents(500)));
  await until(() => collector.requests > 0);
  await telemetry.shutdown(50);
  expect(pipeline.stats()).toMatchObject({ exported: 0, queued: 0 });
});

test.each([[1], [2], [3]])(
  "what a moody collector took is what the ledger says, at every step (seed %i)",
  async (seed) => {
    const random = seededRandom(seed);
    const moods: Action[] = [
      { do: "take" },
      { do: "take" },
      { do: "partial", rejected: 4 },
      { do: "status", status: 400 },
      { do: "later" },
      { do: "hang" },
      { do: "garbage" },
    ];
    const flushes: Promise<void>[] = [];
    for (let step = 0; step < 60; step++) {
      collector.script.push(moods[Math.floor(random() * moods.length)] ?? { do: "take" });
      pipeline.offerRaw(rawBatch(httpEvents(Math.floor(random() * 40))));
      if (random() < 0.1) flushes.push(pipeline.flush());
      expectBalanced(pipeline.stats());
      await new Promise((resolve) => setImmediate(resolve));
      expectBalanced(pipeline.stats());
    }
    await Promise.all([...flushes, pipeline.flush()]);
    const { exported, rejected, queued } = pipeline.stats();
    expect({ exported, rejected, queued }).toEqual({
      exported: collector.taken,
      rejected: collector.rejected,
      queued: 0,
    });
  },
);
