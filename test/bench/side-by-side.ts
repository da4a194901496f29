/**
 * The same traffic under the eyes of each observer in turn: what it costs the watched, what it costs the machine, and how
 * much of it the observer shows.
 * @module
 */

import { output } from "./children.ts";
import { countBusy } from "./cpu-shares.ts";
import type { Nginx } from "./nginx.ts";
import { buildNoop } from "./noop.ts";
import { type LapSeen, type Observer, observers, type Watching } from "./observers.ts";
import { buildPeers } from "./peers.ts";
import type { Shown } from "./peers-run.ts";
import type { BenchContext } from "./section.ts";
import { spreadOf } from "./statistics.ts";
import { buildGenerator, type Pace, paced, pathOf, saturate, TRAFFIC, type Traffic } from "./traffic.ts";
import { wrk } from "./wrk.ts";

/** One load under one observer. */
export interface Lap extends LapSeen {
  observer: string;
  round: number;
  kind: Traffic["kind"];
  pace: Pace;
  /** By nginx's own count, from before the load to when all of it was worked off. */
  served: number;
  /** Transactions; of a peer, which pairs none, requests. */
  reported?: number;
  /** Of the whole machine, others' left out. */
  busySeconds: number;
}

/** From its start to its end, several loads. */
export interface Life extends Omit<Shown, "requests"> {
  observer: string;
  round: number;
  served: number;
}

export interface SideBySide {
  observers: { name: string; what: string; ours: boolean; version?: string }[];
  skipped: { name: string; why: string }[];
  /** Requests per second, half of what went through unwatched. */
  rates: Partial<Record<Traffic["kind"], number>>;
  rounds: number;
  seconds: number;
  laps: Lap[];
  lives: Life[];
}

const PACES: readonly Pace[] = ["half", "saturated"];
const WARM_UP_CONNECTIONS = 16;
/** A rate that a person can read. */
const RATE_STEP = 100;
const RATE_TRIES = 3;

/** What each observer goes through, in each round. */
interface Plan {
  nginx: Nginx;
  seconds: number;
  warmUpSeconds: number;
  loads: { traffic: Traffic; pace: Pace }[];
  rates: SideBySide["rates"];
}

export async function sideBySide({ nginx, settings, say }: BenchContext): Promise<SideBySide> {
  const { rounds, watchSeconds: seconds, warmUpSeconds, quick } = settings;
  await Promise.all([buildNoop(), buildPeers(), buildGenerator()]);
  const all = observers(quick);
  const traffic = quick ? TRAFFIC.slice(0, 1) : TRAFFIC;
  const rates = await halfRates(nginx, traffic, warmUpSeconds);
  const loads = PACES.flatMap((pace) => traffic.map((one) => ({ traffic: one, pace })));
  const plan: Plan = { nginx, seconds, warmUpSeconds, loads, rates };

  const skipped = new Map(all.flatMap(({ name, missing }) => (missing ? [[name, missing] as const] : [])));
  for (const [name, why] of skipped) say(`skipped: ${name}: ${why}`);
  const laps: Lap[] = [];
  const lives: Life[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const observer of rotated(all, round)) {
      const { name } = observer;
      if (skipped.has(name)) continue;
      const servedBefore = await nginx.count();
      const watching = await observer.start(nginx).catch((error: Error) => error.message);
      if (typeof watching === "string") {
        say(`skipped: ${name}: ${watching}`);
        skipped.set(name, watching);
        continue;
      }
      const lived = await live(watching, plan);
      laps.push(...lived.laps.map((lap) => ({ ...lap, observer: name, round })));
      lives.push({ ...lived.shown, observer: name, round, served: (await nginx.count()) - servedBefore });
      const perSecond = lived.laps.map(({ load }) => Math.round(load.perSecond).toLocaleString("en"));
      say(`round ${round + 1} of ${rounds}, ${name}: ${perSecond.join(", ")} requests/s`);
    }
  }
  return {
    observers: await Promise.all(all.filter(({ name }) => !skipped.has(name)).map(described)),
    skipped: [...skipped].map(([name, why]) => ({ name, why })),
    rates,
    rounds,
    seconds,
    laps: laps.filter(({ observer }) => !skipped.has(observer)),
    lives: lives.filter(({ observer }) => !skipped.has(observer)),
  };
}

/** Each round begins with another, so that no drift favours one. */
function rotated<T>(all: readonly T[], by: number): T[] {
  const first = by % all.length;
  return [...all.slice(first), ...all.slice(0, first)];
}

type OwnLap = Omit<Lap, "observer" | "round">;

/** From its start to its end. */
async function live(watching: Watching, plan: Plan): Promise<{ laps: OwnLap[]; shown: Omit<Shown, "requests"> }> {
  const { nginx, loads, warmUpSeconds } = plan;
  await wrk({ url: `${nginx.url}warm-up`, connections: WARM_UP_CONNECTIONS, seconds: warmUpSeconds });
  const laps: OwnLap[] = [];
  for (const load of loads) laps.push(await lapOf(watching, plan, load));
  const { requests, ...shown } = (await watching.stop(loads.map(({ traffic, pace }) => pathOf(traffic, pace)))) ?? {};
  for (const [at, { traffic, pace }] of loads.entries()) {
    const lap = laps[at];
    const reported = requests?.[pathOf(traffic, pace)] ?? lap?.window?.delivered;
    if (lap && reported !== undefined) lap.reported = reported;
  }
  return { laps, shown };
}

async function lapOf(
  watching: Watching,
  { nginx, seconds, rates }: Plan,
  { traffic, pace }: Plan["loads"][number],
): Promise<OwnLap> {
  const { kind } = traffic;
  // The first kind is what the plots and targets show; the others may be shorter.
  const length = traffic === TRAFFIC[0] ? seconds : Math.ceil(seconds / 2);
  const servedBefore = await nginx.count();
  const busy = countBusy();
  const seen = await watching.lap(() =>
    pace === "half" ? paced(nginx, traffic, rates[kind] ?? RATE_STEP, length) : saturate(nginx, traffic, length),
  );
  const busySeconds = busy();
  return { ...seen, kind, pace, served: (await nginx.count()) - servedBefore, busySeconds };
}

/** The middle of some tries, so that a moment's quiet or noise does not set the rate of the whole run. */
async function halfRates(nginx: Nginx, traffic: readonly Traffic[], seconds: number): Promise<SideBySide["rates"]> {
  const rates: SideBySide["rates"] = {};
  for (const one of traffic) {
    const tries: number[] = [];
    for (let at = 0; at < RATE_TRIES; at++) tries.push((await saturate(nginx, one, seconds)).perSecond);
    rates[one.kind] = Math.ceil(spreadOf(tries).median / 2 / RATE_STEP) * RATE_STEP;
  }
  return rates;
}

async function described({ name, what, ours, version }: Observer): Promise<SideBySide["observers"][number]> {
  if (!version) return { name, what, ours };
  return { name, what, ours, version: (await output(version)).trim() };
}
