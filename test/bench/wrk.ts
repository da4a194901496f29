import { readFileSync } from "node:fs";
import { join } from "node:path";
import { output } from "./children.ts";
import { type CpuShares, readCpu, sharesSince } from "./cpu-shares.ts";
import { ADDRESSES } from "./nginx.ts";

export interface Load {
  url: string;
  seconds: number;
  connections: number;
  /** A random pause of so many milliseconds before each request; without it, as fast as it goes. */
  pauseMillis?: readonly [min: number, max: number];
  /** Each request on a connection of its own. */
  closes?: boolean;
}

/** What a load generator saw. */
export interface LoadResult {
  requests: number;
  perSecond: number;
  p50Micros: number;
  p99Micros: number;
  maxMicros: number;
  errors: number;
  cpu: CpuShares;
  /** Taps of all captures of this machine, at the end of the load: each costs every packet something. */
  packetSockets: number;
}

const THREADS = 2;
/** Of one wrk, and to one address. */
const CONNECTIONS_MAX = 5000;
const SCRIPT = join(import.meta.dir, "wrk.lua");

/** What a load generator prints. */
export type Printed = Omit<LoadResult, "perSecond" | "cpu" | "packetSockets"> & { micros: number };

/** Ends by itself. Of a load that takes several processes, a percentile is the worst of theirs. */
export async function wrk(load: Load): Promise<LoadResult> {
  const before = readCpu();
  const processes = Math.ceil(load.connections / CONNECTIONS_MAX);
  const printed = await Promise.all(Array.from({ length: processes }, (_, index) => run(load, processes, index)));
  const cpu = sharesSince(before);
  const sum = (of: (one: Printed) => number) => printed.reduce((total, one) => total + of(one), 0);
  const most = (of: (one: Printed) => number) => Math.max(...printed.map(of));
  return {
    requests: sum(({ requests }) => requests),
    perSecond: sum(({ requests, micros }) => (requests * 1e6) / micros),
    p50Micros: most(({ p50Micros }) => p50Micros),
    p99Micros: most(({ p99Micros }) => p99Micros),
    maxMicros: most(({ maxMicros }) => maxMicros),
    errors: sum(({ errors }) => errors),
    cpu,
    packetSockets: packetSockets(),
  };
}

/** Of all captures of this network namespace. */
export function packetSockets(): number {
  return readFileSync("/proc/net/packet", "utf8").trimEnd().split("\n").length - 1;
}

async function run(load: Load, processes: number, index: number): Promise<Printed> {
  const { seconds, connections, pauseMillis, closes } = load;
  const url = load.url.replace(ADDRESSES[0] ?? "", ADDRESSES[index % ADDRESSES.length] ?? "");
  const threads = Math.max(1, Math.floor(THREADS / processes));
  const sizes = ["-t", threads, "-c", Math.floor(connections / processes), "-d", `${seconds}s`].map(String);
  const header = closes ? ["-H", "Connection: close"] : [];
  const pause = (pauseMillis ?? []).map(String);
  return printedBy(await output(["wrk", ...sizes, ...header, "-s", SCRIPT, url, "--", ...pause]));
}

/** @throws Error if there is no line of its result */
export function printedBy(text: string): Printed {
  const json = text.match(/^RESULT (.*)$/m)?.[1];
  if (json === undefined) throw new Error(`the load generator printed no result:\n${text}`);
  return JSON.parse(json);
}
