import { join } from "node:path";
import { output } from "./children.ts";

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
}

const THREADS = 2;
const SCRIPT = join(import.meta.dir, "wrk.lua");

/** Ends by itself. */
export async function wrk({ url, seconds, connections, pauseMillis }: Load): Promise<LoadResult> {
  const sizes = ["-t", THREADS, "-c", connections, "-d", `${seconds}s`].map(String);
  const text = await output(["wrk", ...sizes, "-s", SCRIPT, url, "--", ...(pauseMillis ?? []).map(String)]);
  const json = text.match(/^RESULT (.*)$/m)?.[1];
  if (json === undefined) throw new Error(`wrk printed no result:\n${text}`);
  const { micros, ...result }: Omit<LoadResult, "perSecond"> & { micros: number } = JSON.parse(json);
  return { ...result, perSecond: (result.requests * 1e6) / micros };
}
