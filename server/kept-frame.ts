import { type Frame, payloadOf } from "./format.ts";
import type { Payload } from "./frame.ts";

/**
 * A frame that waits. Its memory goes back when it is freed, and not when garbage is collected next: of what waits for slow
 * peers there is much, it is old when it goes, and several times as much would be held.
 */
class KeptFrame {
  readonly #bytes: Buffer<ArrayBuffer>;
  readonly #encoding: Frame["encoding"];

  constructor({ bytes, encoding }: Frame) {
    this.#bytes = Buffer.from(new ArrayBuffer(bytes.length));
    this.#bytes.set(bytes);
    this.#encoding = encoding;
  }

  /** The caller's own. */
  payload(): Payload {
    const bytes = this.#encoding === undefined ? Buffer.from(this.#bytes) : this.#bytes;
    return payloadOf({ bytes, encoding: this.#encoding });
  }

  free(): void {
    this.#bytes.buffer.transfer(0);
  }
}

export { KeptFrame };
