import { markdownTable } from "./markdown.ts";
import { buildNoop } from "./noop.ts";
import { buildParser, type ParserCost, parserCosts } from "./parser.ts";
import { type ProgramCost, type ProgramCosts, programCosts } from "./programs.ts";
import { keepRunStats } from "./run-stats.ts";
import type { Section } from "./section.ts";
import { short, whole } from "./table.ts";

interface KernelFigures {
  programs: ProgramCosts;
  parser: ParserCost[];
}

const TARGET_NANOS = 700;

const sumOf = (costs: readonly ProgramCost[]): number =>
  costs.reduce((total, { nanosPerTransaction }) => total + nanosPerTransaction, 0);

export const kernelSection: Section<KernelFigures> = {
  name: "kernel",
  title: "Kernel time",

  async run({ nginx, settings, say }) {
    await Promise.all([buildNoop(), buildParser()]);
    say("kernel time by program");
    const programs = await programCosts(nginx, settings);
    keepRunStats(false);
    say("kernel time by kind of traffic");
    return { programs, parser: await parserCosts() };
  },

  render({ programs: { noop, service }, parser }) {
    const cells = (name: string, { nanosPerTransaction, runsPerTransaction }: ProgramCost) => [
      name,
      whole(nanosPerTransaction),
      short(runsPerTransaction),
      whole(nanosPerTransaction / runsPerTransaction),
    ];
    const rows = service.flatMap(({ attach, programs }) => [
      ...programs.map((cost) => cells(`${attach}: ${cost.program}`, cost)),
      [`${attach}: all`, whole(sumOf(programs)), "", ""],
    ]);
    const kinds = parser.map(({ kind, nanosPerTransaction, segmentsPerTransaction, nanosPerSegment }) => [
      kind,
      nanosPerTransaction === undefined ? "" : whole(nanosPerTransaction),
      segmentsPerTransaction === undefined ? "" : short(segmentsPerTransaction),
      whole(nanosPerSegment),
    ]);
    return {
      markdown: [
        "By the kernel's own account (`bpf_stats`), which adds some tens of ns to each run: compare with the filter that does nothing.",
        markdownTable(
          ["program", "ns/transaction", "runs/transaction", "ns/run"],
          [...rows, ...noop.map((cost) => cells(`does nothing: ${cost.program}`, cost))],
        ),
        "By kind of traffic, packets made one by one, caches cold:",
        markdownTable(["", "ns/transaction", "segments", "ns/segment"], kinds),
      ].join("\n\n"),
    };
  },

  targets: ({ programs: { service } }) =>
    service.map(({ attach, programs }) => ({
      what: `${attach}: under ${TARGET_NANOS} kernel ns a transaction`,
      measured: `${whole(sumOf(programs))} ns`,
      met: sumOf(programs) < TARGET_NANOS,
    })),
};
