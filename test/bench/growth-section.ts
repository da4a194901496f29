import { type GrowthFigures, type GrowthPoint, growth } from "./growth.ts";
import { markdownTable } from "./markdown.ts";
import { buildNoop } from "./noop.ts";
import { lineChart } from "./plot.ts";
import type { Section } from "./section.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { range, short, whole } from "./table.ts";

interface Group {
  points: GrowthPoint[];
  over(of: (point: GrowthPoint) => number): Spread;
}

/** The rounds of each value together, in the order of the values. */
function groups(points: readonly GrowthPoint[], key: (point: GrowthPoint) => number): [number, Group][] {
  const values = [...new Set(points.map(key))].sort((a, b) => a - b);
  return values.map((value) => {
    const same = points.filter((point) => key(point) === value);
    return [value, { points: same, over: (of) => spreadOf(same.map(of)) }];
  });
}

const HEAD = ["of noop", "", "transactions/s", "lost", "kernel ns", "noop ns", "service µs", "delay p99 ms", "RSS MB"];

const cells = ({ points, over }: Group): string[] => [
  ...range(over(({ watchedPerSecond, noopPerSecond }) => watchedPerSecond / noopPerSecond)),
  whole(over(({ watchedPerSecond }) => watchedPerSecond).median),
  whole(points.reduce((sum, { lost }) => sum + lost, 0)),
  whole(over(({ kernelNanos }) => kernelNanos).median),
  whole(over(({ noopKernelNanos }) => noopKernelNanos).median),
  short(over(({ serviceCpuMicros }) => serviceCpuMicros).median),
  short(over(({ delayMillis }) => delayMillis.p99).median),
  whole(over(({ rssMb }) => rssMb).max),
];

function growthTable(title: string, points: readonly GrowthPoint[], key: (point: GrowthPoint) => number): string {
  if (points.length === 0) return "Left out of the quick benchmark.";
  return markdownTable(
    [title, ...HEAD],
    groups(points, key).map(([value, group]) => [whole(value), ...cells(group)]),
  );
}

const connectionsOf = ({ connections }: GrowthPoint) => connections;

export const growthSection: Section<GrowthFigures> = {
  name: "growth",
  title: "How the cost grows",

  async run({ nginx, settings, say }) {
    const { quick, connections, warmUpSeconds } = settings;
    await buildNoop();
    const rounds = quick ? 1 : Math.min(settings.rounds, 2);
    return growth({ nginx, rounds, seconds: 1, connections, warmUpSeconds, quick, say });
  },

  render({ byRate, byConnections, byCpus }) {
    const perConnections = groups(byConnections, connectionsOf);
    const line = (label: string, of: (point: GrowthPoint) => number) => ({
      label,
      points: perConnections.map(([value, { over }]): [number, number] => [value, over(of).median]),
    });
    return {
      markdown: `Each load once under a filter that does nothing and once watched with one JSON subscriber; the kernel's account of run
times is on for both. Time is for a transaction.

### With the rate

Connections that pause for 1 to 5 ms before each request.

${growthTable("connections", byRate, connectionsOf)}

### With the connections

As fast as they go. Opening 20,000 takes some seconds of the load.

${growthTable("connections", byConnections, connectionsOf)}

![Kernel time by connections](plots/growth-connections.svg)

### With the CPUs

Server, load, service and subscriber held to so many of this machine's CPUs; none was switched off.

${growthTable("CPUs", byCpus, ({ cpus }) => cpus)}`,
      plots: {
        "growth-connections": lineChart({
          title: "Kernel time by connections",
          xLabel: "connections",
          yLabel: "kernel ns / transaction",
          lines: [
            line("watched", (point) => point.kernelNanos),
            line("does nothing", (point) => point.noopKernelNanos),
          ],
          logX: true,
        }),
      },
    };
  },

  targets({ byRate, byConnections, byCpus }) {
    const lost = [...byRate, ...byConnections, ...byCpus].reduce((sum, point) => sum + point.lost, 0);
    return [
      {
        what: "every transaction delivered at every rate, number of connections and of CPUs",
        measured: `${whole(lost)} lost`,
        met: lost === 0,
      },
    ];
  },
};
