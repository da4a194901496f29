/**
 * How many attributes a span may have, and how long their values may be.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/#attribute-limits
 * @module
 */
import type { Attributes } from "@opentelemetry/api";
import { type Environment, readCount } from "./settings.ts";

interface SpanLimits {
  attributeCountMax: number;
  /** In UTF-16 units, as the SDK counts them. */
  valueLengthMax: number;
}

/** More than any span of ours has, and less than the specification's default of 128. */
const ATTRIBUTE_COUNT_HIGHEST = 32;

/** What the variables ask for, the span's own before the general one; undefined when no span of ours can come near it. */
function spanLimits(env: Environment, warn: (message: string) => void): SpanLimits | undefined {
  const limit = (name: string) =>
    readCount(env, `OTEL_SPAN_${name}`, 0, warn) ?? readCount(env, `OTEL_${name}`, 0, warn) ?? Number.POSITIVE_INFINITY;
  const attributeCountMax = limit("ATTRIBUTE_COUNT_LIMIT");
  const valueLengthMax = limit("ATTRIBUTE_VALUE_LENGTH_LIMIT");
  if (attributeCountMax >= ATTRIBUTE_COUNT_HIGHEST && valueLengthMax === Number.POSITIVE_INFINITY) return undefined;
  return { attributeCountMax, valueLengthMax };
}

/** The first attributes that fit, their strings cut, and how many attributes there was no room for. */
function limited(
  attributes: Attributes,
  { attributeCountMax, valueLengthMax }: SpanLimits,
): { attributes: Attributes; droppedAttributesCount: number } {
  const entries = Object.entries(attributes);
  const kept = entries.slice(0, attributeCountMax).map(([name, value]) => {
    return [name, typeof value === "string" ? cut(value, valueLengthMax) : value] as const;
  });
  return { attributes: Object.fromEntries(kept), droppedAttributesCount: entries.length - kept.length };
}

/** Never within a character: half a surrogate pair is no text. */
function cut(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const isSplit = lengthMax > 0 && (text.codePointAt(lengthMax - 1) ?? 0) > 0xffff;
  return text.slice(0, isSplit ? lengthMax - 1 : lengthMax);
}

export { limited, type SpanLimits, spanLimits };
