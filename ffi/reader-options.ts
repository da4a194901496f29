import { CaptureError } from "./errors.ts";
import { cgroup_limits, text_limits } from "./layout.generated.ts";

/** What the usual build keeps of a request target. */
export const PATH_MAX_DEFAULT = text_limits.HTTP_TARGET_MAX;
/** What the long one keeps; its events are eight times as large. bpf/Makefile builds it. */
export const PATH_MAX_LIMIT = 4064;

/** Of the object that holds a protocol's stream; of HTTP there is a second one, with room for longer request targets. */
export function objectPath(protocol: string, pathMax: number = PATH_MAX_DEFAULT): string {
  const build = protocol === "http" && pathMax > PATH_MAX_DEFAULT ? "http.long" : protocol;
  return new URL(`../bpf/.output/${build}.bpf.o`, import.meta.url).pathname;
}

/** A pause of JavaScript is bridged by events, so larger ones get a larger ring. */
export function sharedRingBytes(pathMax: number = PATH_MAX_DEFAULT): number {
  return (pathMax > PATH_MAX_DEFAULT ? 64 : 16) * 1024 * 1024;
}

/** `socket`: on the devices of this network namespace. `cgroup`: at the sockets of a cgroup, in every namespace. */
export type Attach = "socket" | "cgroup";

export interface ReaderOptions {
  /** Of the eBPF objects to load; each holds one stream, named as its file up to the first dot. */
  objectPaths: readonly string[];
  /** Of each perf ring, one per CPU and protocol; a power of two. */
  ringBytes: number;
  /** Between the reader's thread and JavaScript; a power of two. */
  sharedRingBytes: number;
  /** How full a perf ring gets before the reader's thread is woken. */
  watermarkBytes: number;
  /** How long an event waits at most on a CPU that receives nothing more. */
  kickMillis: number;
  /** Connections followed at once; transactions of further ones are counted as dropped. */
  connectionsMax: number;
  /** A connection silent for so long is given up. */
  idleTimeoutMillis: number;
  /** Keep what follows `?` in the request target; it may hold secrets. */
  captureQuery: boolean;
  /** Bytes kept of a request target; those of {@link objectPaths} must have the room. */
  pathMax: number;
  /** Where packets are seen. */
  attach: Attach;
  /** The directory of the cgroup to attach to; empty: the root, to which every socket of the host belongs. */
  cgroup: string;
}

export const DEFAULT_READER_OPTIONS: Readonly<ReaderOptions> = {
  objectPaths: [objectPath("http")],
  ringBytes: 2 * 1024 * 1024,
  sharedRingBytes: sharedRingBytes(),
  watermarkBytes: 128 * 1024,
  kickMillis: 10,
  connectionsMax: 65536,
  idleTimeoutMillis: 60_000,
  captureQuery: false,
  pathMax: PATH_MAX_DEFAULT,
  attach: "socket",
  cgroup: "",
};

const PAGE_BYTES = 4096;
const UINT32_MAX = 2 ** 32 - 1;

interface Limits {
  min: number;
  max?: number;
  powerOfTwo?: boolean;
}

const NUMBERS = {
  ringBytes: { min: PAGE_BYTES, powerOfTwo: true },
  sharedRingBytes: { min: 1, powerOfTwo: true },
  watermarkBytes: { min: 1 },
  kickMillis: { min: 1 },
  connectionsMax: { min: 1 },
  idleTimeoutMillis: { min: 1 },
  pathMax: { min: 1, max: PATH_MAX_LIMIT },
} satisfies Partial<Record<keyof ReaderOptions, Limits>>;

/** @throws CaptureError naming the setting, what was expected and what was given */
export function validated(options: ReaderOptions): ReaderOptions {
  for (const [name, limits] of Object.entries<Limits>(NUMBERS)) {
    const { min, max = UINT32_MAX, powerOfTwo = false } = limits;
    const value = options[name as keyof typeof NUMBERS];
    const fits = Number.isInteger(value) && value >= min && value <= max;
    if (fits && (!powerOfTwo || Number.isInteger(Math.log2(value)))) continue;
    const kind = powerOfTwo ? "a power of two" : "an integer";
    throw new CaptureError(`${name}: expected ${kind} from ${min} to ${max}, got ${value}`);
  }
  if (options.attach === "socket" && options.cgroup !== "") {
    throw new CaptureError(
      `cgroup: packet sockets do not tell the sockets of ${options.cgroup} apart; leave out --attach`,
    );
  }
  if (Buffer.byteLength(options.cgroup) >= cgroup_limits.CGROUP_PATH_MAX) {
    throw new CaptureError(`cgroup: expected a path of fewer than ${cgroup_limits.CGROUP_PATH_MAX} bytes`);
  }
  return options;
}
