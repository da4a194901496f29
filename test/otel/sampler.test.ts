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
    const wants = (traceparent?: string) =>
      sampler.sample(httpEvent(traceparent === undefined ? {} : { traceparent })) !== undefined;
    expect([wants(), wants(SAMPLED), wants(NOT_SAMPLED), wants(INVALID)]).toEqual([root, sampled, notSampled, invalid]);
    expect(warnings).toEqual([]);
  },
);

test("only always_on may go unasked", () => {
  expect(samplerOf("always_on").sampler.all).toBe(true);
  expect(samplerOf("parentbased_always_on").sampler.all).toBe(false);
  expect(samplerOf("always_off").sampler.all).toBe(false);
});

test("a ratio is met, and the trace id that it was taken of is handed on", () => {
  const { sampler } = samplerOf("traceidratio", "0.25");
  const kept = httpEvents(20_000)
    .map((event) => sampler.sample(event))
    .filter((id) => id !== undefined);
  expect(kept.length).toBeGreaterThan(4500);
  expect(kept.length).toBeLessThan(5500);
  for (const id of kept) expect(id).toMatch(/^[\da-f]{32}$/);
});

test("a ratio treats every span of a trace alike", () => {
  const { sampler } = samplerOf("traceidratio", "0.5");
  const first = sampler.sample(httpEvent({ traceparent: SAMPLED }));
  for (let i = 0; i < 100; i++) expect(sampler.sample(httpEvent({ traceparent: SAMPLED }))).toBe(first as string);
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
    expect(sampler.sample(httpEvent())).toBeDefined();
  },
);
