const STALL_MILLIS_MAX = 150;
const BETWEEN_MILLIS_MAX = 1500;

/**
 * A consumer that at random moments does not read for a while: inside the callback, where the batch's room is not given
 * back meanwhile, or between two turns.
 */
export class Stalls {
  count = 0;
  #nextMillis = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;

  start(): void {
    const between = () => {
      this.#stall();
      this.#timer = setTimeout(between, Math.random() * BETWEEN_MILLIS_MAX);
    };
    between();
  }

  /** To be called from the callback. */
  maybe(): void {
    const now = performance.now();
    if (now < this.#nextMillis) return;
    this.#stall();
    this.#nextMillis = now + Math.random() * BETWEEN_MILLIS_MAX;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#nextMillis = Infinity;
  }

  #stall(): void {
    this.count++;
    const until = performance.now() + Math.random() * STALL_MILLIS_MAX;
    while (performance.now() < until);
  }
}
