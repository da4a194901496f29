import { mkdirSync } from "node:fs";
import { basename, join } from "node:path";
import { allowedCpus } from "./allowed-cpus.ts";
import { bpfFlags } from "./bpf-build.ts";
import { output } from "./children.ts";
import type { FloodReading } from "./flood-reader.ts";
import { OUTPUT } from "./output.ts";
import { Talker } from "./talker.ts";

/** One rate of events, made on one CPU and decoded on another. */
export interface Flood {
  /** Asked for. */
  perSecond: number;
  seconds: number;
  observed: number;
  decoded: number;
  readerCpuSeconds: number;
}

const RATES = [500_000, 1_000_000, 1_500_000, 2_000_000];
const QUICK_RATES = [1_000_000];
export const FLOOD_OBJECT = join(OUTPUT, "flood.bpf.o");
/** Its events differ, and its stream is the service's own. */
export const VARIED_FLOOD_OBJECT = join(OUTPUT, "flood-varied.bpf.o");
const DRIVER = join(OUTPUT, "flood");
const here = (name: string) => join(import.meta.dir, name);
const CPUS = allowedCpus();
export const READER_CPU = String(CPUS.at(0));
const MAKER_CPU = String(CPUS.at(-1));
const WARM_UP_PER_SECOND = 100_000;

/** @param object one of those above, and the program that runs it */
export async function buildFlood(object = FLOOD_OBJECT): Promise<void> {
  mkdirSync(OUTPUT, { recursive: true });
  await output(["clang", ...bpfFlags(), "-c", here(`${basename(object, ".o")}.c`), "-o", object]);
  await output(["cc", "-O2", "-std=gnu11", "-Wall", "-Werror", "-o", DRIVER, here("flood.c"), "-lbpf"]);
}

export interface FloodOptions {
  /** Of each rate. */
  seconds: number;
  warmUpSeconds: number;
  quick?: boolean;
  say(line: string): void;
}

/** Each rate in a reader of its own, up to the first at which something was dropped. */
export async function floodRates({ seconds, warmUpSeconds, quick = false, say }: FloodOptions): Promise<Flood[]> {
  const floods: Flood[] = [];
  for (const perSecond of quick ? QUICK_RATES : RATES) {
    say(`${perSecond.toLocaleString("en")} events/s from enqueue to callback`);
    const flood = await floodOnce(perSecond, seconds, warmUpSeconds);
    floods.push(flood);
    if (flood.decoded < flood.observed) break;
  }
  return floods;
}

async function floodOnce(perSecond: number, seconds: number, warmUpSeconds: number): Promise<Flood> {
  const reader = new Talker("flood-reader.ts", [FLOOD_OBJECT, READER_CPU, "decode"]);
  await reader.hear();
  await makeFlood({ perSecond: WARM_UP_PER_SECOND, seconds: warmUpSeconds, pid: reader.pid });
  const before = await reader.ask<FloodReading>("read");
  await makeFlood({ perSecond, seconds, pid: reader.pid });
  const after = await reader.ask<FloodReading>("read");
  await reader.end();
  return {
    perSecond,
    seconds,
    observed: after.observed - before.observed,
    decoded: after.received - before.received,
    readerCpuSeconds: after.cpuSeconds - before.cpuSeconds,
  };
}

export interface FloodOrder {
  perSecond: number;
  seconds: number;
  /** Who has loaded the object. */
  pid: number;
  /** On which they are made; by default the one that the readers leave alone. */
  cpu?: number;
  /** A file of the events that are sent in turn, each a `struct http_event`, for {@link VARIED_FLOOD_OBJECT}. */
  events?: string;
}

/** A command line that makes events at a steady rate, and prints how many it asked for. */
export function floodCommand({ perSecond, seconds, pid, cpu, events }: FloodOrder): string[] {
  const numbers = [perSecond, seconds, pid].map(String);
  return ["taskset", "--cpu-list", String(cpu ?? MAKER_CPU), DRIVER, ...numbers, ...(events ? [events] : [])];
}

export async function makeFlood(order: FloodOrder): Promise<void> {
  await output(floodCommand(order));
}

/** The highest rate that came through whole. */
export function highestLossless(floods: readonly Flood[]): Flood | undefined {
  return floods.findLast(({ observed, decoded }) => observed === decoded);
}
