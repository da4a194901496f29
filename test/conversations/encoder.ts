/** Deliveries as commands of player.h. */
import type { Conversation, Side } from "./conversation.ts";
import { type Delivery, inPieces } from "./delivery.ts";
import { type Endpoint, writeFrame } from "./frame.ts";
import type { Packet, Turn } from "./packets.ts";

const COMMAND = { packet: 1, look: 2, silence: 3, longSilence: 4, forget: 5 };
const COMMAND_BYTES = 16;
const FRAME_BYTES_MAX = 128 * 1024;
/** As the service has it by default. */
export const IDLE_SECONDS = 60;
const SERVER_PORT = 8080;
const CLIENT_PORT = { higher: 40_000, lower: 2000, equal: SERVER_PORT };
const STEP_NS = 1000;
/** Between two deliveries: what comes later than this has nothing to do with what was before. */
const BREAK_NS = 10e9;

export type Endpoints = Record<Side, Endpoint>;

export interface Encoded {
  /** Who talks in the delivery: no two have the same endpoints. */
  endpoints: Endpoints;
  /** By the moment of its last packet, which segment of the text was sent. */
  segmentAt: Map<number, number>;
}

export class Encoder {
  readonly #payloadMax: number;
  #bytes = Buffer.allocUnsafe(FRAME_BYTES_MAX * 2);
  #length = 0;
  #deliveries = 0;
  #nowNs = 1e9;

  /** @param payloadMax bytes of a packet's payload; larger ones come in several */
  constructor(payloadMax = Number.POSITIVE_INFINITY) {
    this.#payloadMax = payloadMax;
  }

  get length(): number {
    return this.#length;
  }

  /** The commands since the last call. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  /** Adds one delivery with a look after each turn. */
  add(conversation: Conversation, delivery: Delivery): Encoded {
    const { endpoints, add } = this.begin(conversation, delivery);
    const segmentAt: Encoded["segmentAt"] = new Map();
    for (const turn of delivery.turns) {
      add(turn);
      if (turn.segment !== undefined) segmentAt.set(this.#nowNs, turn.segment);
      this.look();
    }
    this.#addCommand(COMMAND.forget);
    this.#nowNs += BREAK_NS;
    return { endpoints, segmentAt };
  }

  look(): void {
    this.#addCommand(COMMAND.look);
  }

  /** Who talks in a delivery, no two of which have the same endpoints, and a function that adds a turn of it. */
  begin({ options }: Conversation, delivery: Delivery): { endpoints: Endpoints; add: (turn: Turn) => void } {
    const number = ++this.#deliveries;
    const endpoints = endpointsOf(number, delivery);
    const views = [endpoints];
    if (options.nat) {
      const { side, address, port } = options.nat;
      views.push({ ...endpoints, [side]: { address: Uint8Array.from(address.split("."), Number), port } });
    }
    const initial = initialSequence(number, delivery);
    const add = ({ packets, silence }: Turn) => {
      for (const packet of packets.flatMap((packet) => inPieces(packet, this.#payloadMax))) {
        // What comes from the client is translated on its way, what comes from the server is translated back.
        for (const view of packet.from === "client" ? views : views.toReversed()) {
          this.#addPacket(packet, delivery, view, initial);
        }
      }
      this.#nowNs += silence * 1e9;
      if (silence > 0) this.#addCommand(silence < IDLE_SECONDS ? COMMAND.silence : COMMAND.longSilence);
    };
    return { endpoints, add };
  }

  #addPacket(packet: Packet, { wire }: Delivery, endpoints: Endpoints, initial: Initial): void {
    const { from, flags, seq, ack, generation, payload } = packet;
    const to = from === "client" ? "server" : "client";
    this.#nowNs += STEP_NS;
    this.#reserve(COMMAND_BYTES + FRAME_BYTES_MAX);
    const size = writeFrame(this.#bytes, this.#length + COMMAND_BYTES, wire.layers, {
      source: endpoints[from],
      destination: endpoints[to],
      seq: initial(from, generation.own) + 1 + seq,
      ack: initial(to, generation.peer) + 1 + ack,
      flags,
      payload,
    });
    this.#addCommand(COMMAND.packet, size);
    this.#length += size;
  }

  #addCommand(kind: number, size = 0): void {
    this.#reserve(COMMAND_BYTES);
    this.#bytes.writeUInt32LE(size, this.#length);
    this.#bytes.writeUInt32LE(kind, this.#length + 4);
    this.#bytes.writeBigUInt64LE(BigInt(this.#nowNs), this.#length + 8);
    this.#length += COMMAND_BYTES;
  }

  #reserve(size: number): void {
    if (this.#length + size <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(2 * this.#bytes.length + size);
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

type Initial = (side: Side, generation: number) => number;

/**
 * The number of a side's SYN. Another pair for each delivery: the same would be the same connection behind a NAT. If there is
 * one connection after another, the last one's wraps.
 */
function initialSequence(number: number, { wire: { wrap }, turns }: Delivery): Initial {
  const generations = wrap ? turns.flatMap(({ packets }) => packets.map(({ generation }) => generation.own)) : [];
  const last = Math.max(0, ...generations);
  return (side, generation) => {
    const mixed = Math.imul(number, side === "client" ? 0x9e3779b1 : 0x85ebca77);
    return (wrap?.side === side ? -1 - wrap.after - last * 12_345_678 : mixed) + generation * 12_345_678;
  };
}

function endpointsOf(number: number, { wire }: Delivery): Endpoints {
  const low = [number >>> 16, (number >>> 8) & 255, number & 255];
  const wide = wire.layers === "ipv6" || wire.layers === "extended";
  const address = (first: number) =>
    wide
      ? Uint8Array.from([0x20, 1, 0xd, 0xb8, first, 0, 0, 0, 0, 0, 0, 0, 0, ...low])
      : Uint8Array.from([first, ...low]);
  return {
    client: { address: address(10), port: CLIENT_PORT[wire.clientPort] },
    server: { address: address(100), port: SERVER_PORT },
  };
}
