import { type ClockOffset, clockOffset } from "./clock.ts";
import { kernelSymbols } from "./symbols.ts";

/** The wall clock is slewed against the monotonic one, so their distance is taken anew this often. */
const CLOCK_MILLIS = 1000;

/** How far the wall clock is ahead of the kernel's time stamps, kept fresh between `start` and `stop`. */
export class WallClock {
  #offset = read();
  #timer: Timer | undefined;

  get offset(): ClockOffset {
    return this.#offset;
  }

  start(): void {
    this.#timer ??= setInterval(() => {
      this.#offset = read();
    }, CLOCK_MILLIS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

function read(): ClockOffset {
  return clockOffset(kernelSymbols().reader_clock_offset_ns());
}
