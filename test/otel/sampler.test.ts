import { expect, test } from "bun:test";
import { IdGenerator } from "../../otel/ids.ts";
import { createSampler } from "../../otel/sampler.ts";
import { httpEvent, httpEvents } from "./support/events.ts";

function samplerOf(name?: string, argument?: string) {
  const warnings: string[] = [];
  const sampler = createSampler({ name, argument, ids: new IdGenerator(), warn: (message) => warnings.push(message) });
  return { sampler, warnings };
}

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SAMPLED = `00-${TRACE}-00f067aa0ba902b7-01`;
const NOT_SAMPLED = `00-${TRACE}-00f067aa0ba902b7-00`;
const INVALID = "00-zz";

/** Columns: no parent, sampled parent, parent that is not sampled, invalid header. */
test.each([
  [undefined, undefined, true, true, false, true],
  ["", undefined, true, true, false, true],
  ["always_on", undefined, true, true, true, true],
  ["always_off", undefined, false, false, false, false],
  ["parentbased_always_on", undefined, true, true, false, true],
  ["parentbased_always_off", undefined, false, true, false, false],
  ["traceidratio", "1", true, true, true, true],
  ["traceidratio", "0", false, false, false, false],
  ["parentbased_traceidratio", "1", true, true, false, true],
  ["parentbased_traceidratio", "0", false, true, false, false],
] as [string | undefined, string | undefined, boolean, boolean, boolean, boolean][])(
  "OTEL_TRACES_SAMPLER=%s with argument %s",
  (name, argument, root, sampled, notSampled, invalid) => {
    const { sampler, warnings } = samplerOf(name, argument);
    const wants = (traceparent?: string) => sampler.wants(httpEvent(traceparent === undefined ? {} : { traceparent }));
    expect([wants(), wants(SAMPLED), wants(NOT_SAMPLED), wants(INVALID)]).toEqual([root, sampled, notSampled, invalid]);
    expect(warnings).toEqual([]);
  },
);

test("only a ratio asks for the trace id", () => {
  const asks = (name: string) =>
    [undefined, 1, 0].map((traceFlags) => {
      let isAsked = false;
      const caller = {
        traceFlags: traceFlags ?? 0,
        get traceId() {
          isAsked = true;
          return TRACE;
        },
      };
      samplerOf(name, "0.5").sampler.decide(1, traceFlags === undefined ? undefined : caller);
      return isAsked;
    });
  expect(asks("always_on")).toEqual([false, false, false]);
  expect(asks("parentbased_always_on")).toEqual([false, false, false]);
  expect(asks("traceidratio")).toEqual([false, true, true]);
  expect(asks("parentbased_traceidratio")).toEqual([false, false, false]);
});

test("a ratio is met", () => {
  const { sampler } = samplerOf("traceidratio", "0.25");
  const kept = httpEvents(20_000).filter((event) => sampler.wants(event)).length;
  expect(kept).toBeGreaterThan(4500);
  expect(kept).toBeLessThan(5500);
});

test("a ratio treats every span of a trace alike", () => {
  const { sampler } = samplerOf("traceidratio", "0.5");
  const events = Array.from({ length: 100 }, (_, seq) => httpEvent({ seq, traceparent: SAMPLED }));
  expect(new Set(events.map((event) => sampler.wants(event))).size).toBe(1);
});

test.each([
  ["jaeger_remote", undefined, "OTEL_TRACES_SAMPLER: expected one of always_on"],
  ["constructor", undefined, 'got "constructor"'],
  ["traceidratio", undefined, 'OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got ""'],
  ["traceidratio", "half", 'OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got "half"'],
  ["parentbased_traceidratio", "1.5", 'OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got "1.5"'],
] as [string, string | undefined, string][])(
  "OTEL_TRACES_SAMPLER=%s with argument %s falls back and says so",
  (name, argument, warning) => {
    const { sampler, warnings } = samplerOf(name, argument);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(warning);
    expect(sampler.wants(httpEvent())).toBe(true);
  },
);
