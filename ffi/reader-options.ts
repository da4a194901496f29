import { CaptureError } from "./errors.ts";

/** Of the object that holds a protocol's stream. */
export function objectPath(protocol: string): string {
  return new URL(`../bpf/.output/${protocol}.bpf.o`, import.meta.url).pathname;
}

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
}

export const DEFAULT_READER_OPTIONS: Readonly<ReaderOptions> = {
  objectPaths: [objectPath("http")],
  ringBytes: 2 * 1024 * 1024,
  sharedRingBytes: 16 * 1024 * 1024,
  watermarkBytes: 128 * 1024,
  kickMillis: 10,
  connectionsMax: 65536,
  idleTimeoutMillis: 60_000,
  captureQuery: false,
};

const PAGE_BYTES = 4096;
const UINT32_MAX = 2 ** 32 - 1;

const NUMBERS = {
  ringBytes: { min: PAGE_BYTES, powerOfTwo: true },
  sharedRingBytes: { min: 1, powerOfTwo: true },
  watermarkBytes: { min: 1 },
  kickMillis: { min: 1 },
  connectionsMax: { min: 1 },
  idleTimeoutMillis: { min: 1 },
} satisfies Partial<Record<keyof ReaderOptions, { min: number; powerOfTwo?: boolean }>>;

/** @throws CaptureError naming the setting, what was expected and what was given */
export function validated(options: ReaderOptions): ReaderOptions {
  for (const [name, { min, ...rest }] of Object.entries(NUMBERS)) {
    const value = options[name as keyof typeof NUMBERS];
    const powerOfTwo = "powerOfTwo" in rest;
    const fits = Number.isInteger(value) && value >= min && value <= UINT32_MAX;
    if (fits && (!powerOfTwo || Number.isInteger(Math.log2(value)))) continue;
    const kind = powerOfTwo ? "a power of two" : "an integer";
    throw new CaptureError(`${name}: expected ${kind} from ${min} to ${UINT32_MAX}, got ${value}`);
  }
  return options;
}
