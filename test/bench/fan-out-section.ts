import { type FanOutCosts, fanOutCosts, highestFanOut } from "./fan-out.ts";
import { markdownTable } from "./markdown.ts";
import type { Section } from "./section.ts";
import { spreadOf } from "./statistics.ts";
import { short, whole } from "./table.ts";

const TARGETS = [
  { form: "json", perSecond: 400_000 },
  { form: "binary", perSecond: 1_500_000 },
] as const;
const FILTER_NANOS = 20;

export const fanOutSection: Section<FanOutCosts> = {
  name: "fan-out",
  title: "To many subscribers",
  fullOnly: true,
  run: ({ settings, say }) => fanOutCosts(settings.fanOutSeconds, say),

  render({ runs, filters }) {
    const rows = runs.map((run) => [
      `${whole(run.perSecond)} events/s to ${whole(run.subscribers)}, ${run.form}`,
      whole(run.made),
      whole(run.received),
      run.isWhole ? "yes" : "NO",
      ...[run.serviceCpuMicros, run.readerCpuMicros].map(short),
      ...[run.bytesPerEvent, run.peakMb].map(whole),
    ]);
    const head = ["", "made", "received", "whole", "service µs/received", "reader µs/received", "bytes", "peak MB"];
    return {
      markdown: [
        "Events made in the service's own process, to subscribers of another:",
        markdownTable(head, rows),
        "Filters that select nothing, for each event:",
        markdownTable(
          ["filter", "ns"],
          filters.map(({ filter, nanosPerEvent }) => [`\`${filter}\``, short(nanosPerEvent)]),
        ),
      ].join("\n\n"),
    };
  },

  targets({ runs, filters }) {
    const filterNanos = spreadOf(filters.map(({ nanosPerEvent }) => nanosPerEvent)).median;
    return [
      ...TARGETS.map(({ form, perSecond }) => ({
        what: `${whole(perSecond)} events/s to one subscriber, ${form}, nothing lost`,
        measured: `${whole(highestFanOut(runs, form, 1))} events/s`,
        met: highestFanOut(runs, form, 1) >= perSecond,
      })),
      {
        what: `a filter that selects nothing, median of some, below ${FILTER_NANOS} ns`,
        measured: `${filterNanos.toFixed(1)} ns`,
        met: filterNanos < FILTER_NANOS,
      },
    ];
  },
};
