/**
 * What it takes to get events from the kernel's rings to a callback, ours beside the least that C can do with libbpf and
 * the least that Go can do with cilium/ebpf. The same events, made on the other CPU.
 * @module
 */

import {
  buildCConsumer,
  buildGoConsumer,
  C_CONSUMER,
  type ConsumerReading,
  GO_CONSUMER,
  NativeConsumer,
} from "./consumer.ts";
import { buildFlood, FLOOD_OBJECT, makeFlood, READER_CPU } from "./flood.ts";
import type { FloodReading } from "./flood-reader.ts";
import { type Spread, spreadOf } from "./statistics.ts";
import { Talker } from "./talker.ts";

export type ReaderName = "c" | "go" | "batch" | "decode";

export interface ReaderCost {
  observed: number;
  received: number;
  cpuSeconds: number;
}

export interface ReaderFigures {
  perSecond: number;
  rounds: Partial<Record<ReaderName, ReaderCost>>[];
  /** Why there is none in Go. */
  goMissing?: string;
}

export interface ReaderOptions {
  rounds: number;
  seconds: number;
  perSecond: number;
  warmUpSeconds?: number;
  /** All of them by default. */
  names?: readonly ReaderName[];
  say(line: string): void;
}

interface Consumer {
  readonly pid: number;
  read(): Promise<ReaderCost>;
  end(): Promise<void>;
}

/** As flood-reader.ts has it. */
const RING_BYTES = 8 * 1024 * 1024;

const native = async (program: string): Promise<Consumer> => {
  const options = { object: FLOOD_OBJECT, stream: "flood", ringBytes: RING_BYTES, cpu: READER_CPU };
  const consumer = await NativeConsumer.start(program, options);
  const read = async () => withoutWaiting(await consumer.read());
  return { pid: consumer.pid, read, end: () => consumer.end() };
};

/** Nobody flushes what is in a page that is not full, and Go leaves up to a watermark in a ring; ours does neither. */
const WAITING_MAX = 1024;
const withoutWaiting = ({ observed, received, cpuSeconds }: ConsumerReading): ReaderCost => ({
  observed: observed - received < WAITING_MAX ? received : observed,
  received,
  cpuSeconds,
});

const ours = async (way: "batch" | "decode"): Promise<Consumer> => {
  const reader = new Talker("flood-reader.ts", [FLOOD_OBJECT, READER_CPU, way]);
  await reader.hear();
  return { pid: reader.pid, read: () => reader.ask<FloodReading>("read"), end: () => reader.end() };
};

const STARTS: Record<ReaderName, () => Promise<Consumer>> = {
  c: () => native(C_CONSUMER),
  go: () => native(GO_CONSUMER),
  batch: () => ours("batch"),
  decode: () => ours("decode"),
};

/** Each once a round; each round begins with another. */
export async function readerCosts(options: ReaderOptions): Promise<ReaderFigures> {
  const { rounds, perSecond, say } = options;
  await buildFlood();
  await buildCConsumer();
  const asked = options.names ?? (Object.keys(STARTS) as ReaderName[]);
  const goMissing = asked.includes("go") ? await buildGoConsumer() : undefined;
  const names = asked.filter((name) => name !== "go" || !goMissing);
  const figures: ReaderFigures = { perSecond, rounds: [], ...(goMissing && { goMissing }) };
  for (let round = 0; round < rounds; round++) {
    say(`readers, round ${round + 1} of ${rounds}`);
    const costs: Partial<Record<ReaderName, ReaderCost>> = {};
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + turn) % names.length] as ReaderName;
      costs[name] = await costOf(name, options);
    }
    figures.rounds.push(costs);
  }
  return figures;
}

async function costOf(name: ReaderName, options: ReaderOptions): Promise<ReaderCost> {
  const { perSecond, seconds, warmUpSeconds = 1 } = options;
  const consumer = await STARTS[name]();
  const { pid } = consumer;
  await makeFlood({ perSecond, seconds: warmUpSeconds, pid });
  const before = await consumer.read();
  await makeFlood({ perSecond, seconds, pid });
  const after = await consumer.read();
  await consumer.end();
  return {
    observed: after.observed - before.observed,
    received: after.received - before.received,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
  };
}

const perMillion = ({ cpuSeconds, received }: ReaderCost) => (cpuSeconds / received) * 1e6;

/** Seconds of CPU time for a million events; undefined when it was not measured. */
export function cpuPerMillion({ rounds }: ReaderFigures, name: ReaderName): Spread | undefined {
  const costs = rounds.flatMap((round) => round[name] ?? []);
  return costs.length > 0 ? spreadOf(costs.map(perMillion)) : undefined;
}

/** How many times the least in C; each round by itself. */
export function timesFloor({ rounds }: ReaderFigures, name: ReaderName): Spread | undefined {
  const ratios = rounds.flatMap(({ c, [name]: one }) => (c && one ? perMillion(one) / perMillion(c) : []));
  return ratios.length > 0 ? spreadOf(ratios) : undefined;
}

export function lostBy({ rounds }: ReaderFigures, name: ReaderName): number {
  return rounds.reduce((sum, { [name]: one }) => sum + (one ? one.observed - one.received : 0), 0);
}
