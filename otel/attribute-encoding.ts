/**
 * Attributes as OTLP's `KeyValue` messages.
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/v1.11.0/opentelemetry/proto/common/v1/common.proto
 * @module
 */
import type { Attributes, AttributeValue } from "@opentelemetry/api";
import { type ByteWriter, varintLength } from "./byte-writer.ts";

const LENGTH_DELIMITED = 2;
/** Tags of `KeyValue`. */
const KEY = 0x0a;
const VALUE = 0x12;
/** Tags of `AnyValue`, and of the values of its `ArrayValue`. */
const STRING = 0x0a;
const BOOL = 0x10;
const INT = 0x18;
const DOUBLE = 0x21;
const ARRAY = 0x2a;
const ARRAY_ITEM = 0x0a;

type Item = AttributeValue | null | undefined;

/** Writes every attribute as one more value of a repeated field of `KeyValue`. */
function writeAttributes(out: ByteWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined) writeAttribute(out, field, key, value);
  }
}

function writeAttribute(out: ByteWriter, field: number, key: string, value: AttributeValue): void {
  const keyLength = Buffer.byteLength(key);
  const valueLength = anyValueLength(value);
  out.byte((field << 3) | LENGTH_DELIMITED);
  out.varint(delimitedLength(keyLength) + delimitedLength(valueLength));
  out.byte(KEY);
  out.varint(keyLength);
  out.text(key);
  out.byte(VALUE);
  out.varint(valueLength);
  writeAnyValue(out, value);
}

function writeAnyValue(out: ByteWriter, value: Item): void {
  if (typeof value === "string") {
    out.byte(STRING);
    out.varint(Buffer.byteLength(value));
    out.text(value);
  } else if (typeof value === "boolean") {
    out.byte(BOOL);
    out.byte(value ? 1 : 0);
  } else if (typeof value === "number") {
    out.byte(isInt(value) ? INT : DOUBLE);
    if (isInt(value)) out.varint(value);
    else out.double(value);
  } else if (Array.isArray(value)) {
    out.byte(ARRAY);
    out.varint(itemsLength(value));
    for (const item of value) {
      out.byte(ARRAY_ITEM);
      out.varint(anyValueLength(item));
      writeAnyValue(out, item);
    }
  }
}

function anyValueLength(value: Item): number {
  if (typeof value === "string") return delimitedLength(Buffer.byteLength(value));
  if (typeof value === "boolean") return 2;
  if (typeof value === "number") return 1 + (isInt(value) ? varintLength(value) : 8);
  return Array.isArray(value) ? delimitedLength(itemsLength(value)) : 0;
}

const itemsLength = (items: readonly Item[]): number =>
  items.reduce<number>((sum, item) => sum + delimitedLength(anyValueLength(item)), 0);

/** Of a tag below 16, the length, and what it is the length of. */
const delimitedLength = (length: number): number => 1 + varintLength(length) + length;

/** Negative integers, of which an HTTP transaction has none, go as doubles. */
const isInt = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

export { delimitedLength, writeAttribute, writeAttributes };
