/**
 * Bytes that grow, and the primitives of the protobuf wire format.
 * @see https://protobuf.dev/programming-guides/encoding/
 * @module
 */

const SEVEN_BITS = 128;

/** The members are open to those who write by hand: `reserve`, write from `at` on, and set `at` behind it. */
class ByteWriter {
  bytes: Buffer;
  view: DataView;
  /** Bytes written. */
  at = 0;

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for so many more bytes. */
  reserve(count: number): void {
    const needed = this.at + count;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.at++] = value;
  }

  /** An integer from 0 to 2^53. */
  varint(value: number): void {
    this.reserve(varintLength(value));
    let rest = value;
    while (rest >= SEVEN_BITS) {
      // The remainder of a float, since the operators for bits know only 32 of them.
      this.bytes[this.at++] = (rest % SEVEN_BITS) | SEVEN_BITS;
      rest = Math.floor(rest / SEVEN_BITS);
    }
    this.bytes[this.at++] = rest;
  }

  double(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  copy(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.put(bytes);
  }

  /** As {@link copy}, where there is room for certain. */
  put(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** As UTF-8, without a length before it. */
  text(text: string): void {
    this.reserve(Buffer.byteLength(text));
    this.at += this.bytes.write(text, this.at);
  }

  /** What was written, as bytes of its own; the writer is empty then. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.bytes.subarray(0, this.at));
    this.at = 0;
    return taken;
  }
}

/** Bytes of an integer from 0 to 2^53. */
function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= SEVEN_BITS; rest = Math.floor(rest / SEVEN_BITS)) length++;
  return length;
}

export { ByteWriter, varintLength };
