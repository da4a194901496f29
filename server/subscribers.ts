import { Flow } from "./flow.ts";
import type { Subscriber } from "./subscriber.ts";

/** Who is there, the account of all who ever were, and who waits until nothing waits for any of them. */
class Subscribers implements Iterable<Subscriber> {
  readonly #present = new Map<number, Subscriber>();
  readonly #past = new Flow();
  #idleWaiters: (() => void)[] = [];

  get size(): number {
    return this.#present.size;
  }

  [Symbol.iterator](): IterableIterator<Subscriber> {
    return this.#present.values();
  }

  add(subscriber: Subscriber): void {
    this.#present.set(subscriber.id, subscriber);
  }

  /** False when it was not there. What becomes of its account is to be said with {@link settle}. */
  delete(subscriber: Subscriber): boolean {
    return this.#present.delete(subscriber.id);
  }

  /** Its account, which changes no more, goes into that of all. */
  settle(subscriber: Subscriber): void {
    this.#past.add(subscriber.flow);
  }

  /** Over all, present and past. */
  total(): Flow {
    const total = new Flow();
    total.add(this.#past);
    for (const { flow } of this) total.add(flow);
    return total;
  }

  /** Nothing waits for any of them. */
  get allIdle(): boolean {
    for (const subscriber of this) if (!subscriber.idle) return false;
    return true;
  }

  /** Resolves when that is so. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.wakeIfIdle();
    });
  }

  /** Call when something may have stopped to wait. */
  wakeIfIdle(): void {
    if (this.#idleWaiters.length === 0 || !this.allIdle) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const wake of waiters) wake();
  }
}

export { Subscribers };
