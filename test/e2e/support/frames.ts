/** Ethernet frames byte by byte, for what no device of this kernel would send. */

export const ETHERNET = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  vlan: 0x8100,
  serviceTag: 0x88a8,
  oldServiceTag: 0x9100,
} as const;
export const NEXT = {
  hopByHop: 0,
  tcp: 6,
  routing: 43,
  fragment: 44,
  encrypted: 50,
  authentication: 51,
  options: 60,
} as const;

const CLIENT_PORT = 40_000;
const SERVER_PORT = 80;
const FLAGS = { fin: 0x11, syn: 0x02, synAck: 0x12, ack: 0x18 };

export interface FrameShape {
  ipv6?: true;
  /** Ethertypes of the tags, the outermost first. */
  tags?: readonly number[];
  /** Kinds and bytes of IPv6 extension headers; the first byte of each, the next kind, is put in. */
  extensions?: readonly (readonly [kind: number, ...bytes: number[]])[];
  /** Sends each segment with payload in two fragments. */
  fragmented?: true;
  /** Zeros behind the packet. */
  padding?: number;
  /** IPv4 options, a multiple of four bytes. */
  options?: readonly number[];
}

interface Segment {
  from: "client" | "server";
  flags: number;
  seq: number;
  ack: number;
  text: string;
}

const bytes16 = (value: number) => [(value >> 8) & 255, value & 255];
const bytes32 = (value: number) => [...bytes16(value >>> 16), ...bytes16(value)];

/** The frames of one request, a response without body, and all that TCP has around them. */
export function conversation(shape: FrameShape, request: string, response: string, clientPort = CLIENT_PORT): Buffer[] {
  // Of each connection its own: two with the same numbers are one that a NAT has translated.
  const [asks, answers] = [clientPort * 10_000, clientPort * 20_000];
  const [asked, answered] = [asks + request.length, answers + response.length];
  const segments: Segment[] = [
    { from: "client", flags: FLAGS.syn, seq: asks - 1, ack: 0, text: "" },
    { from: "server", flags: FLAGS.synAck, seq: answers - 1, ack: asks, text: "" },
    { from: "client", flags: FLAGS.ack, seq: asks, ack: answers, text: request },
    { from: "server", flags: FLAGS.ack, seq: answers, ack: asked, text: response },
    { from: "client", flags: FLAGS.fin, seq: asked, ack: answered, text: "" },
    { from: "server", flags: FLAGS.fin, seq: answered, ack: asked + 1, text: "" },
  ];
  return segments.flatMap((segment) => packets(shape, segment, clientPort)).map((packet) => frame(shape, packet));
}

function tcp({ from, flags, seq, ack, text }: Segment, clientPort: number): number[] {
  const ports = from === "client" ? [clientPort, SERVER_PORT] : [SERVER_PORT, clientPort];
  const [source, destination] = ports as [number, number];
  const fields = [...bytes16(source), ...bytes16(destination), ...bytes32(seq), ...bytes32(ack), 0x50, flags];
  return [...fields, 0xff, 0xff, 0, 0, 0, 0, ...Buffer.from(text, "latin1")];
}

function packets(shape: FrameShape, segment: Segment, clientPort: number): number[][] {
  const whole = tcp(segment, clientPort);
  const build = shape.ipv6 ? ipv6 : ipv4;
  if (!shape.fragmented || segment.text === "") return [build(shape, segment.from, whole)];
  return [
    build(shape, segment.from, whole.slice(0, 32), 0, true),
    build(shape, segment.from, whole.slice(32), 32, false),
  ];
}

function ends(from: Segment["from"], client: number[], server: number[]): number[] {
  return from === "client" ? [...client, ...server] : [...server, ...client];
}

function ipv4(
  { options = [] }: FrameShape,
  from: Segment["from"],
  payload: number[],
  offset = 0,
  more = false,
): number[] {
  const header = 20 + options.length;
  const start = [0x40 | (header / 4), 0, ...bytes16(header + payload.length), 0, 7];
  const fragment = bytes16((more ? 0x2000 : 0) | (offset / 8));
  return [
    ...start,
    ...fragment,
    64,
    NEXT.tcp,
    0,
    0,
    ...ends(from, [10, 7, 0, 1], [10, 7, 0, 2]),
    ...options,
    ...payload,
  ];
}

function ipv6(shape: FrameShape, from: Segment["from"], payload: number[], offset = 0, more?: boolean): number[] {
  const fragment = [NEXT.fragment, 0, ...bytes16(offset | (more ? 1 : 0)), 0, 0, 0, 9] as const;
  const extensions = [...(shape.extensions ?? []), ...(shape.fragmented && more !== undefined ? [fragment] : [])];
  const kinds = [...extensions.map(([kind]) => kind), NEXT.tcp];
  const headers = extensions.flatMap(([, ...bytes], index) => [kinds[index + 1] as number, ...bytes]);
  const address = (last: number) => [0xfd, 7, ...Array<number>(13).fill(0), last];
  const start = [0x60, 0, 0, 0, ...bytes16(headers.length + payload.length), kinds[0] as number, 64];
  return [...start, ...ends(from, address(1), address(2)), ...headers, ...payload];
}

function frame({ ipv6: six, tags = [], padding = 0 }: FrameShape, packet: number[]): Buffer {
  const macs = [2, 0, 0, 0, 7, 2, 2, 0, 0, 0, 7, 1];
  const inner = [...tags.flatMap((tag) => [...bytes16(tag), 0, 5]), ...bytes16(six ? ETHERNET.ipv6 : ETHERNET.ipv4)];
  return Buffer.from([...macs, ...inner, ...packet, ...Array<number>(padding).fill(0)]);
}
