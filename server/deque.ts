/** First in, first out, without moving what waits. Memory follows the length, not the history. */
class Deque<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  /** The oldest item, left in place. */
  first(): T | undefined {
    return this.#items[this.#head];
  }

  /** The newest item, left in place. */
  last(): T | undefined {
    return this.length === 0 ? undefined : this.#items[this.#items.length - 1];
  }

  /** The oldest item has index 0. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  replace(index: number, item: T): void {
    this.#items[this.#head + index] = item;
  }

  /** Moves the items before it, so it costs little near the head. */
  remove(index: number): void {
    this.#items.copyWithin(this.#head + 1, this.#head, this.#head + index);
    this.shift();
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    // Halving at the earliest when half is spent keeps a shift at constant cost on average.
    if (this.#head > 64 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

export { Deque };
