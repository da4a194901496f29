import { markdownTable } from "./markdown.ts";
import { UNWATCHED } from "./observers.ts";
import { type Bar, barChart } from "./plot.ts";
import type { Section } from "./section.ts";
import { type Lap, type SideBySide, sideBySide } from "./side-by-side.ts";
import { completenessOf, percentShown, type Row, rowsOf } from "./side-by-side-figures.ts";
import { sideBySideTargets } from "./side-by-side-targets.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { range, short, whole } from "./table.ts";
import { type Pace, TRAFFIC } from "./traffic.ts";

export const sideBySideSection: Section<SideBySide> = {
  name: "side-by-side",
  title: "Side by side",
  run: sideBySide,
  render: (figures) => ({
    markdown: [
      "![Throughput under each observer](plots/side-by-side-throughput.svg)",
      "![CPU that each observer adds](plots/side-by-side-cpu.svg)",
      "![What each observer shows](plots/side-by-side-shown.svg)",
      who(figures),
      costs(figures, "saturated"),
      costs(figures, "half"),
      completeness(figures),
      ours(figures),
      ...notes(figures),
    ].join("\n\n"),
    plots: plots(figures),
  }),
  targets: sideBySideTargets,
};

function who({ observers, skipped }: SideBySide): string {
  const table = markdownTable(
    ["observer", "what it does", "version"],
    observers.map(({ name, what, version }) => [name, what, version ?? ""]),
  );
  const missing = skipped.map(({ name, why }) => `- ${name} was skipped: ${why}`);
  return ["### Who", table, missing.join("\n")].filter(Boolean).join("\n\n");
}

const TITLES: Record<Pace, string> = {
  saturated: "As fast as it goes (wrk, 16 connections)",
  half: "At a fixed rate, half of what goes through unwatched",
};

function costs(figures: SideBySide, pace: Pace): string {
  const head = [
    ...["", "requests/s", "of unwatched", "min–max", "p50 µs", "p99 µs", "p99 of unwatched"],
    ...["own CPU µs", "subscriber µs", "machine +µs", "min–max"],
  ];
  const tables = TRAFFIC.flatMap(({ kind, title }) => {
    const rows = rowsOf(figures, kind, pace);
    const rate = pace === "half" ? `, ${whole(figures.rates[kind] ?? 0)} requests/s` : "";
    return rows.length === 0 ? [] : [`#### ${title}${rate}`, markdownTable(head, rows.map(costCells))];
  });
  return [`### ${TITLES[pace]}`, ...tables].join("\n\n");
}

function costCells(row: Row): string[] {
  const isBase = row.observer === UNWATCHED;
  return [
    row.observer,
    whole(row.perSecond.median),
    ...(isBase ? ["1", ""] : range(row.ofUnwatched)),
    whole(row.p50Micros.median),
    whole(row.p99Micros.median),
    isBase ? "1" : short(row.p99OfUnwatched.median),
    row.ownMicros ? short(row.ownMicros.median) : "",
    row.subscriberMicros ? short(row.subscriberMicros.median) : "",
    ...(isBase ? ["", ""] : range(row.addedMicros, (micros) => micros.toFixed(1))),
  ];
}

function completeness(figures: SideBySide): string {
  const columns = (["half", "saturated"] as const).flatMap((pace) =>
    TRAFFIC.filter(({ kind }) => figures.rates[kind] !== undefined).map(({ kind }) => ({ kind, pace })),
  );
  const rows = figures.observers.flatMap(({ name, ours }) => {
    const own = figures.laps.filter(({ observer }) => observer === name);
    const cells = columns.map(({ kind, pace }) => {
      const shown = completenessOf(own.filter((lap) => lap.kind === kind && lap.pace === pace));
      return shown ? percentShown(shown) : "";
    });
    return cells.every((cell) => cell === "") ? [] : [[name, ...cells, answers(figures, name, ours)]];
  });
  return [
    "### Transactions shown, of those that nginx served",
    markdownTable(["", ...columns.map(({ kind, pace }) => `${kind}, ${pace}`), "responses, all"], rows),
    "A peer pairs nothing: its requests are counted, of all of its life also its responses.",
  ].join("\n\n");
}

function answers({ lives }: SideBySide, observer: string, ours: boolean): string {
  if (ours) return "paired";
  const own = lives.filter((life) => life.observer === observer);
  const served = own.reduce((sum, life) => sum + life.served, 0);
  const missing = own.reduce((sum, life) => sum + Math.max(0, life.served - (life.responses ?? 0)), 0);
  return percentShown({ served, missing });
}

function ours({ observers, laps }: SideBySide): string {
  const rows = observers.flatMap(({ name }) =>
    (["half", "saturated"] as const).flatMap((pace) => {
      const windows = laps.flatMap((lap) =>
        lap.observer === name && lap.pace === pace && lap.window ? [lap.window] : [],
      );
      if (windows.length === 0) return [];
      const over = (of: (window: (typeof windows)[number]) => number): Spread => spreadOf(windows.map(of));
      const dropped = windows.flatMap((window) =>
        Object.entries(window.dropped).map(([why, count]) => `${why} ${count}`),
      );
      return [
        [
          `${name}, ${pace}`,
          short(over(({ latencyMillis }) => latencyMillis.p50).median),
          ...range(over(({ latencyMillis }) => latencyMillis.p99)),
          dropped.join(", ") || "none",
          whole(over(({ late }) => late).max),
          whole(over(({ breaks }) => breaks).max),
          windows.every(({ balanced }) => balanced) ? "yes" : "NO",
          whole(over(({ memory }) => memory.rssMb).max),
        ],
      ];
    }),
  );
  const head = ["", "p50 ms", "p99 ms", "min–max", "dropped", "late", "breaks in seq", "ledger balanced", "RSS MB"];
  return `### Kernelcast: from the end of a transaction to its subscriber\n\n${markdownTable(head, rows)}`;
}

/** More than this, and a figure is not one of a quiet machine. */
const DISTURBED_PERCENT = 3;

function notes({ laps }: SideBySide): string[] {
  const disturbed = laps.filter(({ load }) => load.cpu.others + load.cpu.steal > DISTURBED_PERCENT).length;
  const tapped = laps.filter(({ observer, load }) => observer === UNWATCHED && load.packetSockets > 0).length;
  const failed = new Map<string, number>();
  for (const { observer, load } of laps) failed.set(observer, (failed.get(observer) ?? 0) + load.errors);
  const late = [...failed].filter(([, count]) => count > 0).map(([name, count]) => `${name} ${whole(count)}`);
  return [
    disturbed > 0
      ? `**In ${disturbed} of ${laps.length} loads other programs, or other machines of the host, took over ${DISTURBED_PERCENT} % of the CPUs.**`
      : "",
    tapped > 0 ? `**In ${tapped} unwatched loads another capture was attached: they were not unwatched.**` : "",
    late.length > 0 ? `Requests that failed, or that a fixed rate did not get to in time: ${late.join(", ")}.` : "",
  ].filter(Boolean);
}

function plots(figures: SideBySide): Record<string, string> {
  const saturated = rowsOf(figures, "small", "saturated");
  const half = rowsOf(figures, "small", "half");
  const bars = (rows: readonly Row[], of: (row: Row) => Spread): Bar[] =>
    rows
      .filter(({ observer }) => observer !== UNWATCHED)
      .map((row) => {
        const { median, min, max } = of(row);
        return { label: row.observer, value: median, min, max, mark: row.ours };
      });
  const shown = (lap: Lap) => lap.pace === "saturated" && lap.kind === "small";
  return {
    "side-by-side-throughput": barChart({
      title: "Throughput of nginx while watched, as fast as it goes",
      unit: "of its throughput unwatched; median, and from the lowest to the highest round",
      bars: bars(saturated, ({ ofUnwatched }) => ofUnwatched),
    }),
    "side-by-side-cpu": barChart({
      title: "CPU that being watched costs the whole machine, kernel and user, at half load",
      unit: "µs a transaction beyond unwatched; median, and from the lowest to the highest round",
      bars: bars(half, ({ addedMicros }) => addedMicros),
    }),
    "side-by-side-shown": barChart({
      title: "Transactions shown while nginx goes as fast as it can",
      unit: "percent of those that it served",
      bars: figures.observers.flatMap(({ name, ours }) => {
        const all = completenessOf(figures.laps.filter((lap) => lap.observer === name && shown(lap)));
        return all
          ? [{ label: name, value: Math.floor(((all.served - all.missing) * 1000) / all.served) / 10, mark: ours }]
          : [];
      }),
    }),
  };
}
