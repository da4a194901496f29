/**
 * The domain types that every part shares. Types only: importing this file costs nothing at run time.
 * @module
 */

import type { Endpoint, HttpEvent, HttpOutcome, ObservedEvent, TcpEvent, TcpOutcome } from "./observed.ts";

export type { Endpoint, HttpEvent, HttpOutcome, ObservedEvent, TcpEvent, TcpOutcome };

/** What a capture that can wait, such as a replay, asks before it goes on. */
interface Paced {
  /** Undefined: it has room for some hundred events. Otherwise resolves when it has, or when waiting is of no use. */
  ready?(): Promise<void> | undefined;
}

/** Receives every delivered batch, in order. Must not block and must not throw; accounts for every event it is handed. */
export interface EventSink<E = ObservedEvent> extends Paced {
  /** batch: events of one protocol, at least one. */
  offer(batch: readonly E[]): void;
  /** False: nobody needs the events themselves now. When that is so of every sink they are not decoded; {@link pass} is called. */
  readonly wantsEvents?: boolean;
  /** In the place of {@link offer}: `count` events of a protocol went by, the last of them numbered `lastSeq`. */
  pass?(protocol: string, count: number, lastSeq: number): void;
}

/** What redactions and templates leave of a path; see {@link HttpEvent}. */
export interface ReportedPath {
  readonly path: string;
  readonly template?: string;
}

/**
 * One HTTP event as the kernel wrote it, read in place. A text or an address is where it lies in `bytes`, at a multiple of 4;
 * a text has zeros behind it up to the next one. Numbers that are codes are those of `bpf/events.h`.
 */
export interface RawHttpEvent {
  /** The memory that holds the batch, also as 32-bit words in host order. */
  readonly bytes: Buffer;
  readonly words: Uint32Array;
  readonly seq: number;
  readonly cpu: number;
  /** First request packet, nanoseconds since the Unix epoch, as two 32-bit halves; end never before start. */
  readonly startHigh: number;
  readonly startLow: number;
  /** Last response packet. */
  readonly endHigh: number;
  readonly endLow: number;
  /** As in {@link HttpEvent}; of an end before the start, which a clock cannot give, below 0. */
  readonly durationNano: number;
  /** Undefined when no response came. */
  readonly timeToFirstByteNano: number | undefined;
  /** 16 bytes, IPv4 as ::ffff:a.b.c.d. */
  readonly clientAddressAt: number;
  readonly serverAddressAt: number;
  /** Zero when no destination NAT was seen. */
  readonly answeredAddressAt: number;
  readonly answeredPort: number;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly requestHeaderBytes: number;
  readonly requestBodyBytes: number;
  /** Undefined, as the next, when no response came. */
  readonly responseHeaderBytes: number | undefined;
  readonly responseBodyBytes: number | undefined;
  /** 0 when no response was seen. */
  readonly status: number;
  readonly version: number;
  readonly outcome: number;
  readonly flags: number;
  readonly methodAt: number;
  readonly methodLength: number;
  /** Path, and `?` with the query behind it if that is captured. Not to be reported as it is: see the next three. */
  readonly targetAt: number;
  readonly pathLength: number;
  readonly targetLength: number;
  /** True: the path begins with `/`, and its bytes are reported as they are. */
  readonly isPathShown: boolean;
  path(): ReportedPath;
  /** Undefined when there is none, or it is not captured. */
  query(): string | undefined;
  readonly hostAt: number;
  readonly hostLength: number;
  readonly userAgentAt: number;
  readonly userAgentLength: number;
  readonly traceparentAt: number;
  readonly traceparentLength: number;
  readonly tracestate: string | undefined;
  /** All of it as an object that lasts. */
  decode(): HttpEvent;
  /**
   * Appends a copy: `struct http_event` up to its first text, then the texts without the room that the struct leaves behind
   * them, in the struct's order, each with zeros up to a multiple of 4, and of 8 at the end. It differs from the original in
   * what may be reported: target and its lengths are as {@link path} and {@link query} say, a tracestate that was cut has
   * its whole members, and times are Unix times.
   */
  copyTo(out: RecordOutput): void;
}

/** Memory that grows. */
export interface RecordOutput {
  bytes: Buffer;
  /** The same memory. */
  words: Uint32Array;
  /** Where to write on; a multiple of 8. */
  at: number;
  /** Makes room for so many bytes; `bytes` and `words` may be others then. */
  reserve(bytes: number): void;
}

export interface RawHttpBatch {
  readonly length: number;
  /** The same object at every call, moved. @throws RangeError when there is no such event */
  at(index: number): RawHttpEvent;
}

/**
 * An {@link EventSink} for whom an object per event is too much. It may be both; then HTTP events come here, and here alone,
 * and {@link EventSink.wantsEvents} speaks of the others.
 */
export interface RawHttpSink extends Paced {
  /** The batch, its events and their memory are valid only until the call returns; what is kept must be copied. */
  offerRaw(batch: RawHttpBatch): void;
  /** Nothing more comes in this turn: what was held back to be sent together should go. */
  endTurn?(): void;
}

export type Sink = EventSink | RawHttpSink;

/** Who reads a {@link History}: what a sink is given, again. */
export interface HistoryReader {
  offerRaw(batch: RawHttpBatch): void;
  offer(batch: readonly ObservedEvent[]): void;
}

/** The delivered events of the recent past, of all protocols, as far as a bound of bytes and of age allows. */
export interface History {
  /** Of the oldest event that is kept; one above the last delivered when there is none. */
  readonly firstSeq: number;
  /**
   * Where to begin for all that was delivered within the last `agoMillis`. isWhole: all of that is kept.
   */
  since(agoMillis: number): { seq: number; isWhole: boolean };
  /**
   * Gives the batch that holds event `seq`, of which the first events may come before it. False when it is kept no longer,
   * or is yet to come.
   */
  read(seq: number, reader: HistoryReader): boolean;
}

/**
 * One protocol's way from the kernel to user space. At a quiescent moment
 * `observed = enqueued + filtered + Σ dropped` and `enqueued = delivered + pending`.
 */
export interface ProtocolLedger {
  observed: number;
  enqueued: number;
  /** Left out in the kernel because nobody would have taken them; absent when there are none. */
  filtered?: number;
  /** Handed to every sink. */
  delivered: number;
  /** In kernel pages, perf rings or the shared ring. */
  pending: number;
  /** By reason; reasons with a count of zero are left out. */
  dropped: Record<string, number>;
}

/** How well the kernel programs could follow the connections of a protocol. Nothing of it enters the ledger's identities. */
export interface Following {
  /** That are remembered now. */
  connections: number;
  /** Places where bytes were needed to follow a message and never seen. */
  gaps: number;
  /** Packets that were not read, because another CPU was busy with their connection for too long. */
  unread: number;
  /** Messages that began as one of the protocol and were given up, by reason; reasons with a count of zero are left out. */
  refused: Record<string, number>;
}

/** What the kernel has counted of a program since it was loaded, while `kernel.bpf_stats_enabled` was on. */
export interface ProgramStats {
  name: string;
  runs: number;
  runNanos: number;
}

/** A moment's reading of everything between the kernel and the sinks. Reading it disturbs nothing. */
export interface CaptureStats {
  protocols: Record<string, ProtocolLedger>;
  /** Of the protocols that are read from packets. */
  following: Record<string, Following>;
  /** Protocols that are not paused. */
  enabled: string[];
  /** `http` etc. per CPU: the kernel side of the ledger. */
  cpus: { cpu: number; protocols: Record<string, Omit<ProtocolLedger, "delivered" | "pending">> }[];
  /** Counters of the reader by name, e.g. failed flushes, wake-ups, barriers, bytes. Monotonic. */
  reader: Record<string, number>;
  /** The ring between the reader and JavaScript. */
  ring?: { sizeBytes: number; usedBytes: number };
  /** Left out where no programs are loaded, as in a replay. */
  programs?: ProgramStats[];
}

/** Outcome of one barrier. Coalesced callers receive the same object. */
export interface BarrierResult {
  /** Rises by one per barrier. */
  id: number;
  protocols: Record<string, ProtocolLedger>;
  /** CPUs that did not answer in time; empty when the barrier is whole. */
  missingCpus: number[];
}

/** Addresses whose first `prefixLength` bits are these; IPv4 as ::ffff:a.b.c.d, so that /24 is 120. */
export interface Network {
  /** 16 bytes, network order. */
  address: Uint8Array;
  prefixLength: number;
}

/** What anybody wants of the HTTP transactions: all conditions hold, and of a list any; an absent list is no condition. */
export interface WantedTransactions {
  /** 0: no response; 1 to 5: the first digit of the status, 5 for everything above, too. */
  statusClasses?: readonly number[];
  serverPorts?: readonly number[];
  clientNetworks?: readonly Network[];
  serverNetworks?: readonly Network[];
}

/** What the server needs of the running capture. */
export interface Capture {
  /** Programs attached and reader running. */
  readonly running: boolean;
  stats(): CaptureStats;
  /**
   * Resolves after every event whose enqueue ended before the call has been handed to every sink. Concurrent calls
   * coalesce onto one barrier that starts after each of them. Rejects when the capture is not running.
   */
  sync(): Promise<BarrierResult>;
  /**
   * Pauses or resumes the observation of a protocol without unloading anything. What was observed before still comes;
   * what happens while paused is never seen. Returns false when there is no such protocol.
   */
  setEnabled(protocol: string, enabled: boolean): boolean;
  /**
   * From now on leaves out, in the kernel, HTTP transactions that do not meet these conditions, and counts them as
   * filtered; undefined: all are wanted again. What ended before may still come, and so may what ends meanwhile: await a
   * {@link sync} between two calls. Returns false, and wants all, when the kernel cannot check such conditions.
   */
  setWanted(wanted: WantedTransactions | undefined): boolean;
}

/** The span side of the ledger: `delivered = accepted + notSampled + dropped.queue_full`, `accepted = exported + rejected + dropped.* + queued`. */
export interface SpanLedger {
  /** Events handed to the span sink. */
  delivered: number;
  /** Taken into the queue. */
  accepted: number;
  /** Acknowledged by the collector. */
  exported: number;
  /** Refused by the collector in a partial success. */
  rejected: number;
  /** In the queue or in flight. */
  queued: number;
  notSampled: number;
  /** By reason, e.g. `queue_full`, `export_failed`, `shutdown`; zero counts left out. */
  dropped: Record<string, number>;
}
