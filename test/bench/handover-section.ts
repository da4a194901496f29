import { type HandoverFigures, handoverCosts, handoverSpread, timesPerfPages, WAY_NAMES, WAYS } from "./handover.ts";
import { markdownTable } from "./markdown.ts";
import { barChart } from "./plot.ts";
import type { Section } from "./section.ts";
import { range, whole } from "./table.ts";

const ROUNDS = 5;

export const handoverSection: Section<HandoverFigures> = {
  name: "handover",
  title: "Ways of handing events over",

  async run({ nginx, settings, say }) {
    const { quick, connections } = settings;
    if (quick) return { rounds: [] };
    return handoverCosts({ nginx, rounds: Math.min(settings.rounds, ROUNDS), seconds: 1, connections, say });
  },

  render(figures) {
    if (figures.rounds.length === 0) return { markdown: "Left out of the quick benchmark." };
    const rows = WAY_NAMES.map((way) => {
      const spread = (figure: Parameters<typeof handoverSpread>[2]) => handoverSpread(figures, way, figure);
      return [
        WAYS[way].title,
        ...range(spread("kernelNanosPerTransaction"), whole),
        ...range(timesPerfPages(figures, way)),
        ...range(spread("userNanosPerEvent"), whole),
        ...range(spread("requestsPerSecond"), whole),
        whole(spread("missing").max),
      ];
    });
    const bars = WAY_NAMES.map((way) => {
      const { median, min, max } = handoverSpread(figures, way, "kernelNanosPerTransaction");
      return { label: WAYS[way].title, value: median, min, max, mark: way === "perfPages" };
    });
    return {
      markdown: `The same parser, built four times, under the same load at saturation; a C consumer that does nothing takes the events.
Kernel time is \`http_filter\`'s by \`kernel.bpf_stats_enabled\`, which adds some tens of ns to each of its runs, user time is the
consumer's. Medians of ${figures.rounds.length} interleaved rounds, and their range. A page is one record of many events; the ring buffer wakes
its reader when 128 KiB wait, as the perf rings do.

${markdownTable(
  [
    "",
    "kernel ns per transaction",
    "",
    "times the first",
    "",
    "user ns per event",
    "",
    "requests/s",
    "",
    "most missing in a round",
  ],
  rows,
)}

![Kernel time by way of handing over](plots/handover-kernel.svg)`,
      plots: {
        "handover-kernel": barChart({ title: "Parser and handing over", unit: "kernel ns / transaction", bars }),
      },
    };
  },
};
