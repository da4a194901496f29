import { expect, test } from "bun:test";
import { DecodedBatcher } from "../../otel/decoded-batcher.ts";
import type { ExportOutcome } from "../../otel/export-outcome.ts";
import { CollectorHealth } from "../../otel/health.ts";
import { IdGenerator } from "../../otel/ids.ts";
import { createSpanPipeline } from "../../otel/pipeline.ts";
import { createSampler } from "../../otel/sampler.ts";
import type { QueueSettings } from "../../otel/settings.ts";
import { httpEvents } from "./support/events.ts";
import { FakeExporter } from "./support/fake-exporter.ts";
import { expectBalanced } from "./support/ledger.ts";
import { seededRandom } from "./support/random.ts";
import { rawBatch } from "./support/raw.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { until } from "./support/until.ts";

const EXPORTED: ExportOutcome = { status: "exported", rejected: 0 };
const REFUSED: ExportOutcome = { status: "refused", reason: "HTTP 400" };
const UNREACHABLE: ExportOutcome = { status: "unreachable", reason: "ECONNREFUSED" };

/** A pipeline that nothing but a full batch or a flush sets going. */
function pipelineWith(changes: Partial<QueueSettings> = {}, sampler = "always_on", argument?: string) {
  const exporter = new FakeExporter();
  const warn = () => {};
  const pipeline = createSpanPipeline({
    batcher: new DecodedBatcher(createSampler({ name: sampler, argument, ids: new IdGenerator(), warn })),
    exporter,
    exportsMax: 8,
    health: new CollectorHealth({ url: exporter.url, log: new RecordingLog() }),
    settings: {
      queueSizeMax: 100,
      batchSizeMax: 10,
      scheduleDelayMillis: 60_000,
      exportTimeoutMillis: 60_000,
      ...changes,
    },
  });
  return { exporter, pipeline };
}

test("events wait until a batch is full, and leave in order", async () => {
  const { exporter, pipeline } = pipelineWith();
  exporter.auto = () => EXPORTED;
  const events = httpEvents(25);
  for (const event of events) pipeline.offerRaw(rawBatch([event]));
  await until(() => pipeline.stats().exported === 20);
  expect(exporter.batches.flatMap(({ payload }) => payload.map(({ path }) => path))).toEqual(
    events.slice(0, 20).map(({ path }) => path),
  );
  expect(pipeline.stats().queued).toBe(5);
  expectBalanced(pipeline.stats());
});

test("a batch that does not fill leaves after the schedule delay", async () => {
  const { exporter, pipeline } = pipelineWith({ scheduleDelayMillis: 5 });
  exporter.auto = () => EXPORTED;
  pipeline.offerRaw(rawBatch(httpEvents(3)));
  await until(() => pipeline.stats().exported === 3);
});

test("flush resolves when what came before it is settled, and not before", async () => {
  const { exporter, pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(15)));
  let isFlushed = false;
  const flushed = pipeline.flush().then(() => {
    isFlushed = true;
  });
  await until(() => exporter.pending === 2);
  pipeline.offerRaw(rawBatch(httpEvents(5)));
  exporter.answer(EXPORTED, 1);
  await until(() => pipeline.stats().exported === 5);
  expect(isFlushed).toBe(false);
  exporter.answer(EXPORTED);
  await flushed;
  expect(pipeline.stats()).toMatchObject({ exported: 15, queued: 5 });
});

test("flush with nothing queued resolves at once, also while later events wait", async () => {
  const { pipeline } = pipelineWith();
  await pipeline.flush();
  const flushed = pipeline.flush();
  pipeline.offerRaw(rawBatch(httpEvents(3)));
  await flushed;
  expect(pipeline.stats().queued).toBe(3);
});

test("a full queue drops the newest and counts them", () => {
  const { pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(130)));
  expect(pipeline.stats()).toEqual({
    delivered: 130,
    accepted: 100,
    exported: 0,
    rejected: 0,
    queued: 100,
    notSampled: 0,
    dropped: { queue_full: 30 },
  });
});

test("a queue that is more than half full asks those who can wait to do so, until it is not", async () => {
  const { exporter, pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(50)));
  expect(pipeline.ready?.()).toBeUndefined();
  pipeline.offerRaw(rawBatch(httpEvents(50)));
  const ready = pipeline.ready?.();
  expect(ready).toBeDefined();
  await until(() => exporter.pending === 8);
  await ready;
});

test("nobody waits for a collector that is away", async () => {
  const { exporter, pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(180)));
  await until(() => exporter.pending === 8);
  pipeline.offerRaw(rawBatch(httpEvents(100)));
  const ready = pipeline.ready?.();
  exporter.answer(UNREACHABLE);
  await ready;
  expect(pipeline.ready?.()).toBeUndefined();
});

test("what the sampler does not want is counted and takes no room", () => {
  const { pipeline } = pipelineWith({}, "always_off");
  pipeline.offerRaw(rawBatch(httpEvents(130)));
  expect(pipeline.stats()).toMatchObject({ delivered: 130, accepted: 0, notSampled: 130, queued: 0, dropped: {} });
});

test("a batch that is full for its batcher leaves before it has its number of spans", async () => {
  const { exporter, pipeline } = pipelineWith({ batchSizeMax: 10_000, queueSizeMax: 20_000 });
  exporter.auto = () => EXPORTED;
  for (let i = 0; i < 100; i++) pipeline.offerRaw(rawBatch(httpEvents(100)));
  await until(() => pipeline.stats().exported > 0);
  expect(exporter.batches.map(({ spanCount }) => spanCount)).toEqual([8192]);
  expect(pipeline.stats().queued).toBe(10_000 - 8192);
});

test("what a flush does not cover goes into another request", async () => {
  const { exporter, pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(3)));
  const flushed = pipeline.flush();
  pipeline.offerRaw(rawBatch(httpEvents(4)));
  await until(() => exporter.pending === 1);
  expect(exporter.batches.map(({ spanCount }) => spanCount)).toEqual([3]);
  exporter.answer(EXPORTED);
  await flushed;
});

test("exported, rejected, refused and unreachable spans are each counted for what they are", async () => {
  const { exporter, pipeline } = pipelineWith();
  const outcomes: ExportOutcome[] = [EXPORTED, { status: "exported", rejected: 4 }, REFUSED, UNREACHABLE];
  exporter.auto = () => outcomes.shift() ?? EXPORTED;
  pipeline.offerRaw(rawBatch(httpEvents(40)));
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ exported: 16, rejected: 4, dropped: { export_failed: 20 }, queued: 0 });
  expectBalanced(pipeline.stats());
});

test("no more than eight exports are under way at once, and one while the collector is down", async () => {
  const { exporter, pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(100)));
  await until(() => exporter.pending === 8);
  pipeline.offerRaw(rawBatch(httpEvents(20)));
  for (let i = 0; i < 8; i++) exporter.answer(UNREACHABLE);
  await until(() => exporter.pending === 1);
  expect(exporter.batches).toHaveLength(9);
  exporter.answer(EXPORTED);
  await until(() => exporter.pending > 1);
});

test("a flush ends after one failed attempt when the collector cannot be reached", async () => {
  const { exporter, pipeline } = pipelineWith({ queueSizeMax: 10_000 });
  pipeline.offerRaw(rawBatch(httpEvents(10_000)));
  const flushed = pipeline.flush();
  await until(() => exporter.pending === 8);
  pipeline.offerRaw(rawBatch(httpEvents(7)));
  for (let i = 0; i < 8; i++) exporter.answer(UNREACHABLE);
  await flushed;
  expect(exporter.batches).toHaveLength(8);
  expect(pipeline.stats()).toMatchObject({ queued: 7, dropped: { export_failed: 10_000 } });
});

test("a flush goes on after a refusal, since the next batch may be taken", async () => {
  const { exporter, pipeline } = pipelineWith();
  let count = 0;
  exporter.auto = () => (count++ < 6 ? REFUSED : EXPORTED);
  pipeline.offerRaw(rawBatch(httpEvents(100)));
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ exported: 40, dropped: { export_failed: 60 } });
});

test("an export that never ends is counted as failed after its time, and once", async () => {
  const { exporter, pipeline } = pipelineWith({ exportTimeoutMillis: 5 });
  pipeline.offerRaw(rawBatch(httpEvents(10)));
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ queued: 0, dropped: { export_failed: 10 } });
  exporter.answer(EXPORTED);
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ exported: 0, dropped: { export_failed: 10 } });
});

test("shutdown sends what is queued", async () => {
  const { exporter, pipeline } = pipelineWith();
  exporter.auto = () => EXPORTED;
  pipeline.offerRaw(rawBatch(httpEvents(33)));
  await pipeline.shutdown();
  expect(pipeline.stats()).toMatchObject({ exported: 33, dropped: {}, queued: 0 });
  expect(exporter.isCut).toBe(true);
});

test("shutdown ends at its deadline when nothing answers, and counts the rest", async () => {
  const { exporter, pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(95)));
  const first = pipeline.shutdown(20);
  expect(pipeline.shutdown(60_000)).toBe(first);
  await first;
  expect(pipeline.stats()).toMatchObject({ queued: 0, dropped: { shutdown: 95 } });
  exporter.answer(EXPORTED);
  pipeline.offerRaw(rawBatch(httpEvents(5)));
  await pipeline.flush();
  expect(pipeline.stats()).toMatchObject({ exported: 0, accepted: 100, dropped: { shutdown: 100 } });
  expectBalanced(pipeline.stats());
});

test("shutdown does not wait for a collector that is known to be gone", async () => {
  const { exporter, pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(10)));
  await until(() => exporter.pending === 1);
  exporter.answer(UNREACHABLE);
  await until(() => pipeline.stats().queued === 0);
  pipeline.offerRaw(rawBatch(httpEvents(5)));
  await pipeline.shutdown(2 ** 31 - 1);
  expect(pipeline.stats().dropped).toEqual({ export_failed: 10, shutdown: 5 });
});

test("events offered while shutdown still flushes do not cost those that it waits for", async () => {
  const { exporter, pipeline } = pipelineWith();
  pipeline.offerRaw(rawBatch(httpEvents(15)));
  const ended = pipeline.shutdown();
  pipeline.offerRaw(rawBatch(httpEvents(3)));
  await until(() => exporter.pending === 2);
  exporter.answer(EXPORTED);
  exporter.answer(EXPORTED);
  await ended;
  expect(pipeline.stats().dropped.shutdown ?? 0).toBeLessThanOrEqual(3);
  expect(pipeline.stats().exported).toBeGreaterThanOrEqual(15);
  expectBalanced(pipeline.stats());
});

test.each(Array.from({ length: 40 }, (_, seed) => [seed]))(
  "the ledger balances at every step of a random life (seed %i)",
  async (seed) => {
    const random = seededRandom(seed);
    const pick = (count: number) => Math.floor(random() * count);
    const { exporter, pipeline } = pipelineWith(
      { queueSizeMax: 1 + pick(200), batchSizeMax: 1 + pick(40) },
      random() < 0.5 ? "always_on" : "traceidratio",
      "0.5",
    );
    const outcomes = () =>
      [EXPORTED, { status: "exported", rejected: 1 } as const, REFUSED, UNREACHABLE][pick(4)] ?? EXPORTED;
    let offered = 0;
    const flushes: Promise<void>[] = [];
    for (let step = 0; step < 200; step++) {
      const action = random();
      if (action < 0.5) {
        const events = httpEvents(pick(60));
        offered += events.length;
        pipeline.offerRaw(rawBatch(events));
      } else if (action < 0.6) {
        flushes.push(pipeline.flush());
      } else if (exporter.pending > 0) {
        exporter.answer(outcomes(), pick(exporter.pending));
      }
      expectBalanced(pipeline.stats());
      if (random() < 0.5) await new Promise((resolve) => setImmediate(resolve));
      expectBalanced(pipeline.stats());
    }
    exporter.auto = outcomes;
    while (exporter.pending > 0) exporter.answer(outcomes());
    await Promise.all([...flushes, pipeline.flush()]);
    expect(pipeline.stats().queued).toBe(0);
    await pipeline.shutdown();
    expectBalanced(pipeline.stats());
    expect(pipeline.stats().delivered).toBe(offered);
  },
);
