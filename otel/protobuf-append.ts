/**
 * Adds fields to messages that lie within an encoded message.
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */

const WIRE = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const;

/**
 * Appends to every message that the path of field numbers leads to, in order, what `suffix` gives for it: encoded fields,
 * or nothing. All else stays byte for byte, but for the lengths of the messages around it.
 * @throws {RangeError} when the bytes are no protobuf message
 */
function appendToMessages(message: Uint8Array, path: readonly number[], suffix: () => Uint8Array): Uint8Array {
  const [field, ...rest] = path;
  if (field === undefined) return Buffer.concat([message, suffix()]);
  const parts: Uint8Array[] = [];
  for (let at = 0; at < message.length; ) {
    const tag = readVarint(message, at);
    const { start, end } = valueAt(message, tag.end, tag.value & 7);
    if (tag.value >>> 3 !== field || (tag.value & 7) !== WIRE.lengthDelimited) {
      parts.push(message.subarray(at, end));
    } else {
      const inner = appendToMessages(message.subarray(start, end), rest, suffix);
      parts.push(message.subarray(at, tag.end), varint(inner.length), inner);
    }
    at = end;
  }
  return Buffer.concat(parts);
}

/** Where a field's value lies, behind its length if it has one. */
function valueAt(message: Uint8Array, at: number, wireType: number): { start: number; end: number } {
  switch (wireType) {
    case WIRE.varint:
      return { start: at, end: readVarint(message, at).end };
    case WIRE.fixed64:
      return { start: at, end: at + 8 };
    case WIRE.fixed32:
      return { start: at, end: at + 4 };
    case WIRE.lengthDelimited: {
      const length = readVarint(message, at);
      return { start: length.end, end: length.end + length.value };
    }
    default:
      throw new RangeError(`protobuf: expected wire type 0, 1, 2 or 5 at byte ${at}, got ${wireType}`);
  }
}

/** Exact below 2^53, which lengths and tags are. */
function readVarint(message: Uint8Array, from: number): { value: number; end: number } {
  let value = 0;
  for (let at = from, scale = 1; at < message.length; at++, scale *= 128) {
    const byte = message[at] as number;
    value += (byte & 127) * scale;
    if (byte < 128) return { value, end: at + 1 };
  }
  throw new RangeError(`protobuf: expected a varint at byte ${from}, got the end`);
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
  }
}

export { appendToMessages };
