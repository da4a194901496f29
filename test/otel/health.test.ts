import { expect, test } from "bun:test";
import type { ExportOutcome } from "../../otel/export-outcome.ts";
import { CollectorHealth } from "../../otel/health.ts";
import { RecordingLog } from "./support/recording-log.ts";

const UNREACHABLE: ExportOutcome = { status: "unreachable", reason: "ECONNREFUSED" };
const REFUSED: ExportOutcome = { status: "refused", reason: "HTTP 400 Bad Request" };
const EXPORTED: ExportOutcome = { status: "exported", rejected: 0 };

/** A health with a clock that stands still until it is moved, and no jitter. */
function watched() {
  const log = new RecordingLog();
  const clock = { millis: 0 };
  const health = new CollectorHealth({
    url: "http://c:4318/v1/traces",
    log,
    now: () => clock.millis,
    random: () => 0.5,
  });
  return { log, clock, health };
}

test("a collector that cannot be reached is warned of once, with what failed, where, and what to do", () => {
  const { health, log, clock } = watched();
  for (let i = 0; i < 100; i++) {
    health.record(UNREACHABLE, 512);
    clock.millis += 10_000;
  }
  expect(log.warnings).toEqual([
    "Spans do not reach the collector at http://c:4318/v1/traces: nothing listens there. They are tried again for " +
      "some seconds, then dropped and counted, until it takes them. Start a collector there, name another in " +
      "OTEL_EXPORTER_OTLP_ENDPOINT, or set OTEL_TRACES_EXPORTER=none to send no spans.",
  ]);
});

test("of metrics it speaks as of metrics", () => {
  const log = new RecordingLog();
  const health = new CollectorHealth({ url: "http://c:4318/v1/metrics", log, signal: "METRICS" });
  health.record({ status: "exported", rejected: 2, message: "no" }, 5);
  health.record(UNREACHABLE, 5);
  expect(log.warnings).toEqual([
    "The collector at http://c:4318/v1/metrics rejected 2 of 5 data points: no",
    "Metrics do not reach the collector at http://c:4318/v1/metrics: nothing listens there. They are tried again at " +
      "every interval. Start a collector there, name another in OTEL_EXPORTER_OTLP_ENDPOINT, or set " +
      "OTEL_METRICS_EXPORTER=none to send no metrics.",
  ]);
});

test("an outage that is told of early is told of once, and its end too", () => {
  const { health, log } = watched();
  health.warnEarly("ECONNREFUSED");
  health.warnEarly("ECONNREFUSED");
  health.record(UNREACHABLE, 512);
  health.record(EXPORTED, 512);
  expect(log.warnings).toHaveLength(1);
  expect(log.warnings[0]).toStartWith(
    "Spans do not reach the collector at http://c:4318/v1/traces: nothing listens there.",
  );
  expect(log.infos).toEqual(["The collector at http://c:4318/v1/traces takes spans again."]);
});

test("recovery is told in one line", () => {
  const { health, log } = watched();
  health.record(UNREACHABLE, 512);
  health.record(EXPORTED, 512);
  health.record(EXPORTED, 512);
  expect(health.isDown).toBe(false);
  expect(log.infos).toEqual(["The collector at http://c:4318/v1/traces takes spans again."]);
});

test("a collector that comes and goes within a minute is warned of once, but a second outage that lasts is told", () => {
  const { health, log, clock } = watched();
  for (let i = 0; i < 10; i++) {
    health.record(UNREACHABLE, 512);
    health.record(EXPORTED, 512);
  }
  expect([log.warnings.length, log.infos.length]).toEqual([1, 1]);
  health.record(UNREACHABLE, 512);
  clock.millis += 60_001;
  health.record(UNREACHABLE, 512);
  expect(log.warnings).toHaveLength(2);
  expect(log.warnings[1]).toEndWith("(and 10 more like it)");
});

test("the pause doubles from a quarter of a second to five, and a success ends it", () => {
  const { health, clock } = watched();
  const pauses = Array.from({ length: 7 }, () => {
    health.record(UNREACHABLE, 1);
    const pause = health.pauseMillis;
    clock.millis += pause;
    return pause;
  });
  expect(pauses).toEqual([250, 500, 1000, 2000, 4000, 5000, 5000]);
  health.record(EXPORTED, 1);
  expect(health.pauseMillis).toBe(0);
});

test("exports that fail together lengthen the pause once", () => {
  const { health } = watched();
  for (let i = 0; i < 8; i++) health.record(UNREACHABLE, 1);
  expect(health.pauseMillis).toBe(250);
});

test("one refused batch is that batch's matter, three in a row are the collector's", () => {
  const { health, log } = watched();
  health.record(REFUSED, 7);
  health.record(EXPORTED, 7);
  health.record(REFUSED, 7);
  health.record(REFUSED, 7);
  expect([health.isDown, health.pauseMillis]).toEqual([false, 0]);
  health.record(REFUSED, 7);
  expect(health.isDown).toBe(true);
  expect(log.warnings).toHaveLength(2);
  expect(log.warnings[0]).toBe(
    "The collector at http://c:4318/v1/traces refused 7 spans: HTTP 400 Bad Request. They are dropped.",
  );
});

test("rejected spans and warnings of the collector are told, not more than once a minute", () => {
  const { health, log } = watched();
  for (let i = 0; i < 10; i++) {
    health.record({ status: "exported", rejected: 3, message: "too old" }, 512);
    health.record({ status: "exported", rejected: 0, message: "slow down" }, 512);
  }
  expect(log.warnings).toEqual([
    "The collector at http://c:4318/v1/traces rejected 3 of 512 spans: too old",
    "The collector at http://c:4318/v1/traces warns: slow down",
  ]);
});
