import { readFileSync } from "node:fs";
import { join } from "node:path";
import { output } from "./children.ts";
import { type CpuShares, readCpu, sharesSince } from "./cpu-shares.ts";

export interface Load {
  url: string;
  seconds: number;
  connections: number;
  /** A random pause of so many milliseconds before each request; without it, as fast as it goes. */
  pauseMillis?: readonly [min: number, max: number];
}

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
const SCRIPT = join(import.meta.dir, "wrk.lua");

/** Ends by itself. */
export async function wrk({ url, seconds, connections, pauseMillis }: Load): Promise<LoadResult> {
  const sizes = ["-t", THREADS, "-c", connections, "-d", `${seconds}s`].map(String);
  const before = readCpu();
  const text = await output(["wrk", ...sizes, "-s", SCRIPT, url, "--", ...(pauseMillis ?? []).map(String)]);
  const cpu = sharesSince(before);
  const packetSockets = readFileSync("/proc/net/packet", "utf8").trimEnd().split("\n").length - 1;
  const json = text.match(/^RESULT (.*)$/m)?.[1];
  if (json === undefined) throw new Error(`wrk printed no result:\n${text}`);
  const { micros, ...counted }: Omit<LoadResult, "perSecond" | "cpu" | "packetSockets"> & { micros: number } =
    JSON.parse(json);
  return { ...counted, perSecond: (counted.requests * 1e6) / micros, cpu, packetSockets };
}
