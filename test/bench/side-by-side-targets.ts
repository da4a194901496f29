import type { Target } from "./section.ts";
import type { SideBySide } from "./side-by-side.ts";
import { type Completeness, completenessOf, percentShown, type Row, rowsOf } from "./side-by-side-figures.ts";
import { spreadOf } from "./statistics.ts";

const OF_NOOP = 0.97;
const P99_OF_UNWATCHED = 1.1;
const OF_HTTPRY = 0.5;
const DELAY_P99_MILLIS = 20;

/** One of each kind for each way in which Kernelcast was attached. */
export function sideBySideTargets(figures: SideBySide): Target[] {
  const saturated = rowsOf(figures, "small", "saturated");
  const half = rowsOf(figures, "small", "half");
  const httpry = (rows: Row[]) => rows.find(({ observer }) => observer === "httpry");
  return half
    .filter(({ ours }) => ours)
    .flatMap((row) => {
      const full = saturated.find(({ observer }) => observer === row.observer);
      return [
        ...(full ? throughput(full) : []),
        p99(row, "half load"),
        ...complete(figures, row.observer),
        ...ofHttpry(full, httpry(saturated), "full load"),
        ...ofHttpry(row, httpry(half), "half load"),
        ...delay(figures, row.observer),
      ];
    });
}

const throughput = (row: Row): Target[] => [
  {
    what: `${row.observer}: throughput at least ${OF_NOOP} of that under a filter that does nothing`,
    measured: row.ofNoop.median.toFixed(3),
    met: row.ofNoop.median >= OF_NOOP,
  },
  p99(row, "full load"),
];

const p99 = (row: Row, load: string): Target => ({
  what: `${row.observer}: p99 of responses within ${P99_OF_UNWATCHED} of unwatched, ${load}`,
  measured: row.p99OfUnwatched.median.toFixed(2),
  met: row.p99OfUnwatched.median <= P99_OF_UNWATCHED,
});

function complete({ laps }: SideBySide, observer: string): Target[] {
  const shown: Completeness | undefined = completenessOf(laps.filter((lap) => lap.observer === observer));
  if (!shown) return [];
  const { served, missing } = shown;
  const counts = `${(served - missing).toLocaleString("en")} of ${served.toLocaleString("en")}, ${percentShown(shown)}`;
  return [{ what: `${observer}: every transaction of every load`, measured: counts, met: missing === 0 }];
}

/** Both by what the whole machine takes beyond unwatched: kernel and user side, and our subscriber as well. */
function ofHttpry(row: Row | undefined, httpry: Row | undefined, load: string): Target[] {
  if (!row || !httpry) return [];
  const [own, theirs] = [row.addedMicros.median, httpry.addedMicros.median];
  return [
    {
      what: `${row.observer}: at most ${OF_HTTPRY} of httpry's CPU a transaction, kernel and user side, ${load}`,
      measured: `${own.toFixed(1)} of ${theirs.toFixed(1)} µs`,
      met: own <= theirs * OF_HTTPRY,
    },
  ];
}

function delay({ laps }: SideBySide, observer: string): Target[] {
  const delays = laps.flatMap((lap) =>
    lap.observer === observer && lap.kind === "small" && lap.pace === "half" && lap.window
      ? [lap.window.latencyMillis.p99]
      : [],
  );
  if (delays.length === 0) return [];
  const { median } = spreadOf(delays);
  return [
    {
      what: `${observer}: p99 from kernel to subscriber under ${DELAY_P99_MILLIS} ms at half load`,
      measured: `${median.toFixed(1)} ms`,
      met: median < DELAY_P99_MILLIS,
    },
  ];
}
