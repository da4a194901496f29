/**
 * Attributes of one name and type whose value is hardly ever the same twice: all but the value is encoded once.
 * @module
 */
import { type ByteWriter, varintLength } from "./byte-writer.ts";

/** Tags: `Span.attributes`, and of `KeyValue` and `AnyValue` as in `attribute-encoding.ts`. */
const ATTRIBUTE = 0x4a;
const KEY = 0x0a;
const VALUE = 0x12;
const STRING = 0x0a;
const INT = 0x18;
/** Of three lengths and the tags before them. */
const OVERHEAD_MAX = 24;

/** Key, and the tag of the value. */
function encodedKey(name: string): Buffer {
  return Buffer.from([KEY, name.length, ...Buffer.from(name), VALUE]);
}

class IntAttribute {
  readonly #key: Buffer;

  constructor(name: string) {
    this.#key = encodedKey(name);
  }

  /** value: an integer from 0 to 2^53. */
  write(out: ByteWriter, value: number): void {
    const valueLength = 1 + varintLength(value);
    out.reserve(this.#key.length + OVERHEAD_MAX);
    out.byte(ATTRIBUTE);
    out.byte(this.#key.length + 1 + valueLength);
    out.copy(this.#key);
    out.byte(valueLength);
    out.byte(INT);
    out.varint(value);
  }
}

class TextAttribute {
  readonly #key: Buffer;

  constructor(name: string) {
    this.#key = encodedKey(name);
  }

  /** Everything before the text, of which `length` bytes of UTF-8 must follow. */
  begin(out: ByteWriter, length: number): void {
    const valueLength = 1 + varintLength(length) + length;
    out.reserve(this.#key.length + OVERHEAD_MAX + length);
    out.byte(ATTRIBUTE);
    out.varint(this.#key.length + varintLength(valueLength) + valueLength);
    out.copy(this.#key);
    out.varint(valueLength);
    out.byte(STRING);
    out.varint(length);
  }

  write(out: ByteWriter, text: string): void {
    this.begin(out, Buffer.byteLength(text));
    out.text(text);
  }
}

export { IntAttribute, TextAttribute };
