import type { SourceReport } from "./load.ts";

type Count = Exclude<keyof SourceReport, "context">;

export function sum(reports: SourceReport[], key: Count): number {
  return reports.reduce((total, report) => total + report[key], 0);
}

interface Run {
  name: string;
  reports: SourceReport[];
  /** The reader's. */
  stats: Record<string, number>;
  kernel: Record<string, number>;
  /** Milliseconds that each sync took. */
  syncs: number[];
  stalls: number;
  seconds: number;
}

/** What a run did, in figures. */
export function summary({ name, reports, stats, kernel, syncs, stalls, seconds }: Run): string {
  const attempted = sum(reports, "attempted");
  const accepted = sum(reports, "accepted");
  const contexts = [...new Set(reports.map(({ context }) => context))].map((context) => {
    const own = reports.filter((report) => report.context === context);
    return `${context} ${figure(sum(own, "accepted"))} of ${figure(sum(own, "attempted"))}`;
  });
  const sorted = syncs.toSorted((a, b) => a - b);
  return `torture with ${name}:
  events    ${figure(attempted)} attempted in ${seconds.toFixed(1)} s, ${figure(attempted / seconds)}/s; ${figure(accepted)} enqueued, ${figure(accepted / seconds)}/s
  dropped   ${figure(sum(reports, "pagesFull"))} pages_full, ${figure(sum(reports, "contended"))} contended
  contexts  ${contexts.join("; ")}
  syncs     ${figure(syncs.length)} on ${figure(stats.barriers)} barriers, p50 ${quantile(sorted, 0.5)} ms, p99 ${quantile(sorted, 0.99)} ms, most ${quantile(sorted, 1)} ms
  barriers  ${figure(stats.barrier_retries)} retries; half-way enqueues met: ${figure(kernel.kernel_barrier_again)}
  batches   ${figure(stats.batches)}; refused by the ring and sent again: ${figure(kernel.kernel_flush_refused)}
  reader    ${figure(stats.kicks)} kicks, ${figure(stats.wakes)} wakes, ${figure(stats.ring_full)} waits for room, ${stalls} stalls`;
}

function figure(count = 0): string {
  return Math.round(count).toLocaleString("en-US");
}

function quantile(sorted: number[], at: number): string {
  const index = Math.min(sorted.length - 1, Math.floor(sorted.length * at));
  return (sorted[index] ?? Number.NaN).toFixed(1);
}
