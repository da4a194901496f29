import { highestFanOut } from "./fan-out.ts";
import type { FilterCost } from "./fan-out-service.ts";
import { highestLossless } from "./flood.ts";
import { highestWhole } from "./pipe.ts";
import type { Measured, Summary } from "./results.ts";
import { spreadOf } from "./statistics.ts";

export interface Target {
  what: string;
  measured: string;
  met: boolean;
}

/** What Kernelcast promises of its cost. */
export function targetsOf(
  { quietMillis, sync, idleCpuPercent, floods, pipeRuns, fanOut }: Measured,
  summary: Summary,
): Target[] {
  const { aloneOfUnwatched, watchedOfUnwatched, lost, breaks, balanced, loadedP99Millis, rssMb } = summary;
  const { ours } = summary.spans;
  const below = (what: string, value: number, limit: number, unit: string): Target => ({
    what: `${what} below ${limit} ${unit}`,
    measured: `${value.toFixed(value < 10 ? 2 : 0)} ${unit}`,
    met: value < limit,
  });
  return [
    {
      what: "watched throughput at least 0.80 of unwatched, also with a subscriber",
      measured: `${aloneOfUnwatched.median.toFixed(3)}, ${watchedOfUnwatched.median.toFixed(3)}`,
      met: watchedOfUnwatched.median >= 0.8,
    },
    {
      what: "every transaction delivered, once and in order, ledger balanced",
      measured: `${lost.toLocaleString("en")} lost, ${breaks} breaks, ${balanced ? "balanced" : "NOT balanced"}`,
      met: lost === 0 && breaks === 0 && balanced,
    },
    below("p99 from kernel to subscriber at full load", loadedP99Millis.median, 50, "ms"),
    below("one request on a quiet machine, median,", quietMillis.p50, 100, "ms"),
    below("POST /sync, p99, idle,", sync.idle.caller.p99, 5, "ms"),
    below("POST /sync, p99, at full load,", sync.loaded.caller.p99, 20, "ms"),
    {
      what: "1,000,000 events/s from enqueue to callback, decoded on one core, nothing lost",
      measured: `${(highestLossless(floods)?.perSecond ?? 0).toLocaleString("en")} events/s`,
      met: (highestLossless(floods)?.perSecond ?? 0) >= 1_000_000,
    },
    {
      what: "100,000 transactions/s, each to a JSON subscriber and a collector, nothing lost",
      measured: `${(highestWhole(pipeRuns)?.perSecond ?? 0).toLocaleString("en")} transactions/s`,
      met: (highestWhole(pipeRuns)?.perSecond ?? 0) >= 100_000,
    },
    {
      what: "500,000 spans to a collector per second of one core, at least 6 times the SDK's tracer",
      measured: `${Math.round(ours.perCpuSecond.median).toLocaleString("en")} spans, ${ours.ofTracer.median.toFixed(1)} times`,
      met: ours.perCpuSecond.median >= 500_000 && ours.ofTracer.median >= 6,
    },
    ...[
      { form: "json" as const, perSecond: 400_000 },
      { form: "binary" as const, perSecond: 1_500_000 },
    ].map(({ form, perSecond }) => ({
      what: `${perSecond.toLocaleString("en")} events/s to one subscriber, ${form}, nothing lost`,
      measured: `${highestFanOut(fanOut.runs, form, 1).toLocaleString("en")} events/s`,
      met: highestFanOut(fanOut.runs, form, 1) >= perSecond,
    })),
    below("a filter that selects nothing, median of some,", medianOf(fanOut.filters), 20, "ns"),
    below("memory after load (RSS)", rssMb, 150, "MB"),
    below("idle CPU", idleCpuPercent, 2, "% of a core"),
  ];
}

const medianOf = (filters: readonly FilterCost[]): number =>
  spreadOf(filters.map(({ nanosPerEvent }) => nanosPerEvent)).median;
