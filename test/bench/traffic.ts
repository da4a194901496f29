/**
 * The traffic that all who watch get: one kind of requests, as fast as they go or at a fixed rate.
 * @module
 */

import { join } from "node:path";
import { output } from "./children.ts";
import { readCpu, sharesSince } from "./cpu-shares.ts";
import type { Nginx } from "./nginx.ts";
import { OUTPUT } from "./output.ts";
import { type LoadResult, packetSockets, printedBy, wrk } from "./wrk.ts";

export interface Traffic {
  kind: "small" | "new" | "large";
  title: string;
  /** Each request on a connection of its own. */
  closes: boolean;
}

export const TRAFFIC: readonly Traffic[] = [
  { kind: "small", title: "keep-alive, 14 bytes", closes: false },
  { kind: "new", title: "new connections, 14 bytes", closes: true },
  { kind: "large", title: "keep-alive, 100 KiB", closes: false },
];

export type Pace = "half" | "saturated";

/** What a request asks for, so that a tool's output says which load it was of. */
export const pathOf = ({ kind }: Traffic, pace: Pace): string => `/${kind}-${pace}`;

const CONNECTIONS = { half: 32, saturated: 16 } as const;
/** Of the fixed rate, before it counts. */
const PACE_WARM_UP_SECONDS = 0.2;
const GENERATOR = join(OUTPUT, "pace");

export async function buildGenerator(): Promise<void> {
  const source = join(import.meta.dir, "pace.c");
  await output(["cc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-o", GENERATOR, source]);
}

/** wrk, as fast as it goes. */
export function saturate({ url }: Nginx, traffic: Traffic, seconds: number): Promise<LoadResult> {
  const path = pathOf(traffic, "saturated");
  return wrk({ url: new URL(path, url).href, connections: CONNECTIONS.saturated, seconds, closes: traffic.closes });
}

/** At a fixed rate; a latency begins when the request was due. */
export async function paced(
  { port }: Nginx,
  traffic: Traffic,
  perSecond: number,
  seconds: number,
): Promise<LoadResult> {
  const before = readCpu();
  const numbers = [perSecond, PACE_WARM_UP_SECONDS, seconds, CONNECTIONS.half].map(String);
  const end = traffic.closes ? "close" : "keep";
  const printed = printedBy(await output([GENERATOR, String(port), pathOf(traffic, "half"), ...numbers, end]));
  const cpu = sharesSince(before);
  return { ...printed, perSecond: (printed.requests * 1e6) / printed.micros, cpu, packetSockets: packetSockets() };
}
