/**
 * Several pipelines as one: each transaction goes into each of them, and its ledger is the sum of theirs.
 * @module
 */
import type { SpanLedger } from "../ffi/event.ts";
import type { SpanPipeline } from "./pipeline.ts";

/** One pipeline is handed back as it is. */
function joinPipelines(pipelines: readonly SpanPipeline[]): SpanPipeline {
  const [only] = pipelines;
  if (only !== undefined && pipelines.length === 1) return only;
  return {
    offerRaw(batch) {
      for (const pipeline of pipelines) pipeline.offerRaw(batch);
    },
    ready() {
      const waits = pipelines.flatMap((pipeline) => pipeline.ready?.() ?? []);
      return waits.length === 0 ? undefined : Promise.all(waits).then(() => undefined);
    },
    stats: () => pipelines.map((pipeline) => pipeline.stats()).reduce(sum),
    flush: async () => void (await Promise.all(pipelines.map((pipeline) => pipeline.flush()))),
    shutdown: async (timeoutMillis) =>
      void (await Promise.all(pipelines.map((pipeline) => pipeline.shutdown(timeoutMillis)))),
  };
}

/** Sums of balanced ledgers balance. */
function sum(one: SpanLedger, other: SpanLedger): SpanLedger {
  const dropped = { ...one.dropped };
  for (const [reason, count] of Object.entries(other.dropped)) dropped[reason] = (dropped[reason] ?? 0) + count;
  return {
    delivered: one.delivered + other.delivered,
    accepted: one.accepted + other.accepted,
    exported: one.exported + other.exported,
    rejected: one.rejected + other.rejected,
    queued: one.queued + other.queued,
    notSampled: one.notSampled + other.notSampled,
    dropped,
  };
}

export { joinPipelines };
