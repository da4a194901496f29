import { expect, test } from "bun:test";
import { limited, spanLimits } from "../../otel/limits.ts";
import type { Environment } from "../../otel/settings.ts";

const NONE = Number.POSITIVE_INFINITY;

function limitsOf(env: Environment) {
  const warnings: string[] = [];
  return { limits: spanLimits(env, (message) => warnings.push(message)), warnings };
}

test.each([
  [{}, undefined],
  [{ OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "128" }, undefined],
  [{ OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "5" }, { attributeCountMax: 5, valueLengthMax: NONE }],
  [{ OTEL_ATTRIBUTE_COUNT_LIMIT: "0" }, { attributeCountMax: 0, valueLengthMax: NONE }],
  [
    { OTEL_ATTRIBUTE_COUNT_LIMIT: "5", OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "6" },
    { attributeCountMax: 6, valueLengthMax: NONE },
  ],
  [{ OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "10" }, { attributeCountMax: NONE, valueLengthMax: 10 }],
  [
    { OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: "10", OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: "12" },
    { attributeCountMax: NONE, valueLengthMax: 12 },
  ],
] as [Environment, ReturnType<typeof spanLimits>][])("%p", (env, limits) => {
  expect(limitsOf(env)).toEqual({ limits, warnings: [] });
});

test("a limit that is no number is warned of and is none", () => {
  expect(limitsOf({ OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: "few" })).toEqual({
    limits: undefined,
    warnings: ['OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: expected an integer from 0 upwards, got "few"'],
  });
});

test("the first attributes stay, the others are counted", () => {
  expect(limited({ a: 1, b: "x", c: true }, { attributeCountMax: 2, valueLengthMax: NONE })).toEqual({
    attributes: { a: 1, b: "x" },
    droppedAttributesCount: 1,
  });
});

test.each([
  ["abc", 5, "abc"],
  ["abc", 2, "ab"],
  ["abc", 0, ""],
  ["aé😀", 3, "aé"],
  ["aé😀", 4, "aé😀"],
])("%p cut at %i is %p: never within a character", (value, valueLengthMax, cut) => {
  expect(limited({ value, n: 12_345 }, { attributeCountMax: NONE, valueLengthMax }).attributes).toEqual({
    value: cut,
    n: 12_345,
  });
});
