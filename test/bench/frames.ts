/** Cuts a server's WebSocket bytes into the payloads of its frames, unread. */
export class FrameCutter {
  #rest: Buffer = Buffer.alloc(0);

  /** Calls `take` for each frame that is now whole. What it gets is valid during the call. */
  push(chunk: Buffer, take: (opcode: number, payload: Buffer) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const head = readHead(bytes, at);
      if (head === undefined || bytes.length < head.end) break;
      take(head.opcode, bytes.subarray(head.start, head.end));
      at = head.end;
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
  }
}

interface Head {
  opcode: number;
  start: number;
  end: number;
}

const LENGTH_IN_2 = 126;
const LENGTH_IN_8 = 127;

/** RFC 6455, section 5.2; a server does not mask. */
function readHead(bytes: Buffer, at: number): Head | undefined {
  if (bytes.length < at + 10 && bytes.length < at + headLength(bytes, at)) return undefined;
  const opcode = bytes.readUInt8(at) & 0x0f;
  const start = at + headLength(bytes, at);
  const short = bytes.readUInt8(at + 1);
  const length =
    short === LENGTH_IN_2
      ? bytes.readUInt16BE(at + 2)
      : short === LENGTH_IN_8
        ? Number(bytes.readBigUInt64BE(at + 2))
        : short;
  return { opcode, start, end: start + length };
}

function headLength(bytes: Buffer, at: number): number {
  const short = bytes[at + 1];
  if (short === LENGTH_IN_8) return 10;
  return short === LENGTH_IN_2 ? 4 : 2;
}
