import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createTelemetry } from "../../otel/telemetry.ts";
import { CASES, type ConventionCase } from "./support/conventions.ts";
import { httpEvent } from "./support/events.ts";
import type { ReceivedSpan } from "./support/otlp.ts";
import { rawBatch } from "./support/raw.ts";
import { Receiver } from "./support/receiver.ts";
import { RecordingLog } from "./support/recording-log.ts";
import { until } from "./support/until.ts";

const KINDS = { SERVER: 2, CLIENT: 3 };
const STATUS = { unset: 0, error: 2 };
/** Cutting values leaves addresses that are none. */
const CUTS_VALUES = "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT";

const receiver = new Receiver();
beforeAll(() => receiver.start());
afterAll(() => receiver.close());

/** The one span of the case, as a collector receives it. */
async function exported({ side, event, env }: ConventionCase, protocol: string): Promise<ReceivedSpan> {
  receiver.clear();
  const log = new RecordingLog();
  const { pipeline, shutdown } = createTelemetry({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url.href,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_METRICS_EXPORTER: "none",
      ...env,
    },
    log,
    version: "1.2.3",
    spans: side,
  });
  pipeline?.offerRaw(rawBatch([httpEvent(event)]));
  await pipeline?.flush();
  await until(() => receiver.spans.length === 1);
  await shutdown();
  expect(log.warnings).toEqual([]);
  return receiver.spans[0] as ReceivedSpan;
}

describe.each([["http/protobuf"], ["http/json"]])("over %s", (protocol) => {
  test.each(CASES.map((one) => [one.rule, one] as const))("%s", async (_rule, one) => {
    const span = await exported(one, protocol);
    const { name, kind, status, attributes = {}, parent, traceId, traceState, flags, droppedAttributes } = one.expected;
    if (name !== undefined) expect(span.name).toBe(name);
    if (kind !== undefined) expect(span.kind).toBe(KINDS[kind]);
    if (status !== undefined) expect(span.statusCode).toBe(STATUS[status]);
    if (parent !== undefined) expect(span.parentSpanId).toBe(parent);
    if (traceId !== undefined) expect(span.traceId).toBe(traceId);
    expect(span.traceState).toBe(traceState ?? "");
    if (flags !== undefined) expect(span.flags).toBe(flags);
    if (droppedAttributes !== undefined) expect(span.droppedAttributes).toBe(droppedAttributes);
    for (const [key, value] of Object.entries(attributes)) {
      expect({ [key]: span.attributes[key] }).toEqual({ [key]: value });
    }
    if (!(CUTS_VALUES in one.env)) expect(receiver.violations).toEqual([]);
  });
});
