import type { History } from "../ffi/event.ts";
import type { Interest } from "./kernel-filter.ts";
import type { TrafficSource } from "./traffic-source.ts";

interface HubOptions {
  /** Events held for one subscriber that lags. */
  queueMax: number;
  subscriberMax: number;
  /** Of the service, for the hello frame. */
  version: string;
  /** Where the events come from, for the hello frame; the kernel by default. */
  source?: TrafficSource;
  /** Protocols that batches may carry, for the hello frame. */
  protocols?: readonly string[];
  /** From which subscribers may resume; without it they cannot. */
  history?: History | undefined;
  /** Is told what subscribers want. */
  interest?: Interest | undefined;
  /** Of this life of the service: lower-case letters and digits. */
  run?: string;
  /** Where the members of an event are in a record, for the hello frame of those who get records. */
  recordLayout?: Readonly<Record<string, number>>;
  /** Bytes held for one subscriber that lags. */
  queueMaxBytes?: number;
  /** How long an event may wait for a subscriber that lags. */
  queueMaxMillis?: number;
  /** Bytes held for all of them; a frame that several wait for counts once. */
  memoryMaxBytes?: number;
  /** A subscriber that has read nothing for so long while frames wait is closed. */
  stallMillis?: number;
  /** How often `Hub.beat` is called. */
  heartbeatMillis?: number;
  /** Monotonic. */
  nowMillis?: () => number;
}

/** Where nothing else is said. */
const HUB_DEFAULTS = {
  queueMaxBytes: 32 * 1024 * 1024,
  queueMaxMillis: 60_000,
  memoryMaxBytes: 128 * 1024 * 1024,
  stallMillis: 30_000,
  heartbeatMillis: 15_000,
} as const satisfies Partial<HubOptions>;

export type { HubOptions };
export { HUB_DEFAULTS };
