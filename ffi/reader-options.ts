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
