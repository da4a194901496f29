/** The ways in which the packets of one conversation may come; none of them changes what was said. */
import type { Conversation, Side } from "./conversation.ts";
import { type Packet, SYN, type Turn, turnsOf } from "./packets.ts";

/** How the wire differs between two runs. */
export interface Wire {
  /** `vlan` and `qinq`: with one tag and two; `extended`: IPv6 with extension headers; `options`: TCP with timestamps. */
  layers: "ipv4" | "ipv6" | "vlan" | "qinq" | "extended" | "options";
  /** Compared with the server's; higher is usual. */
  clientPort: "higher" | "lower" | "equal";
  /** A side's stream bytes before its sequence numbers wrap. */
  wrap?: { side: Side; after: number };
}

export interface Delivery {
  name: string;
  wire: Wire;
  turns: Turn[];
  /** Counters are compared. */
  counted: boolean;
}

export const AS_WRITTEN = "as written";
const PLAIN: Wire = { layers: "ipv4", clientPort: "higher" };
/** Bytes from each end of a long repetition, and steps in between, at which it is cut. */
const RUN_ENDS = 24;
const RUN_STEP = 499;
const RUN_SHORT = 400;
const SMALL_PIECES = [1, 2, 3, 5, 7, 16, 61, 255, 256, 257, 1023, 1024, 1025, 1448];
const WRAPS = 12;

/** Uncut, as a network may bring them. */
export function* uncutDeliveries(conversation: Conversation): Generator<Delivery> {
  const { nat, handshake, attached, uncounted } = conversation.options;
  const turns = turnsOf(conversation);
  const as = (name: string, wire: Partial<Wire>, map?: (packet: Packet) => Packet[]): Delivery => ({
    name,
    wire: { ...PLAIN, ...wire },
    turns: map ? mapPackets(turns, map) : turns,
    counted: true,
  });
  yield as(AS_WRITTEN, {});
  for (const clientPort of ["lower", "equal"] as const)
    yield as(`with the client's port ${clientPort}`, { clientPort });
  for (const layers of ["vlan", "qinq", "options"] as const) yield as(`over ${layers}`, { layers });
  // NAT in these files is of IPv4.
  if (!nat) for (const layers of ["ipv6", "extended"] as const) yield as(`over ${layers}`, { layers });
  yield { ...as("each packet on two devices", {}, (packet) => [packet, packet]), counted: !uncounted };
  yield { ...as("each packet again after the next", {}), turns: withLateCopies(turns), counted: !uncounted };
  yield as("with pure ACKs", {}, (packet) => [packet, pureAck(packet)]);
  if (mayComeSecond(conversation)) {
    const second = turnsOf(conversation, { handshake: true, transaction: true });
    yield { ...as("behind another transaction", {}), turns: second, counted: !uncounted };
  }
  if (!handshake && !attached) {
    for (const clientPort of ["higher", "lower", "equal"] as const) {
      const name = `with the handshake unseen and the client's port ${clientPort}`;
      yield { ...as(name, { clientPort }), turns: turnsOf(conversation, { handshake: false }) };
    }
  }
}

/** Does it begin with a request, so that it might as well be the second one of its connection? */
function mayComeSecond({ options, steps: [first] }: Conversation): boolean {
  if (options.attached || options.handshake || options.nat) return false;
  if (first?.kind !== "segment" || first.from !== "client" || first.syn || first.lost) return false;
  return /^[A-Z-]+ (\/|\*|http|h[.:])/.test(first.bytes.toString("latin1"));
}

/** With sequence numbers that wrap somewhere in the streams. */
export function* wrappingDeliveries(conversation: Conversation): Generator<Delivery> {
  const turns = turnsOf(conversation);
  const longest = Math.max(...turns.flatMap(({ packets }) => packets.map(({ seq, payload }) => seq + payload.length)));
  for (let part = 0; part < WRAPS; part++) {
    const side = part % 2 === 0 ? "client" : "server";
    const after = Math.floor((longest * part) / WRAPS);
    const name = `with sequence numbers of the ${side} that wrap after ${after} bytes`;
    yield { name, wire: { ...PLAIN, wrap: { side, after } }, turns, counted: true };
  }
}

/** The few that the real kernel gets. */
export function* realDeliveries(conversation: Conversation): Generator<Delivery> {
  yield* uncutDeliveries(conversation);
  for (const delivery of cutDeliveries(conversation)) {
    yield delivery;
    break;
  }
}

/** Every payload cut at every byte boundary, one cut a run, and into small pieces, also overlapping ones. */
export function* cutDeliveries(conversation: Conversation): Generator<Delivery> {
  const { uncut, uncounted, smallestPiece } = conversation.options;
  if (uncut) return;
  const turns = turnsOf(conversation);
  const as = (name: string, map: (packet: Packet) => Packet[]): Delivery => ({
    name,
    wire: PLAIN,
    turns: mapPackets(turns, map),
    counted: !uncounted,
  });
  const longest = Math.max(...turns.flatMap(({ packets }) => packets.map(({ payload }) => payload.length)));
  for (const size of SMALL_PIECES) {
    if (size < smallestPiece || size >= longest || longest / size > 5000) continue;
    yield as(`in pieces of ${size}`, (packet) => inPieces(packet, size));
    yield as(`in pieces of ${size}, each with the one before`, (packet) => inPieces(packet, size, size));
  }
  for (const { line, packets } of turns) {
    for (const packet of packets) {
      for (const at of cutsOf(packet, smallestPiece)) {
        yield as(`line ${line} cut at ${at}`, (one) => (one === packet ? cutAt(one, at) : [one]));
      }
    }
  }
}

const mapPackets = (turns: Turn[], map: (packet: Packet) => Packet[]): Turn[] =>
  turns.map((turn) => ({ ...turn, packets: turn.packets.flatMap(map) }));

/** A copy of each payload comes once more after the one behind it, as long as the same streams go on. */
function withLateCopies(turns: Turn[]): Turn[] {
  let late: Packet | undefined;
  return turns.map((turn) => ({
    ...turn,
    packets: turn.packets.flatMap((packet) => {
      const copy = late && packet.payload.length > 0 && !(packet.flags & SYN) ? [late] : [];
      if (packet.flags & SYN) late = undefined;
      if (packet.payload.length > 0) late = packet;
      return [packet, ...copy];
    }),
  }));
}

/** From the other side, for what has just come. */
function pureAck(packet: Packet): Packet {
  return {
    ...packet,
    from: packet.from === "client" ? "server" : "client",
    flags: 16,
    seq: packet.ack,
    ack: packet.seq + packet.payload.length,
    generation: { own: packet.generation.peer, peer: packet.generation.own },
    payload: new Uint8Array(),
  };
}

function cutsOf({ payload, repeated }: Packet, smallestPiece: number): number[] {
  const cuts: number[] = [];
  for (let at = smallestPiece; at <= payload.length - smallestPiece; at++) {
    const run = repeated.find(
      ({ start, end }) => end - start > RUN_SHORT && at > start + RUN_ENDS && at < end - RUN_ENDS,
    );
    if (run === undefined || (at - run.start) % RUN_STEP === 0) cuts.push(at);
  }
  return cuts;
}

function cutAt(packet: Packet, at: number): Packet[] {
  return [part(packet, 0, at), part(packet, at, packet.payload.length)];
}

/** Each with `overlap` bytes of the one before. */
export function inPieces(packet: Packet, size: number, overlap = 0): Packet[] {
  const { length } = packet.payload;
  if (length <= size) return [packet];
  const pieces: Packet[] = [];
  for (let at = 0; at < length; at += size)
    pieces.push(part(packet, Math.max(0, at - overlap), Math.min(at + size, length)));
  return pieces;
}

/** SYN goes with the first byte, FIN and RST with the last. */
function part(packet: Packet, start: number, end: number): Packet {
  const { flags, payload } = packet;
  const syn = start === 0 ? flags & SYN : 0;
  const ending = end === payload.length ? flags & 5 : 0;
  const first = packet.seq + (flags & SYN ? 1 : 0);
  return {
    ...packet,
    flags: (flags & 16) | syn | ending,
    seq: first + start - (syn ? 1 : 0),
    payload: payload.subarray(start, end),
  };
}
