import { Deque } from "./deque.ts";
import type { BatchFrame, Frame, GapFrame } from "./frame.ts";
import type { FrameBudget } from "./frame-budget.ts";

/**
 * Frames that wait for one subscriber, in order, with a gap wherever a batch was lost: neighbouring gaps are one. Counts what
 * waits; memory is asked for at the budget that all queues share.
 */
class FrameQueue {
  readonly #frames = new Deque<Frame>();
  readonly #budget: FrameBudget;
  #events = 0;
  #bytes = 0;
  #controls = 0;

  constructor(budget: FrameBudget) {
    this.#budget = budget;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  /** In batches. */
  get events(): number {
    return this.#events;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get controls(): number {
    return this.#controls;
  }

  first(): Frame | undefined {
    return this.#frames.first();
  }

  /** False when there is no memory for it. */
  pushBatch(frame: BatchFrame): boolean {
    if (!this.#budget.hold(frame)) return false;
    this.#events += frame.events;
    this.#bytes += frame.bytes;
    this.#frames.push(frame);
    return true;
  }

  pushControl(frame: Frame & { kind: "control" }): void {
    this.#controls += 1;
    this.#frames.push(frame);
  }

  /** Notes the loss of a batch that came behind all that waits. */
  pushGap(lost: BatchFrame): void {
    const last = this.#frames.last();
    if (last?.kind === "gap") widen(last, lost);
    else this.#frames.push(gapOf(lost));
  }

  shift(): Frame | undefined {
    const frame = this.#frames.shift();
    if (frame?.kind === "control") this.#controls -= 1;
    if (frame?.kind === "batch") this.#release(frame);
    return frame;
  }

  /** Puts a gap in the place of the batch that has waited longest, and returns it; undefined when none waits. */
  loseOldest(): BatchFrame | undefined {
    // In front of it there are only its gap and what is told between batches.
    for (let index = 0; index < this.#frames.length; index++) {
      const frame = this.#frames.at(index);
      if (frame?.kind !== "batch") continue;
      this.#release(frame);
      const before = index === 0 ? undefined : this.#frames.at(index - 1);
      const after = this.#frames.at(index + 1);
      const gap = before?.kind === "gap" ? widen(before, frame) : gapOf(frame);
      if (after?.kind === "gap") {
        widen(gap, { events: after.dropped, fromSeq: after.fromSeq, toSeq: after.toSeq });
        this.#frames.remove(index + 1);
      }
      if (before === gap) this.#frames.remove(index);
      else this.#frames.replace(index, gap);
      return frame;
    }
    return undefined;
  }

  /** When the batch that has waited longest was made; undefined when none waits. */
  get oldestMillis(): number | undefined {
    for (let index = 0; index < this.#frames.length; index++) {
      const frame = this.#frames.at(index);
      if (frame?.kind === "batch") return frame.madeMillis;
    }
    return undefined;
  }

  clear(): void {
    while (this.shift() !== undefined);
  }

  #release(frame: BatchFrame): void {
    this.#budget.release(frame);
    this.#events -= frame.events;
    this.#bytes -= frame.bytes;
  }
}

type Lost = Pick<BatchFrame, "events" | "fromSeq" | "toSeq">;

const gapOf = ({ events, fromSeq, toSeq }: Lost): GapFrame => ({ kind: "gap", dropped: events, fromSeq, toSeq });

const widen = (gap: GapFrame, { events, toSeq }: Lost): GapFrame => {
  gap.dropped += events;
  gap.toSeq = toSeq;
  return gap;
};

export { FrameQueue };
