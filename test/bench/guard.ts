/**
 * What watching costs, as ratios that hold from machine to machine better than any figure, each within one run and by CPU
 * time, so that others' work counts little. `bun test/bench/guard.ts` records them anew, as root, in `guard.json`.
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EventBatch } from "../../ffi/batch.ts";
import { decodeHttpEvent } from "../../ffi/decode.ts";
import { http } from "../../ffi/protocol.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { bpfFlags } from "./bpf-build.ts";
import { end, endAll, output, start } from "./children.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { buildNoop, startNoop } from "./noop.ts";
import { OUTPUT } from "./output.ts";
import { readerCosts, timesFloor } from "./readers.ts";
import { CLOCK, kernelBatches } from "./span-events.ts";
import { spreadOf } from "./statistics.ts";
import { Watch } from "./watched.ts";

export const RATIOS = {
  traffic: "CPU of nginx and wrk for a request, watched, as a multiple of that under a filter that does nothing",
  service: "CPU of the service and its subscriber for a request, as a multiple of that of nginx and wrk unparsed",
  parser: "the parser's time for a transaction, as a multiple of a reference program's",
  decode: "decoding an event, as a multiple of parsing a fixed JSON text",
  reader: "our reader's CPU for an event, as a multiple of the least in C",
} as const;
export type RatioName = keyof typeof RATIOS;

/** Medians of interleaved rounds. */
export type Ratios = Record<RatioName, number>;

const RECORDED = join(import.meta.dir, "guard.json");

export function recordedRatios(): Ratios {
  return JSON.parse(readFileSync(RECORDED, "utf8"));
}

const medianOf = (values: readonly number[]): number => spreadOf(values).median;

const TRAFFIC = { rounds: 3, seconds: 1, connections: 16 };

/** CPU seconds for a request. */
interface RequestCost {
  traffic: number;
  service: number;
}

export async function trafficRatios(): Promise<Pick<Ratios, "traffic" | "service">> {
  await buildNoop();
  const nginx = await startNginx();
  await load(nginx);
  const rounds: { noop: RequestCost; watched: RequestCost }[] = [];
  for (let round = 0; round < TRAFFIC.rounds; round++) {
    const turns = { noop: underNoop, watched: underWatch };
    const watchedFirst = round % 2 === 1;
    const first = watchedFirst ? await turns.watched(nginx) : await turns.noop(nginx);
    const second = watchedFirst ? await turns.noop(nginx) : await turns.watched(nginx);
    rounds.push(watchedFirst ? { noop: second, watched: first } : { noop: first, watched: second });
  }
  await nginx.stop();
  return {
    traffic: medianOf(rounds.map(({ noop, watched }) => watched.traffic / noop.traffic)),
    service: medianOf(rounds.map(({ noop, watched }) => watched.service / noop.traffic)),
  };
}

async function underNoop(nginx: Nginx): Promise<RequestCost> {
  const noop = await startNoop();
  const cost = await load(nginx);
  await end(noop);
  return cost;
}

async function underWatch(nginx: Nginx): Promise<RequestCost> {
  const watch = await Watch.start(nginx);
  const cost = await load(nginx, () => watch.service.cpuSeconds() + watch.subscription.cpuSeconds());
  await watch.stop();
  return cost;
}

async function load(nginx: Nginx, watchersCpu = () => 0): Promise<RequestCost> {
  const served = await nginx.count();
  const [nginxCpu, watcherCpu] = [nginx.cpuSeconds(), watchersCpu()];
  const wrk = start(["wrk", "-t1", `-c${TRAFFIC.connections}`, `-d${TRAFFIC.seconds}s`, nginx.url]);
  const [complaint, code] = await Promise.all([wrk.stderr.text(), wrk.exited, wrk.stdout.text()]);
  if (code !== 0) throw new Error(`wrk ended with exit code ${code}: ${complaint}`);
  const wrkCpu = Number(wrk.resourceUsage()?.cpuTime.total ?? Number.NaN) / 1e6;
  const requests = (await nginx.count()) - served;
  return {
    traffic: (nginx.cpuSeconds() - nginxCpu + wrkCpu) / requests,
    service: (watchersCpu() - watcherCpu) / requests,
  };
}

const PARSER = join(OUTPUT, "guard");
const REFERENCE = join(OUTPUT, "guard.bpf.o");
const PARSER_ROUNDS = 40;
const here = (name: string) => join(import.meta.dir, name);

export async function parserRatio(): Promise<number> {
  await output(["cc", "-O2", "-std=gnu11", "-Wall", "-Werror", "-o", PARSER, here("guard.c"), "-lbpf"]);
  await output(["clang", ...bpfFlags(), "-c", here("guard.bpf.c"), "-o", REFERENCE]);
  const object = here("../../bpf/.output/http.bpf.o");
  const lines = (await output([PARSER, object, REFERENCE, String(PARSER_ROUNDS)])).trim().split("\n");
  return medianOf(
    lines.map((line) => {
      const [parser = Number.NaN, reference = Number.NaN] = line.split(" ").map(Number);
      return parser / reference;
    }),
  );
}

const DECODE = { rounds: 9, times: 8 };
/** What an event is as JSON, about. */
const TEXT = JSON.stringify({
  protocol: "http",
  startTimeUnixNano: "1790000000000000000",
  durationNano: 1_234_567,
  client: { address: "10.0.0.7", port: 51514 },
  server: { address: "10.0.0.2", port: 8080 },
  path: "/shop/items/4711/details",
  host: "api.local:8080",
  status: 200,
});

export function decodeRatio(): number {
  const batches = kernelBatches();
  const policy = new TargetPolicy();
  let seen = 0;
  const decode = () => {
    for (const batch of batches) {
      const events = new EventBatch(batch, http.viewOf);
      for (let at = 0; at < events.length; at++) seen += decodeHttpEvent(events.at(at), at, CLOCK, policy).seq;
    }
  };
  const parse = () => {
    for (const batch of batches) for (let at = 0; at < batch.length; at++) seen += JSON.parse(TEXT).status;
  };
  const cpuMicros = (work: () => void) => {
    const before = process.cpuUsage();
    for (let time = 0; time < DECODE.times; time++) work();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
  const ratios: number[] = [];
  for (let round = -2; round < DECODE.rounds; round++) {
    const ratio = cpuMicros(decode) / cpuMicros(parse);
    // The first ones warm.
    if (round >= 0) ratios.push(ratio);
  }
  if (seen === 0) throw new Error("nothing was decoded");
  return medianOf(ratios);
}

const READER = { rounds: 3, seconds: 1, warmUpSeconds: 1, perSecond: 250_000 };

export async function readerRatio(): Promise<number> {
  const figures = await readerCosts({ ...READER, names: ["c", "batch"], say: () => {} });
  return timesFloor(figures, "batch")?.median ?? Number.NaN;
}

async function record(): Promise<void> {
  const ratios: Ratios = {
    ...(await trafficRatios()),
    parser: await parserRatio(),
    decode: decodeRatio(),
    reader: await readerRatio(),
  };
  const rounded = Object.entries(ratios).map(([name, value]) => [name, Number(value.toPrecision(3))]);
  writeFileSync(RECORDED, `${JSON.stringify(Object.fromEntries(rounded), null, 2)}\n`);
  console.log(rounded);
}

if (import.meta.main) {
  await record().finally(endAll);
  process.exit(0);
}
