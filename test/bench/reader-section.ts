import { type Flood, floodRates, highestLossless } from "./flood.ts";
import { markdownTable } from "./markdown.ts";
import { barChart } from "./plot.ts";
import { cpuPerMillion, lostBy, type ReaderFigures, type ReaderName, readerCosts, timesFloor } from "./readers.ts";
import type { Section } from "./section.ts";
import { range, short, whole } from "./table.ts";

interface ReaderSectionFigures {
  readers: ReaderFigures;
  floods: Flood[];
}

const TITLES: Record<ReaderName, string> = {
  c: "C, libbpf `perf_buffer`, does nothing (the floor)",
  go: "Go, cilium/ebpf, does nothing",
  batch: "Kernelcast, callback for each batch",
  decode: "Kernelcast, every event decoded",
};
const NAMES = Object.keys(TITLES) as ReaderName[];
const TARGET_TIMES = 1.5;
const TARGET_PER_SECOND = 1_000_000;
const PER_SECOND = 250_000;

export const readerSection: Section<ReaderSectionFigures> = {
  name: "reader",
  title: "From the perf ring to a callback",

  async run({ settings, say }) {
    const { quick, floodSeconds, warmUpSeconds } = settings;
    const rounds = quick ? 1 : Math.min(settings.rounds, 5);
    const readers = await readerCosts({ rounds, seconds: quick ? 1 : 2, warmUpSeconds, perSecond: PER_SECOND, say });
    return { readers, floods: await floodRates({ seconds: quick ? 1 : floodSeconds, warmUpSeconds, quick, say }) };
  },

  render({ readers, floods }) {
    const measured = NAMES.flatMap((name) => {
      const cpu = cpuPerMillion(readers, name);
      const times = timesFloor(readers, name);
      return cpu && times ? [{ name, cpu, times, lost: lostBy(readers, name) }] : [];
    });
    const costs = markdownTable(
      ["consumer", "CPU s for a million events", "", "times the floor", "", "lost"],
      measured.map(({ name, cpu, times, lost }) => [TITLES[name], ...range(cpu), ...range(times), whole(lost)]),
    );
    const rates = markdownTable(
      ["events/s", "made", "decoded", "lost", "CPU, % of one"],
      floods.map(({ perSecond, seconds, observed, decoded, readerCpuSeconds }) => [
        whole(perSecond),
        whole(observed),
        whole(decoded),
        whole(observed - decoded),
        short((readerCpuSeconds * 100) / seconds),
      ]),
    );
    const bars = measured.map(({ name, cpu: { median, min, max } }) => ({
      label: TITLES[name].replaceAll("`", ""),
      value: median,
      min,
      max,
      mark: name === "batch" || name === "decode",
    }));
    const missing = readers.goMissing ? `\nGo was left out: ${readers.goMissing}.\n` : "";
    return {
      markdown: `A BPF program makes ${whole(readers.perSecond)} events/s on one CPU; each consumer has the other one to itself, with all
its threads, rings of 8 MiB and a wake-up for every 128 KiB. Medians of ${readers.rounds.length} interleaved rounds, and their range. What
is below the watermark is left in the rings by the floor and by Go; Kernelcast brings it within 10 ms.

${costs}
${missing}
![CPU for a million events](plots/reader-cpu.svg)

### The highest rate, every event decoded

Reader and JavaScript on one CPU, the maker on the other; up to the first rate at which something was lost.

${rates}`,
      plots: { "reader-cpu": barChart({ title: "From perf ring to callback", unit: "CPU s / million events", bars }) },
    };
  },

  targets({ readers, floods }) {
    const times = timesFloor(readers, "batch");
    const highest = highestLossless(floods)?.perSecond ?? 0;
    return [
      {
        what: `reader to callback at most ${TARGET_TIMES} times the CPU of a C consumer that does nothing`,
        measured: times ? `${short(times.median)} (${short(times.min)}–${short(times.max)})` : "not measured",
        met: times !== undefined && times.median <= TARGET_TIMES,
      },
      {
        what: `${whole(TARGET_PER_SECOND)} events/s from enqueue to callback, decoded on one CPU, nothing lost`,
        measured: `${whole(highest)} events/s`,
        met: highest >= TARGET_PER_SECOND,
      },
    ];
  },
};
