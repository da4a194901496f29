/**
 * The identities of the ledger. Each function returns a line per identity that does not hold, with its numbers; none when
 * all hold. They hold at every moment at which nothing is half-way, in particular whenever JavaScript may read them.
 * @module
 */

import type { ProtocolLedger, SpanLedger } from "../ffi/event.ts";
import type { FlowLedger } from "./flow.ts";

const sum = (counts: Readonly<Record<string, number | undefined>>): number =>
  Object.values(counts).reduce<number>((total, count) => total + (count ?? 0), 0);

const check = (name: string, left: string, leftValue: number, right: string, rightValue: number): string[] =>
  leftValue === rightValue ? [] : [`${name}: ${left} ${leftValue}, but ${right} ${rightValue}`];

/** `observed = enqueued + filtered + Σ dropped` in the kernel; `enqueued = delivered + pending` up to the sinks. */
const protocolImbalances = (protocols: Readonly<Record<string, ProtocolLedger>>): string[] =>
  Object.entries(protocols).flatMap(([protocol, ledger]) => [
    ...check(
      protocol,
      "observed",
      ledger.observed,
      "enqueued + filtered + dropped",
      ledger.enqueued + (ledger.filtered ?? 0) + sum(ledger.dropped),
    ),
    ...check(protocol, "enqueued", ledger.enqueued, "delivered + pending", ledger.delivered + ledger.pending),
    ...check(protocol, "pending", ledger.pending, "at least 0, so", Math.max(0, ledger.pending)),
  ]);

/** What must never happen between the kernel and the sinks; the reader looks for it all the time and counts it. */
const readerImbalances = (reader: Readonly<Record<string, number>>): string[] => {
  const refused = sum(Object.fromEntries(Object.entries(reader).filter(([name]) => name.endsWith("_flush_refused"))));
  const lost = reader.lost_records ?? 0;
  return [
    ...check("barriers", "left events behind", reader.barrier_violations ?? 0, "expected", 0),
    ...check("batches", "out of order", reader.out_of_order ?? 0, "expected", 0),
    ...check("callbacks", "failed", reader.callback_errors ?? 0, "expected", 0),
    ...check("batches", "malformed", reader.malformed ?? 0, "expected", 0),
    // The kernel reports a lost record for an output that it refused; that batch was kept and sent again.
    ...check("records", "lost", lost, "no more than refused, so", Math.min(lost, refused)),
  ];
};

/**
 * Everything delivered was handed to the hub, and nothing else was.
 *
 * @param later the hub was read after the protocols, so it may have been handed more since
 */
const handoverImbalances = (
  protocols: Readonly<Record<string, ProtocolLedger>>,
  offered: Readonly<Record<string, number>>,
  later: boolean,
): string[] =>
  Object.entries(protocols).flatMap(([protocol, { delivered }]) => {
    const handed = offered[protocol] ?? 0;
    return later && handed > delivered
      ? []
      : check(`${protocol} to subscribers`, "delivered", delivered, "offered", handed);
  });

/** `delivered = sent + filtered + Σ dropped + queued`, for each subscriber and for all together. */
const subscriberImbalances = (total: FlowLedger, subscribers: readonly (FlowLedger & { id: number })[]): string[] => {
  const one = (name: string, { delivered, sent, filtered, dropped, queued }: FlowLedger) =>
    check(name, "delivered", delivered, "sent + filtered + dropped + queued", sent + filtered + sum(dropped) + queued);
  return [
    ...one("subscribers", total),
    ...subscribers.flatMap((subscriber) => one(`subscriber ${subscriber.id}`, subscriber)),
  ];
};

/** `delivered = accepted + notSampled + dropped.queue_full`; `accepted = exported + rejected + other drops + queued`. */
const spanImbalances = (spans: SpanLedger): string[] => {
  const { queue_full: queueFull = 0, ...afterQueue } = spans.dropped;
  const { delivered, accepted, notSampled, exported, rejected, queued } = spans;
  return [
    ...check("spans", "delivered", delivered, "accepted + not sampled + queue full", accepted + notSampled + queueFull),
    ...check(
      "spans",
      "accepted",
      accepted,
      "exported + rejected + dropped + queued",
      exported + rejected + sum(afterQueue) + queued,
    ),
  ];
};

export { handoverImbalances, protocolImbalances, readerImbalances, spanImbalances, subscriberImbalances };
