/**
 * The account of events that were offered to subscribers. Always
 * `delivered = sent + filtered + Σ dropped + queued`, for one subscriber and for all together.
 * @module
 */

/**
 * Why a subscriber did not get an event: `queue_full`, its own queue was at its limit; `memory_full`, all queues together
 * were, and none was larger; `sampled`, its queue filled up, and it wants a sample then; `too_old`, it waited for too long; `history_gone`, it was
 * asked for when the history had it no longer; `stalled`, queued when it was closed for not reading; `disconnected`, queued
 * when it left; `shutdown`, queued when the service ended.
 */
const DROP_REASONS = [
  "queue_full",
  "memory_full",
  "sampled",
  "too_old",
  "history_gone",
  "stalled",
  "disconnected",
  "shutdown",
] as const;
type DropReason = (typeof DROP_REASONS)[number];

/** As `/stats` shows it. */
interface FlowLedger {
  /** Events offered. */
  delivered: number;
  /** Taken by the transport. */
  sent: number;
  /** Not wanted by the subscription. */
  filtered: number;
  /** By reason; zero counts left out. */
  dropped: Partial<Record<DropReason, number>>;
  /** Waiting for the transport. */
  queued: number;
}

/** The counters behind a `FlowLedger`. Plain fields, since they change with every batch. */
class Flow {
  delivered = 0;
  sent = 0;
  filtered = 0;
  queued = 0;
  readonly dropped: Record<DropReason, number> = {
    queue_full: 0,
    memory_full: 0,
    sampled: 0,
    too_old: 0,
    history_gone: 0,
    stalled: 0,
    disconnected: 0,
    shutdown: 0,
  };

  add(other: Flow): void {
    this.delivered += other.delivered;
    this.sent += other.sent;
    this.filtered += other.filtered;
    this.queued += other.queued;
    for (const reason of DROP_REASONS) this.dropped[reason] += other.dropped[reason];
  }

  ledger(): FlowLedger {
    const dropped: Partial<Record<DropReason, number>> = {};
    for (const reason of DROP_REASONS) if (this.dropped[reason] > 0) dropped[reason] = this.dropped[reason];
    const { delivered, sent, filtered, queued } = this;
    return { delivered, sent, filtered, dropped, queued };
  }
}

export type { DropReason, FlowLedger };
export { DROP_REASONS, Flow };
