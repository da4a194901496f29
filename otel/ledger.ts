/**
 * The span side of the ledger.
 * @module
 */
import type { SpanLedger } from "../ffi/event.ts";

/** Why an event never became an exported span. */
type SpanDropReason =
  /** The queue had no room. */
  | "queue_full"
  /** The collector could not be reached, or refused the whole request. */
  | "export_failed"
  /** Still unsent when the time to shut down was over. */
  | "shutdown";

/** Counts; every event handed in is in exactly one place at every moment between two turns of the event loop. */
class SpanCounters {
  delivered = 0;
  accepted = 0;
  exported = 0;
  rejected = 0;
  notSampled = 0;
  readonly #dropped = new Map<SpanDropReason, number>();

  drop(reason: SpanDropReason, count: number): void {
    if (count > 0) this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + count);
  }

  /** `queued` is the number of events in the queue and in flight. */
  read(queued: number): SpanLedger {
    const { delivered, accepted, exported, rejected, notSampled } = this;
    const dropped = Object.fromEntries(this.#dropped);
    return { delivered, accepted, exported, rejected, queued, notSampled, dropped };
  }
}

export { SpanCounters, type SpanDropReason };
