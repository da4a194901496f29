/** From the steps of a conversation to the packets that carry them. */
import {
  type Conversation,
  type CounterName,
  type Expected,
  otherSide,
  type Segment,
  type Side,
  type Step,
} from "./conversation.ts";

export const SYN = 2;
export const FIN = 1;
export const RST = 4;
const ACK = 16;

/** A TCP segment whose numbers count from the first byte of its stream: whoever sends it adds the initial ones. */
export interface Packet {
  from: Side;
  flags: number;
  /** Of the first payload byte; of a SYN, the one before it. */
  seq: number;
  ack: number;
  /** How many SYNs of each side came before: each begins a stream of its own. */
  generation: { own: number; peer: number };
  payload: Uint8Array;
  /** See `Segment`. */
  repeated: Segment["repeated"];
}

/** What happens between two moments at which one may look, and what must be seen then. */
export interface Turn {
  line: number;
  /** The turn of one segment of the text: which, counted from 1. */
  segment?: number;
  packets: Packet[];
  /** Seconds in which nothing comes, after the packets. */
  silence: number;
  events: Expected[];
  counted: CounterName[];
}

/** One side's stream, as the other side's TCP sees it. */
class Stream {
  /** Where the conversation's first byte lies. */
  origin = 0;
  /** Behind the last byte that was sent. */
  next = 0;
  generation = 0;
  #arrived: [start: number, end: number][] = [];

  begin(): void {
    this.origin = 0;
    this.next = 0;
    this.generation += 1;
    this.#arrived = [];
  }

  take(start: number, length: number): void {
    this.next = Math.max(this.next, start + length);
    this.#arrived.push([start, start + length]);
  }

  /** What came without a hole in it. */
  get acknowledged(): number {
    let end = 0;
    for (const [from, to] of this.#arrived.toSorted(([a], [b]) => a - b)) {
      if (from > end) break;
      end = Math.max(end, to);
    }
    return end;
  }
}

const EARLIER = earlierTransaction();

/** What came before the first line of a conversation. */
interface Before {
  /** Unless the conversation brings its own. */
  handshake: boolean;
  /** A whole transaction on the same connection. */
  transaction?: boolean;
}

export function turnsOf(
  { steps, options }: Conversation,
  { handshake, transaction = false }: Before = { handshake: !options.attached },
): Turn[] {
  const streams: Record<Side, Stream> = { client: new Stream(), server: new Stream() };
  const turns: Turn[] = [];
  const newTurn = (line: number): Turn => {
    const turn: Turn = { line, packets: [], silence: 0, events: [], counted: [] };
    turns.push(turn);
    return turn;
  };
  let segments = 0;
  const first = steps[0];
  if (handshake && first?.kind === "segment" && !first.syn) newTurn(first.line).packets.push(...handshakePackets());
  if (transaction) {
    const turn = newTurn(first?.line ?? 0);
    for (const step of EARLIER) {
      if (step.kind === "segment") turn.packets.push(packetOf(step, streams));
      else if (step.kind === "reported") turn.events.push(step);
    }
    for (const stream of Object.values(streams)) stream.origin = stream.next;
  }
  for (const step of steps) {
    const turn = step.kind === "segment" || step.kind === "silence" ? newTurn(step.line) : (turns.at(-1) as Turn);
    if (step.kind === "silence") turn.silence = step.seconds;
    else if (step.kind === "reported") turn.events.push(step);
    else if (step.kind === "counted") turn.counted.push(step.counter);
    else {
      turn.segment = ++segments;
      const packet = packetOf(step, streams);
      if (!step.lost) turn.packets.push(packet);
    }
  }
  return turns;
}

function handshakePackets(): Packet[] {
  const packet = (from: Side, flags: number, seq: number): Packet => ({
    from,
    flags,
    seq,
    ack: 0,
    generation: { own: 0, peer: 0 },
    payload: new Uint8Array(),
    repeated: [],
  });
  return [packet("client", SYN, -1), packet("server", SYN | ACK, -1), packet("client", ACK, 0)];
}

function packetOf(segment: Segment, streams: Record<Side, Stream>): Packet {
  const { from, bytes, repeated, syn, fin, rst, at, ack, again } = segment;
  const own = streams[from];
  const peer = streams[otherSide(from)];
  // The answer to a SYN begins the other half of the same connection.
  if (syn && !again) own.begin();
  const start = at === undefined ? (syn ? 0 : own.next) : (at.from === "start" ? own.origin : own.next) + at.offset;
  own.take(start, bytes.length + (fin ? 1 : 0));
  const firstSyn = syn && from === "client";
  return {
    from,
    flags: (syn ? SYN : 0) | (fin ? FIN : 0) | (rst ? RST : 0) | (firstSyn ? 0 : ACK),
    seq: start - (syn ? 1 : 0),
    ack: ack === undefined ? (firstSyn ? 0 : peer.acknowledged) : peer.origin + ack,
    generation: { own: own.generation, peer: peer.generation },
    payload: bytes,
    repeated,
  };
}

function earlierTransaction(): Step[] {
  const segment = (from: Side, text: string): Segment => ({
    kind: "segment",
    line: 0,
    from,
    bytes: Buffer.from(text),
    repeated: [],
    syn: false,
    fin: false,
    rst: false,
    lost: false,
    again: false,
  });
  return [
    segment("client", "OPTIONS * HTTP/1.1\r\n\r\n"),
    segment("server", "HTTP/1.1 204 No Content\r\n\r\n"),
    { kind: "reported", line: 0, text: "OPTIONS * 204 complete head=22/27 body=0/0" },
  ];
}
