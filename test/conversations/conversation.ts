/**
 * What the text files say, in types: README.md beside this file is the reference of the format.
 * @module
 */

export type Side = "client" | "server";

export const otherSide = (side: Side): Side => (side === "client" ? "server" : "client");

/** One line `>` or `<`: a TCP segment that one side sends. */
export interface Segment {
  kind: "segment";
  line: number;
  from: Side;
  bytes: Buffer;
  /** Which of the bytes are a repetition: there not every boundary is worth a cut. */
  repeated: { start: number; end: number }[];
  syn: boolean;
  fin: boolean;
  rst: boolean;
  /** It reaches the other side, and is never seen by us. */
  lost: boolean;
  /** Where in the sender's stream it lies, when not behind what was sent before. */
  at?: { from: "start" | "next"; offset: number };
  /** How much of the other side's stream it acknowledges, when not all that came. */
  ack?: number;
  /** A SYN that repeats the one before instead of beginning another connection. */
  again: boolean;
}

/** `~`: nobody sends anything. */
export interface Silence {
  kind: "silence";
  line: number;
  seconds: number;
}

/** `=`: an event is reported here, not earlier and not later; the text is as `describeEvent` writes it. */
export interface Reported extends Expected {
  kind: "reported";
  line: number;
}

export interface Expected {
  text: string;
  /** Which segments of the conversation, counted from 1, were its start, the first byte of its response if there was one, and its end. */
  segments?: string;
}

/** `!`: a counter rises by one here. */
export interface Counted {
  kind: "counted";
  line: number;
  counter: CounterName;
}

/** In the order of `struct answer`. */
export const COUNTERS = [
  "refused start line",
  "refused head too long",
  "refused length",
  "refused chunk",
  "refused work",
  "gap",
  "dropped",
] as const;
export type CounterName = (typeof COUNTERS)[number];

export type Step = Segment | Silence | Reported | Counted;

/** Lines `@`, all with a reason behind them where a reader would ask for one. */
export interface Options {
  /** The query is captured. */
  query: boolean;
  /** Bytes kept of a path, when not the default. */
  pathMax?: number;
  /** One of its segments is too large for BPF_PROG_TEST_RUN, and is the point of it. */
  large: boolean;
  /** Where its segments end is the point of it. */
  uncut: boolean;
  /** No piece is smaller. */
  smallestPiece: number;
  /** Cut, repeated or behind another transaction, its events are the same, but not what was counted. */
  uncounted: boolean;
  /** What was before its first line was not seen. */
  attached: boolean;
  /** Without the handshake it would be another conversation. */
  handshake: boolean;
  /** Behind a NAT each packet is seen once more, as it is there. */
  nat?: { side: Side; address: string; port: number };
}

export interface Conversation {
  file: string;
  line: number;
  /** A sentence; unique in all files. */
  name: string;
  options: Options;
  steps: Step[];
}
