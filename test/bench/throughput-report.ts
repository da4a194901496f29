import type { Measured, Summary } from "./results.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { range, short, table, whole } from "./table.ts";
import type { LoadResult } from "./wrk.ts";

/** More than this, and a figure is not one of a quiet machine. */
const DISTURBED_PERCENT = 3;

/** What the watched pays. */
export function throughput(
  { rounds }: Measured,
  { noopOfUnwatched, aloneOfUnwatched, watchedOfUnwatched, watchedOfNoop }: Summary,
): string {
  const row = (name: string, ratio: Spread | undefined, loads: LoadResult[]) => [
    name,
    ...range(spreadOf(loads.map(({ perSecond }) => perSecond)), whole),
    ...(ratio ? range(ratio) : ["1", ""]),
    ...[
      (load: LoadResult) => load.p50Micros,
      (load: LoadResult) => load.p99Micros,
      (load: LoadResult) => load.cpu.idle,
      (load: LoadResult) => load.cpu.steal,
      (load: LoadResult) => load.cpu.others,
    ].map((of) => whole(spreadOf(loads.map(of)).median)),
  ];
  const head = [
    "requests/s",
    "min–max",
    "of unwatched",
    "min–max",
    "p50 µs",
    "p99 µs",
    "idle %",
    "steal %",
    "others %",
  ];
  const [unwatched, noop, alone, watched] = [
    rounds.map((round) => round.unwatched),
    rounds.map((round) => round.noop),
    rounds.map((round) => round.alone),
    rounds.map((round) => round.watched.load),
  ];
  const rows = [
    row("unwatched", undefined, unwatched),
    row("do-nothing filter", noopOfUnwatched, noop),
    row("watched, nobody subscribed", aloneOfUnwatched, alone),
    row("watched, one subscriber", watchedOfUnwatched, watched),
  ];
  const [ratio, span] = range(watchedOfNoop);
  const lines = [
    table("throughput", head, rows),
    `with a subscriber, watched is ${ratio} (${span}) of the do-nothing filter`,
  ];
  const disturbed = (load: LoadResult) => load.cpu.others + load.cpu.steal > DISTURBED_PERCENT;
  const loads = [...unwatched, ...noop, ...alone, ...watched];
  const disturbedLoads = loads.filter(disturbed).length;
  if (disturbedLoads > 0) {
    const percent = `${DISTURBED_PERCENT} %`;
    lines.push(`NOTE: in ${disturbedLoads} of ${loads.length} loads others took over ${percent} of the CPUs.`);
    const quiet = rounds.filter(
      (round) => ![round.unwatched, round.noop, round.alone, round.watched.load].some(disturbed),
    );
    const ratios = quiet.map((round) => short(round.watched.load.perSecond / round.unwatched.perSecond));
    lines.push(`In the rounds without such a load watched is ${ratios.join(", ") || "(there is none)"} of unwatched.`);
  }
  const tapped = unwatched.filter(({ packetSockets }) => packetSockets > 0).length;
  if (tapped > 0)
    lines.push(`NOTE: in ${tapped} unwatched loads another capture was attached: they were not unwatched.`);
  const errors = loads.reduce((sum, load) => sum + load.errors, 0);
  if (errors > 0) lines.push(`NOTE: wrk met ${whole(errors)} errors.`);
  return lines.join("\n");
}
