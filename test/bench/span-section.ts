import { markdownTable } from "./markdown.ts";
import type { Section } from "./section.ts";
import { type SpanRound, spanRates } from "./span-rates.ts";
import type { SpanWayName } from "./span-ways.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { range, short, whole } from "./table.ts";

interface SpanFigures {
  rounds: SpanRound[];
}

const NAMES: Record<SpanWayName, string> = {
  tracer: "tracer, BatchSpanProcessor",
  readable: "ReadableSpan, SDK's exporter",
  ours: "the service's own",
};
const TARGET_PER_CPU_SECOND = 500_000;
const TARGET_TIMES = 6;

/** By the CPU time of all threads of the sending process, so that what others do on that CPU does not count. */
const perCpuSecond = (round: SpanRound, way: SpanWayName): number => round[way].spans / round[way].cpuSeconds;
const rate = (rounds: readonly SpanRound[], way: SpanWayName): Spread =>
  spreadOf(rounds.map((round) => perCpuSecond(round, way)));
const ofTracer = (rounds: readonly SpanRound[], way: SpanWayName): Spread =>
  spreadOf(rounds.map((round) => perCpuSecond(round, way) / perCpuSecond(round, "tracer")));

export const spanSection: Section<SpanFigures> = {
  name: "spans",
  title: "Spans to a collector, from one CPU",
  fullOnly: true,

  run: async ({ settings, say }) => ({
    rounds: await spanRates({ rounds: settings.rounds, seconds: settings.spanSeconds }, say),
  }),

  render({ rounds }) {
    const rows = (Object.keys(NAMES) as SpanWayName[]).map((way) => [
      NAMES[way],
      whole(spreadOf(rounds.map((round) => round[way].spans / round[way].seconds)).median),
      ...range(rate(rounds, way), whole),
      ...range(ofTracer(rounds, way)),
      short(1e6 / rate(rounds, way).median),
      whole(Math.max(...rounds.map((round) => round[way].bytesPerSpan))),
      whole(Math.max(...rounds.map((round) => round[way].peakMb))),
    ]);
    const head = ["", "spans/s", "per CPU second", "min–max", "of the tracer's", "min–max"];
    return { markdown: markdownTable([...head, "µs/span", "bytes/span", "peak MB"], rows) };
  },

  targets({ rounds }) {
    const [spans, times] = [rate(rounds, "ours").median, ofTracer(rounds, "ours").median];
    return [
      {
        what: `${whole(TARGET_PER_CPU_SECOND)} spans to a collector per second of one core, at least ${TARGET_TIMES} times the SDK's tracer`,
        measured: `${whole(spans)} spans, ${times.toFixed(1)} times`,
        met: spans >= TARGET_PER_CPU_SECOND && times >= TARGET_TIMES,
      },
    ];
  },
};
