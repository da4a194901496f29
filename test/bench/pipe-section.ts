import { markdownTable } from "./markdown.ts";
import { highestWhole, isWhole, type PipeRun, pipeRates } from "./pipe.ts";
import { lineChart } from "./plot.ts";
import { type Saturation, saturationRounds } from "./saturation.ts";
import type { Section } from "./section.ts";
import { spreadOf } from "./statistics.ts";
import { range, short, whole } from "./table.ts";
import { TAKERS, TAKERS_TITLE } from "./takers.ts";

interface PipeFigures {
  made: PipeRun[];
  real: Saturation[];
}

const TARGETS = [
  { takers: "subscriber", perSecond: 150_000 },
  { takers: "both", perSecond: 90_000 },
] as const;

export const pipeSection: Section<PipeFigures> = {
  name: "pipe",
  title: "The whole pipe",

  async run({ nginx, settings, say }) {
    const { quick, connections, warmUpSeconds } = settings;
    const rounds = quick ? 1 : Math.min(settings.rounds, 3);
    const seconds = quick ? 1 : 2;
    const real = await saturationRounds({ nginx, rounds, seconds, connections, warmUpSeconds, say });
    return { real, made: await pipeRates({ seconds, warmUpSeconds, quick, say }) };
  },

  render({ real, made }) {
    const ofReal = TAKERS.map((takers) => {
      const runs = real.filter((run) => run.takers === takers);
      const over = (of: (run: Saturation) => number) => spreadOf(runs.map(of));
      return [
        TAKERS_TITLE[takers],
        ...range(
          over(({ perSecond }) => perSecond),
          whole,
        ),
        whole(over(({ lost }) => lost).max),
        ...range(over(({ serviceCpuMicros }) => serviceCpuMicros)),
        whole(over(({ rssMb }) => rssMb).max),
        whole(over(({ peakMb }) => peakMb).max),
      ];
    });
    const ofMade = made.map((run) => [
      TAKERS_TITLE[run.takers],
      whole(run.perSecond),
      isWhole(run) ? "all" : "not all",
      short((run.serviceCpuSeconds * 100) / run.seconds),
      short((run.serviceCpuSeconds * 1e6) / run.observed),
      whole(run.peakMb),
    ]);
    const lines = TAKERS.map((takers) => ({
      label: TAKERS_TITLE[takers],
      points: made
        .filter((run) => run.takers === takers)
        .map((run): [number, number] => [run.perSecond, (run.serviceCpuSeconds * 1e6) / run.observed]),
    }));
    return {
      markdown: `### Real traffic at saturation

wrk, nginx, the service, its subscriber and its collector share the CPUs; nothing sets the rate but that. Lost: served by nginx's
own count, and not received by the subscriber or not acknowledged by the collector.

${markdownTable(["taken by", "transactions/s", "", "lost", "service CPU µs", "", "RSS MB", "peak MB"], ofReal)}

### Transactions made by a BPF program

Without the cost of making and serving them: the rates rise until something is missing, in one of two tries, at one of those who
take them.

${markdownTable(["taken by", "transactions/s", "arrived", "service CPU %", "µs each", "peak MB"], ofMade)}

![The service's CPU for a transaction by rate](plots/pipe-cpu.svg)`,
      plots: {
        "pipe-cpu": lineChart({
          title: "The whole pipe",
          xLabel: "transactions/s",
          yLabel: "service CPU µs / transaction",
          lines,
        }),
      },
    };
  },

  targets({ real, made }) {
    return TARGETS.map(({ takers, perSecond }) => {
      const runs = real.filter((run) => run.takers === takers);
      const served = spreadOf(runs.map((run) => run.perSecond)).median;
      const lost = Math.max(...runs.map((run) => run.lost));
      const alone = highestWhole(made, takers)?.perSecond ?? 0;
      return {
        what: `${whole(perSecond)} transactions/s, made and served beside it, to ${TAKERS_TITLE[takers]}, nothing lost`,
        measured: `${whole(served)}, ${whole(lost)} lost; without making and serving ${whole(alone)}`,
        met: served >= perSecond && lost === 0,
      };
    });
  },
};
