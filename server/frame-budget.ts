import type { BatchFrame } from "./frame.ts";

/** Bounds the bytes of all frames that wait in any queue. A frame that waits in many queues is counted once. */
class FrameBudget {
  readonly maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Takes the frame, and its memory, into one more queue; false when that would exceed the bound. */
  hold(frame: BatchFrame): boolean {
    if (frame.holders === 0) {
      if (this.#usedBytes + frame.bytes > this.maxBytes) return false;
      this.#usedBytes += frame.bytes;
      frame.keep();
    }
    frame.holders += 1;
    return true;
  }

  /** Undoes one `hold`. */
  release(frame: BatchFrame): void {
    frame.holders -= 1;
    if (frame.holders > 0) return;
    this.#usedBytes -= frame.bytes;
    frame.drop();
  }
}

export { FrameBudget };
