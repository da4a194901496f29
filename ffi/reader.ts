import { RawBatch, type RingMemory } from "./batch.ts";
import { CaptureError } from "./errors.ts";
import type { ProgramStats } from "./event.ts";
import {
  reader_attach as Attach,
  batch as Batch,
  counters as Counters,
  reader_options as Options,
  reader_stats as Stats,
} from "./layout.generated.ts";
import { KernelCounters, readReaderStats } from "./ledger.ts";
import { DEFAULT_READER_OPTIONS, type ReaderOptions, validated } from "./reader-options.ts";
import { Ring } from "./ring.ts";
import { cstring, kernelSymbols, type Pointer, ptr, type ReaderSymbols, textOf, toArrayBuffer } from "./symbols.ts";
import { listenForWake, type Wake } from "./wake.ts";

export interface BarrierDone {
  /** Rises by one per barrier. */
  id: number;
  /** The lowest CPUs that did not answer. */
  missingCpus: number[];
}

/** Where a reader's batches come from. */
export interface ReaderSource {
  symbols(options: ReaderOptions): ReaderSymbols;
  /** encoded: `struct reader_options`. Null after writing to `error`. */
  open(options: ReaderOptions, encoded: Buffer, error: Buffer): Pointer | null;
  /** The reader's memory goes; called right before it does. */
  release?(): void;
}

const KERNEL: ReaderSource = {
  symbols: kernelSymbols,
  open: ({ objectPaths }, encoded, error) =>
    kernelSymbols().reader_open(cstring(objectPaths.join("\n")), encoded, error, error.length) as Pointer | null,
};

export type BatchHandler = (batch: RawBatch) => void;

const ERROR_BYTES = 1024;
/** Of some sixty characters a program. */
const PROGRAMS_BYTES = 8192;

/**
 * The C reader as an object: opened, started, stopped and closed, once each and in that order. A call that comes again,
 * or too early, does nothing. All of it runs on the thread that opened it.
 */
export class Reader {
  readonly #counters = new Map<string, KernelCounters>();
  readonly #source: ReaderSource;
  readonly #symbols: ReaderSymbols;
  readonly #handle: Pointer;
  readonly #ring: Ring;
  readonly #cpus: number;
  readonly #mapped: ArrayBuffer[];
  #stats: BigUint64Array;
  readonly #handlers = new Map<number, BatchHandler>();
  readonly #delivered = new Map<number, number>();
  readonly #waiting: { ticket: number; resolve: (done: BarrierDone) => void; reject: (error: Error) => void }[] = [];
  readonly #pauses = new Set<() => void>();
  readonly #ended = Promise.withResolvers<void>();
  readonly #drained = Promise.withResolvers<void>();
  #started: Promise<void> | undefined;
  #callbackErrors = 0;
  #wake: Wake | undefined;
  #state: "open" | "running" | "stopping" | "stopped" | "closed" = "open";
  #barriers = 0;

  /** Loads the programs. @throws CaptureError when the kernel or this process may not, or the file cannot be read */
  constructor(options: Partial<ReaderOptions> = {}, source: ReaderSource = KERNEL) {
    const all = validated({ ...DEFAULT_READER_OPTIONS, ...options });
    const error = Buffer.alloc(ERROR_BYTES);
    const symbols = source.symbols(all);
    const handle = source.open(all, encodeOptions(all), error);
    if (handle === null) throw new CaptureError(textOf(error));
    this.#source = source;
    this.#symbols = symbols;
    this.#handle = handle;
    this.#ring = new Ring(symbols, handle, all.sharedRingBytes, {
      onBatch: (memory, offset) => this.#onBatch(memory, offset),
      onBarrier: (ticket, missingCpus) => this.#onBarrier(ticket, missingCpus),
      onStopped: () => this.#onStopped(),
      onEnded: () => this.#onEnded(),
      onPause: () => this.#pause(),
    });
    const cpus = symbols.reader_cpus(this.#handle);
    const stats = toArrayBuffer(symbols.reader_stats(this.#handle) as Pointer, 0, Stats.SIZE);
    this.#cpus = cpus;
    this.#mapped = [stats];
    this.#stats = new BigUint64Array(stats);
  }

  get running(): boolean {
    return this.#state === "running";
  }

  /** Attaches the programs. @throws CaptureError */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  async #start(): Promise<void> {
    if (this.#state !== "open") return;
    const error = Buffer.alloc(ERROR_BYTES);
    const wake = await listenForWake(this.#symbols.reader_wake_fd(this.#handle), this.#ring.drain);
    if (this.#state !== "open") {
      wake.close();
      throw new CaptureError("cannot start: the capture was closed meanwhile");
    }
    this.#wake = wake;
    if (this.#symbols.reader_start(this.#handle, error, ERROR_BYTES) < 0) throw new CaptureError(textOf(error));
    this.#state = "running";
  }

  /** Gives each batch of a protocol to the handler, in order; one handler per protocol, undefined takes it away. */
  handle(protocol: number, handler: BatchHandler | undefined): void {
    if (handler === undefined) this.#handlers.delete(protocol);
    else this.#handlers.set(protocol, handler);
  }

  /** Calls `listener` when the batches of one turn have been handed out, and before any barrier or stop is answered. */
  onPause(listener: () => void): void {
    this.#pauses.add(listener);
  }

  /** Events of a protocol that have been handed to its handler. */
  delivered(protocol: number): number {
    return this.#delivered.get(protocol) ?? 0;
  }

  /**
   * Resolves when every event whose enqueue ended before the call has been handed out. Calls that arrive while a barrier
   * runs share the next one. @throws CaptureError when not running
   */
  sync(): Promise<BarrierDone> {
    if (this.#state !== "running") throw new CaptureError(`cannot sync: the capture is ${this.#state}, not running`);
    const { promise, resolve, reject } = Promise.withResolvers<BarrierDone>();
    this.#waiting.push({ ticket: this.#symbols.reader_sync(this.#handle), resolve, reject });
    return promise;
  }

  /** Detaches, then resolves when all that had been enqueued has been handed out. */
  async stop(): Promise<void> {
    if (this.#state === "running") {
      this.#state = "stopping";
      this.#symbols.reader_stop(this.#handle);
      this.#ring.resume();
    }
    if (this.#state === "stopping") await this.#drained.promise;
  }

  /** Unloads everything, at once; what was not read is gone. */
  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#wake?.close();
    this.#ring.close();
    // What was counted can still be read; the memory it was counted in goes.
    this.#stats = this.#stats.slice();
    for (const counters of this.#counters.values()) counters.keep();
    for (const memory of this.#mapped) memory.transfer(0);
    this.#source.release?.();
    this.#symbols.reader_close(this.#handle);
    this.#drained.resolve();
    for (const { reject } of this.#waiting.splice(0)) reject(new CaptureError("cannot sync: the capture was closed"));
  }

  /** The C side's counters by name. */
  stats(): Record<string, number> {
    return { ...readReaderStats(this.#stats), callback_errors: this.#callbackErrors };
  }

  /** What the kernel says of its programs; undefined when there are none, as in a replay. */
  programs(): ProgramStats[] | undefined {
    if (this.#source !== KERNEL || this.#state === "closed") return undefined;
    const lines = Buffer.alloc(PROGRAMS_BYTES);
    kernelSymbols().reader_programs(this.#handle, lines, PROGRAMS_BYTES);
    return textOf(lines)
      .split("\n")
      .filter((line) => / \d+ \d+$/.test(line))
      .map((line) => line.split(" "))
      .map(([name = "", runs, runNanos]) => ({ name, runs: Number(runs), runNanos: Number(runNanos) }));
  }

  /** Bytes of the ring between the reader and JavaScript, and those that wait in it. */
  get ring(): { sizeBytes: number; usedBytes: number } {
    return { sizeBytes: this.#ring.size, usedBytes: this.#ring.used };
  }

  /** The kernel's counters of a stream. @throws CaptureError when it is not loaded */
  counters(stream: string): KernelCounters {
    let counters = this.#counters.get(stream);
    if (counters === undefined) {
      const memory = this.#symbols.reader_counters(this.#handle, cstring(stream));
      if (memory === null) throw new CaptureError(`no stream "${stream}" is loaded`);
      const mapped = toArrayBuffer(memory as Pointer, 0, this.#cpus * Counters.SIZE);
      this.#mapped.push(mapped);
      counters = new KernelCounters(mapped, this.#cpus);
      this.#counters.set(stream, counters);
    }
    return counters;
  }

  /** Stops or resumes the observation of a stream. Returns false when it is not loaded or cannot be paused. */
  setPaused(stream: string, paused: boolean): boolean {
    return this.#symbols.reader_pause(this.#handle, cstring(stream), paused ? 1 : 0) === 0;
  }

  /** Hands out nothing more until {@link resume}: for readers that can wait. Nothing is lost, and barriers wait, too. */
  hold(): void {
    if (this.#state === "running") this.#ring.hold();
  }

  resume(): void {
    this.#ring.resume();
  }

  /** Resolves when a replay has come to its end and all of it has been handed out. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Leaves out the connections that this process accepts on a TCP port. Only of the kernel's reader. */
  setListenPort(port: number): void {
    const status = kernelSymbols().reader_set_listen_port(this.#handle, port);
    if (status < 0) throw new CaptureError(`cannot leave out connections to port ${port}: errno ${-status}`);
  }

  /** conditions: `struct http_wanted`. Only of the kernel's reader. Returns false when there is nothing to filter. */
  setWanted(conditions: Buffer | undefined): boolean {
    const pointer = conditions === undefined ? null : ptr(conditions);
    return kernelSymbols().reader_set_wanted(this.#handle, pointer) === 0;
  }

  #onBatch(memory: RingMemory, offset: number): void {
    const batch = new RawBatch(memory, offset);
    const protocol = memory.u16[(offset + Batch.protocol) >> 1] as number;
    try {
      this.#handlers.get(protocol)?.(batch);
    } catch (error) {
      // A callback must not throw. If one does, the ring goes on, and it is told: once, since it may be at every batch.
      if (this.#callbackErrors++ === 0) console.error("a consumer's callback threw:", error);
    }
    batch.expire();
    this.#delivered.set(protocol, this.delivered(protocol) + batch.length);
  }

  #onBarrier(ticket: number, missingCpus: number[]): void {
    this.#pause();
    const done = { id: ++this.#barriers, missingCpus };
    // Tickets are 32 bits and may wrap, so they are compared by distance.
    while (this.#waiting[0] !== undefined && ((ticket - this.#waiting[0].ticket) | 0) >= 0) {
      this.#waiting.shift()?.resolve(done);
    }
  }

  #onEnded(): void {
    this.#pause();
    this.#ended.resolve();
  }

  #onStopped(): void {
    this.#pause();
    this.#state = "stopped";
    this.#drained.resolve();
  }

  #pause(): void {
    for (const listener of this.#pauses) listener();
  }
}

function encodeOptions(options: ReaderOptions): Buffer {
  const bytes = Buffer.alloc(Options.SIZE);
  bytes.writeUInt32LE(options.ringBytes, Options.ring_bytes);
  bytes.writeUInt32LE(options.sharedRingBytes, Options.shared_ring_bytes);
  bytes.writeUInt32LE(options.watermarkBytes, Options.watermark_bytes);
  bytes.writeUInt32LE(options.kickMillis, Options.kick_millis);
  bytes.writeUInt32LE(options.connectionsMax, Options.connections_max);
  bytes.writeUInt32LE(options.idleTimeoutMillis, Options.idle_timeout_millis);
  bytes.writeUInt32LE(options.captureQuery ? 1 : 0, Options.capture_query);
  bytes.writeUInt32LE(options.pathMax, Options.path_max);
  bytes.writeUInt32LE(options.attach === "cgroup" ? Attach.ATTACH_CGROUP : Attach.ATTACH_SOCKET, Options.attach);
  bytes.write(options.cgroup, Options.cgroup);
  return bytes;
}
