import { expect } from "bun:test";
import type { Stats } from "../../../server/schema.ts";

export const sumOf = (counts: Readonly<Record<string, number | undefined>>): number =>
  Object.values(counts).reduce<number>((sum, count) => sum + (count ?? 0), 0);

type Flow = Stats["subscribers"]["total"];

const flowSides = ({ delivered, sent, filtered, dropped, queued }: Flow) => ({
  delivered,
  accounted: sent + filtered + sumOf(dropped) + queued,
});

/** Each pair that should be equal, worked out here and not by the service. */
function identities({ protocols, cpus, subscribers, spans }: Stats): Record<string, [number, number]> {
  const pairs: Record<string, [number, number]> = {};
  for (const [name, { observed, enqueued, delivered, pending, dropped }] of Object.entries(protocols)) {
    const ofCpus = cpus.map((cpu) => cpu.protocols[name] ?? { observed: 0, enqueued: 0, dropped: {} });
    const total = (of: (cpu: (typeof ofCpus)[number]) => number) => ofCpus.reduce((sum, cpu) => sum + of(cpu), 0);
    pairs[`${name} observed`] = [observed, enqueued + sumOf(dropped)];
    pairs[`${name} enqueued`] = [enqueued, delivered + pending];
    pairs[`${name} delivered`] = [delivered, subscribers.offered[name] ?? 0];
    pairs[`${name} observed, by CPU`] = [observed, total((cpu) => cpu.observed)];
    pairs[`${name} enqueued, by CPU`] = [enqueued, total((cpu) => cpu.enqueued)];
    pairs[`${name} dropped, by CPU`] = [sumOf(dropped), total((cpu) => sumOf(cpu.dropped))];
  }
  for (const subscriber of [subscribers.total, ...subscribers.subscribers]) {
    const { delivered, accounted } = flowSides(subscriber);
    pairs[`subscriber ${"id" in subscriber ? subscriber.id : "total"}`] = [delivered, accounted];
  }
  if (spans !== undefined) {
    const { queue_full = 0, ...later } = spans.dropped;
    pairs["spans offered"] = [spans.delivered, protocols.http?.delivered ?? 0];
    pairs["spans delivered"] = [spans.delivered, spans.accepted + spans.notSampled + queue_full];
    pairs["spans accepted"] = [spans.accepted, spans.exported + spans.rejected + sumOf(later) + spans.queued];
  }
  return pairs;
}

/** The ledger holds by the service's word and by our own arithmetic, and the reader met nothing that must never be. */
export function expectBalanced(stats: Stats): void {
  expect(stats.imbalances).toEqual([]);
  expect(stats.balanced).toBe(true);
  const uneven = Object.entries(identities(stats)).filter(([, [left, right]]) => left !== right);
  expect(uneven).toEqual([]);
  expect(stats.reader).toMatchObject({ out_of_order: 0, malformed: 0, barrier_violations: 0 });
  expect(Object.keys(stats.protocols.http?.dropped ?? {})).not.toContain("copy_refused");
}

/** The same, and nothing is under way. */
export function expectSettled(stats: Stats): void {
  expectBalanced(stats);
  for (const { pending } of Object.values(stats.protocols)) expect(pending).toBe(0);
}
