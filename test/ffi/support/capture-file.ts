/** Capture files byte by byte, and HTTP exchanges as packets to put into them. */
import { ETHERNET_BYTES, writeFrame } from "../../conversations/frame.ts";

export type Order = "little" | "big";

export interface CapturedPacket {
  timeNs: bigint;
  bytes: Uint8Array;
  /** Of the packet on the wire; by default there is no more than `bytes`. */
  length?: number;
  /** In a pcapng file: of which interface. */
  interface?: number;
}

/** Numbers in the order of the file's writer. */
class Writer {
  readonly #parts: Buffer[] = [];
  readonly #order: Order;

  constructor(order: Order) {
    this.#order = order;
  }

  u16(value: number): this {
    const part = Buffer.alloc(2);
    if (this.#order === "little") part.writeUInt16LE(value);
    else part.writeUInt16BE(value);
    return this.bytes(part);
  }

  u32(value: number): this {
    const part = Buffer.alloc(4);
    if (this.#order === "little") part.writeUInt32LE(value);
    else part.writeUInt32BE(value);
    return this.bytes(part);
  }

  u64(value: bigint): this {
    const part = Buffer.alloc(8);
    if (this.#order === "little") part.writeBigUInt64LE(BigInt.asUintN(64, value));
    else part.writeBigUInt64BE(BigInt.asUintN(64, value));
    return this.bytes(part);
  }

  bytes(part: Uint8Array): this {
    this.#parts.push(Buffer.from(part));
    return this;
  }

  /** With zeros up to a multiple of 4. */
  padded(part: Uint8Array): this {
    return this.bytes(part).bytes(Buffer.alloc(-part.length & 3));
  }

  take(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

const BILLION = 1_000_000_000n;

export interface PcapOptions {
  order?: Order;
  nanos?: boolean;
  linkType?: number;
}

export function pcap(
  packets: readonly CapturedPacket[],
  { order = "little", nanos = false, linkType = 1 }: PcapOptions = {},
): Buffer {
  const file = new Writer(order);
  file
    .u32(nanos ? 0xa1b23c4d : 0xa1b2c3d4)
    .u16(2)
    .u16(4)
    .u32(0)
    .u32(0)
    .u32(262_144)
    .u32(linkType);
  for (const { timeNs, bytes, length = bytes.length } of packets) {
    const fraction = Number(timeNs % BILLION);
    file.u32(Number(timeNs / BILLION)).u32(nanos ? fraction : Math.floor(fraction / 1000));
    file.u32(bytes.length).u32(length).bytes(bytes);
  }
  return file.take();
}

export interface Interface {
  linkType: number;
  snapLength?: number;
  /** The option if_tsresol as it is written: 6, 9, or 0x80 + the power of 2. Left out: microseconds. */
  resolution?: number;
  /** The option if_tsoffset, in seconds. */
  offset?: bigint;
}

export interface PcapngOptions {
  order?: Order;
  interfaces?: readonly Interface[];
  /** Which block holds a packet. */
  block?: "enhanced" | "simple" | "old";
}

const BLOCK = { interface: 1, old: 2, simple: 3, names: 4, enhanced: 6, section: 0x0a0d0d0a };

const block = (order: Order, type: number, body: Buffer): Buffer =>
  new Writer(order)
    .u32(type)
    .u32(12 + body.length)
    .bytes(body)
    .u32(12 + body.length)
    .take();

/** One section. */
export function pcapng(
  packets: readonly CapturedPacket[],
  { order = "little", interfaces = [{ linkType: 1 }], block: kind = "enhanced" }: PcapngOptions = {},
): Buffer {
  const section = new Writer(order).u32(0x1a2b3c4d).u16(1).u16(0).u64(-1n).take();
  // A block that nobody asked for must be passed over.
  const names = new Writer(order).u32(0).take();
  const described = interfaces.map((one) => block(order, BLOCK.interface, interfaceBody(order, one)));
  const written = packets.map((packet) =>
    block(order, BLOCK[kind], packetBody(order, kind, packet, interfaces[packet.interface ?? 0] as Interface)),
  );
  return Buffer.concat([
    block(order, BLOCK.section, section),
    ...described,
    block(order, BLOCK.names, names),
    ...written,
  ]);
}

function interfaceBody(order: Order, { linkType, snapLength = 0, resolution, offset }: Interface): Buffer {
  const body = new Writer(order).u16(linkType).u16(0).u32(snapLength);
  // if_name, to be passed over.
  body.u16(2).u16(4).padded(Buffer.from("eth0"));
  if (resolution !== undefined)
    body
      .u16(9)
      .u16(1)
      .padded(Buffer.from([resolution]));
  if (offset !== undefined) body.u16(14).u16(8).u64(offset);
  return body.u16(0).u16(0).take();
}

function packetBody(
  order: Order,
  kind: "enhanced" | "simple" | "old",
  { timeNs, bytes, length = bytes.length, interface: number = 0 }: CapturedPacket,
  { resolution = 6, offset = 0n }: Interface,
): Buffer {
  const body = new Writer(order);
  if (kind === "simple") return body.u32(length).padded(bytes).take();
  const perSecond = resolution & 0x80 ? 2n ** BigInt(resolution & 0x7f) : 10n ** BigInt(resolution);
  const ticks = ((timeNs - offset * BILLION) * perSecond) / BILLION;
  if (kind === "old") body.u16(number).u16(0);
  else body.u32(number);
  body.u32(Number(ticks >> 32n)).u32(Number(ticks & 0xffffffffn));
  return body.u32(bytes.length).u32(length).padded(bytes).take();
}

const FIN = 1;
const SYN = 2;
const PSH_ACK = 24;
const ACK = 16;

export interface ExchangeOptions {
  /** Of the connection; the client's port, and what the path ends with. */
  number?: number;
  /** Where its sequence numbers begin follows from this; the number, unless connections share a port. */
  salt?: number;
  startNs?: bigint;
  family?: 4 | 6;
  layers?: "ipv4" | "vlan" | "qinq";
  /** Bytes of the response's body. */
  bodyBytes?: number;
  /** Payload bytes of a packet. */
  segmentBytes?: number;
  request?: string;
}

/** Between two packets. */
export const STEP_NS = 1_000_000n;

/** A connection with one exchange, as Ethernet frames: SYN, SYN-ACK, request, response in segments, and both FINs. */
export function exchange({
  number = 1,
  salt = number,
  startNs = 1_700_000_000_123_456_789n,
  family = 4,
  layers = "ipv4",
  bodyBytes = 5,
  segmentBytes = 1448,
  request = `GET /exchange/${number} HTTP/1.1\r\nHost: capture.example\r\n\r\n`,
}: ExchangeOptions = {}): CapturedPacket[] {
  const address = (last: number) =>
    family === 4
      ? Uint8Array.from([192, 0, 2, last])
      : Uint8Array.from([0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), last]);
  const client = { address: address(1), port: 20_000 + number };
  const server = { address: address(2), port: 80 };
  // Of two connections with the same numbers one would be the other behind a NAT.
  const seqs = { client: 1000 + salt * 7919, server: 5000 + salt * 104_729 };
  const packets: CapturedPacket[] = [];
  const send = (from: "client" | "server", flags: number, payload: Uint8Array = Buffer.alloc(0)) => {
    const to = from === "client" ? "server" : "client";
    const ends = from === "client" ? [client, server] : [server, client];
    const frame = Buffer.alloc(payload.length + 128);
    const length = writeFrame(frame, 0, layers, {
      source: ends[0] as typeof client,
      destination: ends[1] as typeof client,
      seq: seqs[from],
      ack: seqs[to],
      flags,
      payload,
    });
    seqs[from] += payload.length + (flags & (SYN | FIN) ? 1 : 0);
    packets.push({ timeNs: startNs + BigInt(packets.length) * STEP_NS, bytes: frame.subarray(0, length) });
  };
  send("client", SYN);
  send("server", SYN | ACK);
  send("client", PSH_ACK, Buffer.from(request));
  const response = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bodyBytes}\r\n\r\n`),
    Buffer.alloc(bodyBytes, "x"),
  ]);
  for (let at = 0; at < response.length; at += segmentBytes) {
    send("server", PSH_ACK, response.subarray(at, at + segmentBytes));
  }
  send("server", FIN | ACK);
  send("client", FIN | ACK);
  return packets;
}

/** The same packets as another link type has them. */
export function relinked(
  packets: readonly CapturedPacket[],
  header: (ethertype: number) => Uint8Array,
): CapturedPacket[] {
  return packets.map(({ bytes, ...packet }) => {
    const frame = Buffer.from(bytes);
    const ethertype = frame.readUInt16BE(ETHERNET_BYTES - 2);
    return { ...packet, bytes: Buffer.concat([header(ethertype), frame.subarray(ETHERNET_BYTES)]) };
  });
}
