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

const VARINT_BYTES_MAX = 8;
/** What an attribute takes besides its name and text: tags, lengths, or a number. */
const OVERHEAD_BYTES = 24;
/** The longest text with which every length of the attribute is one byte, less the name. */
const SHORT_TEXT_MAX = 127 - 9;

/** Key, and the tag of the value. */
function encodedKey(name: string): number[] {
  return [KEY, name.length, ...Buffer.from(name), VALUE];
}

class IntAttribute {
  /** Room that {@link write} needs. */
  readonly bytesMax: number;
  /** Everything before a value of so many bytes. */
  readonly #before: readonly Uint8Array[];

  constructor(name: string) {
    const key = encodedKey(name);
    this.bytesMax = name.length + OVERHEAD_BYTES;
    this.#before = Array.from({ length: VARINT_BYTES_MAX + 1 }, (_, length) =>
      Uint8Array.from([ATTRIBUTE, key.length + 2 + length, ...key, 1 + length, INT]),
    );
  }

  /** value: an integer from 0 to 2^53. The caller has reserved {@link bytesMax}. */
  write(out: ByteWriter, value: number): void {
    out.put(this.#before[varintLength(value)] as Uint8Array);
    out.varint(value);
  }
}

class TextAttribute {
  /** Room that {@link begin} needs besides that of the text. */
  readonly bytesMax: number;
  readonly #key: Uint8Array;
  /** Everything before a short text, its three lengths to be filled in. */
  readonly #before: Uint8Array;
  readonly #shortMax: number;

  constructor(name: string) {
    const key = encodedKey(name);
    this.bytesMax = name.length + OVERHEAD_BYTES;
    this.#key = Uint8Array.from(key);
    this.#before = Uint8Array.from([ATTRIBUTE, 0, ...key, 0, STRING, 0]);
    this.#shortMax = SHORT_TEXT_MAX - name.length;
  }

  /** Everything before the text, of which `length` bytes of UTF-8 must follow. The caller has reserved the room. */
  begin(out: ByteWriter, length: number): void {
    if (length > this.#shortMax) {
      this.#beginLong(out, length);
      return;
    }
    const { bytes, at } = out;
    const before = this.#before;
    out.put(before);
    bytes[at + 1] = before.length - 2 + length;
    bytes[out.at - 3] = length + 2;
    bytes[out.at - 1] = length;
  }

  write(out: ByteWriter, text: string): void {
    const length = Buffer.byteLength(text);
    out.reserve(this.bytesMax + length);
    this.begin(out, length);
    out.text(text);
  }

  #beginLong(out: ByteWriter, length: number): void {
    const valueLength = 1 + varintLength(length) + length;
    out.byte(ATTRIBUTE);
    out.varint(this.#key.length + varintLength(valueLength) + valueLength);
    out.put(this.#key);
    out.varint(valueLength);
    out.byte(STRING);
    out.varint(length);
  }
}

export { IntAttribute, TextAttribute };
