/**
 * Subscribers, all in a process of its own, that read as fast as they can and look at no more of a frame than tells which
 * events are in it. `fan-out-reader.ts URL COUNT SUBPROTOCOL`. Says `ready`, and, when it is asked, what it has read.
 */
import { FrameCutter } from "./frames.ts";

export interface FanOutReading {
  /** By all of them. */
  events: number;
  bytes: number;
  /** Frames that did not begin behind the one before, and gaps. */
  breaks: number;
  /** Of the life of the process. */
  cpuSeconds: number;
}

const TEXT = 1;
const BINARY = 2;
const BATCH = Buffer.from('{"type":"batch","protocol":"http","events":[{"protocol":"http","seq":');
const SEQ = Buffer.from('{"protocol":"http","seq":');
const GAP = Buffer.from('{"type":"gap"');
const COMMA = 44;
const RECORDS_AT = 8;
const SEQ_IN_RECORD = 8;

const [url = "", count = "1", subprotocol = ""] = process.argv.slice(2);
const { hostname, port, host } = new URL(url);
const reading: FanOutReading = { events: 0, bytes: 0, breaks: 0, cpuSeconds: 0 };
let greeted = 0;

const begins = (payload: Buffer, with_: Buffer) => payload.compare(with_, 0, with_.length, 0, with_.length) === 0;
const number = (payload: Buffer, at: number) => Number(payload.toString("latin1", at, payload.indexOf(COMMA, at)));

class Reader {
  #nextSeq = 0;

  take(opcode: number, payload: Buffer): void {
    if (opcode === BINARY) this.#records(payload);
    else if (opcode !== TEXT) return;
    else if (begins(payload, BATCH))
      this.#covers(number(payload, BATCH.length), number(payload, payload.lastIndexOf(SEQ) + SEQ.length));
    else if (begins(payload, GAP)) reading.breaks++;
    else this.#control(JSON.parse(payload.toString()));
  }

  #records(payload: Buffer): void {
    let at = RECORDS_AT;
    let last = at;
    for (let left = payload.readUInt32LE(4); left > 0; left--) {
      last = at;
      at += payload.readUInt32LE(at);
    }
    const seq = (record: number) => Number(payload.readBigUInt64LE(record + SEQ_IN_RECORD));
    this.#covers(seq(RECORDS_AT), seq(last));
  }

  #covers(first: number, last: number): void {
    if (first !== this.#nextSeq) reading.breaks++;
    reading.events += last - first + 1;
    this.#nextSeq = last + 1;
  }

  #control(message: { type: string; nextSeq?: number }): void {
    if (message.type !== "hello") return;
    this.#nextSeq = message.nextSeq ?? 0;
    greeted++;
    if (greeted === Number(count)) process.send?.("ready");
  }
}

for (let index = 0; index < Number(count); index++) {
  const reader = new Reader();
  const cutter = new FrameCutter();
  let head = "";
  let isOpen = false;
  await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      open: (socket) =>
        void socket.write(
          `GET /ws HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n` +
            `Sec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`,
        ),
      data: (_, chunk) => {
        reading.bytes += chunk.length;
        let bytes = chunk;
        if (!isOpen) {
          head += chunk.toString("latin1");
          const end = head.indexOf("\r\n\r\n");
          if (end < 0) return;
          if (!head.startsWith("HTTP/1.1 101")) throw new Error(head);
          isOpen = true;
          bytes = Buffer.from(head.slice(end + 4), "latin1");
        }
        cutter.push(bytes, (opcode, payload) => reader.take(opcode, payload));
      },
      close: () => process.exit(0),
    },
  });
}

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ ...reading, cpuSeconds: (user + system) / 1e6 } satisfies FanOutReading);
});
process.on("disconnect", () => process.exit(0));
