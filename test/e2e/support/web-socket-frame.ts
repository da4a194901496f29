/** Frames of RFC 6455 section 5.2 byte by byte, for what no client would send. */

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

interface FrameShape {
  opcode: number;
  payload?: string | Uint8Array;
  /** False: more fragments follow. */
  fin?: boolean;
  /** The three reserved bits, as a number: 4 is RSV1. */
  reserved?: number;
  masked?: boolean;
  /** What the frame says of its payload's length, in the place of the truth. */
  length?: bigint;
  /** Bytes of the length's field, 0, 2 or 8, in the place of the shortest that holds it. */
  lengthBytes?: 0 | 2 | 8;
}

/** As a client sends it, unless told otherwise. */
export function webSocketFrame({
  opcode,
  payload = "",
  fin = true,
  reserved = 0,
  masked = true,
  length,
  lengthBytes,
}: FrameShape): Buffer {
  const body = Buffer.from(payload as string);
  const said = length ?? BigInt(body.length);
  const width = lengthBytes ?? (said < 126n ? 0 : said < 65_536n ? 2 : 8);
  const extended = Buffer.alloc(width);
  for (let index = 0; index < width; index++)
    extended[index] = Number((said >> BigInt(8 * (width - 1 - index))) & 255n);
  const second = (masked ? 0x80 : 0) | (width === 0 ? Number(said) : width === 2 ? 126 : 127);
  const key = masked ? Buffer.from([1, 2, 3, 4]) : Buffer.alloc(0);
  const sent = masked ? body.map((byte, index) => byte ^ (key[index % 4] as number)) : body;
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | (reserved << 4) | opcode, second]), extended, key, sent]);
}

/** The close code and reason of what a server has sent, if it has sent one. */
export function closeOf(received: Buffer): { code: number; reason: string } | undefined {
  for (let at = 0; at + 2 <= received.length; ) {
    const short = (received[at + 1] as number) & 127;
    const width = short === 126 ? 2 : short === 127 ? 8 : 0;
    const length = width === 0 ? short : Number(`0x${received.toString("hex", at + 2, at + 2 + width)}`);
    const payload = received.subarray(at + 2 + width, at + 2 + width + length);
    if (((received[at] as number) & 15) === OPCODE.close)
      return { code: payload.length < 2 ? 1005 : payload.readUInt16BE(0), reason: payload.toString("utf8", 2) };
    at += 2 + width + length;
  }
  return undefined;
}
