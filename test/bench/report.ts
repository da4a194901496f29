import type { Machine } from "./machine.ts";
import { markdownTable } from "./markdown.ts";
import type { Rendered, Section } from "./section.ts";
import type { Settings } from "./settings.ts";
import { short } from "./table.ts";

/** A section and what it has measured. */
export interface Measured<Figures = unknown> {
  section: Section<Figures>;
  figures: Figures;
}

/** What the figures depend on. */
export interface Circumstances {
  date: string;
  machine: Machine;
  settings: Settings;
}

/** By this line a file is known to hold no figure to quote. */
export const QUICK_NOTICE = "**A quick run: for a glance, not for a figure to quote.**";

/** All results as one text, with the plots that it shows. */
export function report(circumstances: Circumstances, measured: readonly Measured[]): Required<Rendered> {
  const rendered = measured.map(({ section, figures }) => ({ section, ...section.render(figures) }));
  const targets = measured.flatMap(({ section, figures }) => section.targets?.(figures) ?? []);
  const parts = [
    "# What Kernelcast costs, and what it misses",
    ...heading(circumstances),
    "## Targets",
    markdownTable(
      ["", "measured", ""],
      targets.map(({ what, measured: value, met }) => [what, value, met ? "met" : "NOT MET"]),
    ),
    ...rendered.flatMap(({ section, markdown }) => [`## ${section.title}`, markdown]),
    "## What these figures do not say",
    LIMITS,
  ];
  return {
    markdown: `${parts.join("\n\n")}\n`,
    plots: Object.assign({}, ...rendered.map(({ plots }) => plots)),
  };
}

function heading({ date, machine, settings }: Circumstances): string[] {
  const { versions } = machine;
  return [
    ...(settings.quick ? [QUICK_NOTICE] : []),
    "Written by `npm run bench`; [README.md](README.md) says how each figure is taken and how to read it.",
    [
      `- Kernelcast ${machine.commit}, ${date}`,
      `- ${machine.cpus} CPUs (${machine.cpu}), ${machine.memoryGb} GB, Linux ${machine.kernel}, ${machine.system}`,
      `- Bun ${versions.bun}, ${versions.nginx}, ${versions.wrk}`,
      `- ${settings.rounds} rounds, interleaved; median, and lowest to highest; ratios are taken within a round`,
      `- load average at start ${short(machine.loadAverage)}`,
    ].join("\n"),
  ];
}

const LIMITS = `- Everything shares the machine's few CPUs: load generator, server, kernel programs, the observer, and for Kernelcast its
  subscriber. On a machine with CPUs to spare throughput would fall less, under any observer.
- All traffic is on \`lo\`, HTTP/1.1 without TLS, of one server. No network card, no IPv6, no other protocols.
- The peers do less: none pairs requests with responses, measures time, or hands anything on. They are told to write as little
  as shows a request and a response; bpftrace only counts them.
- "machine +µs" is what all CPUs did beyond what they do unwatched, in the same round. It holds the kernel's side, which no process is
  charged for, and also what caches lose. It is a small difference of large values: trust the median and look at the spread.
- A tool that cannot keep up works off its backlog later or loses it; where it shows less than 100 %, its cost is understated.`;
