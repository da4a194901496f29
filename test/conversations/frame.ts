/** Packets as they are on the wire: Ethernet, IP and TCP headers with their checksums. */
import type { Wire } from "./delivery.ts";

export const ETHERNET_BYTES = 14;
export const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd, vlan: 0x8100, qinq: 0x88a8 };
const TCP = 6;
const HOP_BY_HOP = 0;
const DESTINATION_OPTIONS = 60;
const TCP_BYTES = 20;
/** NOP, NOP, timestamps. */
const TIMESTAMPS = Buffer.from([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
/** Eight bytes: the next header, no further eight, and a padding option. */
const EXTENSION = (next: number) => [next, 0, 1, 4, 0, 0, 0, 0];

export interface TcpFields {
  source: Endpoint;
  destination: Endpoint;
  seq: number;
  ack: number;
  flags: number;
  payload: Uint8Array;
}

/** address: 4 or 16 bytes in network order. */
export interface Endpoint {
  address: Uint8Array;
  port: number;
}

/** With the address as events have it. */
export function endpointText({ address, port }: Endpoint): { address: string; port: number } {
  if (address.length === 4) return { address: address.join("."), port };
  const groups = Array.from({ length: 8 }, (_, group) =>
    (((address[2 * group] as number) << 8) | (address[2 * group + 1] as number)).toString(16),
  );
  // No address here has two runs of zero groups.
  return { address: groups.join(":").replace(/(^|:)0(:0)+(:|$)/, "::"), port };
}

/** @returns how many bytes were written at `at`: a whole frame, its Ethernet header first */
export function writeFrame(to: Buffer, at: number, layers: Wire["layers"], fields: TcpFields): number {
  let end = at;
  // Nobody's address: a network stack that gets it leaves it alone, and every tap sees it.
  end += to.fill(0x02, end, end + 12) && 12;
  if (layers === "qinq") end = to.writeUInt16BE(100, to.writeUInt16BE(ETHERTYPE.qinq, end));
  if (layers === "qinq" || layers === "vlan") end = to.writeUInt16BE(7, to.writeUInt16BE(ETHERTYPE.vlan, end));
  const wide = fields.source.address.length === 16;
  end = to.writeUInt16BE(wide ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4, end);
  const options = layers === "options" ? TIMESTAMPS : Buffer.alloc(0);
  const tcpLength = TCP_BYTES + options.length + fields.payload.length;
  end = wide ? writeIpv6(to, end, fields, tcpLength, layers === "extended") : writeIpv4(to, end, fields, tcpLength);
  return writeTcp(to, end, fields, options, tcpLength) - at;
}

function writeIpv4(to: Buffer, at: number, { source, destination }: TcpFields, tcpLength: number): number {
  to.writeUInt16BE(0x4500, at);
  to.writeUInt16BE(20 + tcpLength, at + 2);
  to.writeUInt32BE(0x00004000, at + 4); // may not be fragmented
  to.writeUInt32BE((64 << 24) | (TCP << 16), at + 8);
  to.set(source.address, at + 12);
  to.set(destination.address, at + 16);
  to.writeUInt16BE(checksum(to, at, at + 20), at + 10);
  return at + 20;
}

function writeIpv6(
  to: Buffer,
  at: number,
  { source, destination }: TcpFields,
  tcpLength: number,
  extended: boolean,
): number {
  const extensions = extended ? [...EXTENSION(DESTINATION_OPTIONS), ...EXTENSION(TCP)] : [];
  to.writeUInt32BE(0x60000000, at);
  to.writeUInt16BE(extensions.length + tcpLength, at + 4);
  to.writeUInt16BE(((extended ? HOP_BY_HOP : TCP) << 8) | 64, at + 6);
  to.set(source.address, at + 8);
  to.set(destination.address, at + 24);
  to.set(extensions, at + 40);
  return at + 40 + extensions.length;
}

function writeTcp(to: Buffer, at: number, fields: TcpFields, options: Uint8Array, tcpLength: number): number {
  const { source, destination, seq, ack, flags, payload } = fields;
  to.writeUInt16BE(source.port, at);
  to.writeUInt16BE(destination.port, at + 2);
  to.writeUInt32BE(seq >>> 0, at + 4);
  to.writeUInt32BE(flags & 16 ? ack >>> 0 : 0, at + 8);
  to.writeUInt16BE((((TCP_BYTES + options.length) / 4) << 12) | flags, at + 12);
  to.writeUInt16BE(65535, at + 14);
  to.writeUInt32BE(0, at + 16);
  to.set(options, at + TCP_BYTES);
  to.set(payload, at + TCP_BYTES + options.length);
  return at + tcpLength;
}

function checksum(bytes: Buffer, start: number, end: number): number {
  let sum = 0;
  for (let at = start; at < end; at += 2) if (at !== start + 10) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
