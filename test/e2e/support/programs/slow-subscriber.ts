/**
 * A WebSocket subscriber that reads a little, then nothing for some milliseconds, and so on; no WebSocket client can be had to
 * do that. Prints `reading`, then at each sync frame what has come up to there.
 */
import { connect } from "node:net";

export interface SlowReport {
  /** Of the barrier. */
  id: number;
  events: number;
  gaps: number;
  /** Events whose `seq` was not the one after the last. */
  disorder: number;
}

const PAUSE_MILLIS = 2;
const SMALL = 126;
const MEDIUM = 127;

const report: SlowReport = { id: 0, events: 0, gaps: 0, disorder: 0 };
let lastSeq = 0;

function take(text: string): void {
  const frame = JSON.parse(text);
  if (frame.type === "gap") report.gaps++;
  if (frame.type === "hello") console.log("reading");
  if (frame.type === "sync") console.log(JSON.stringify({ ...report, id: frame.id }));
  if (frame.type !== "batch") return;
  for (const { seq } of frame.events) {
    if (seq !== lastSeq + 1) report.disorder++;
    lastSeq = seq;
    report.events++;
  }
}

/** The service's frames are whole and not masked, RFC 6455 section 5.2. @returns the bytes taken; 0 when more must come */
function takeFrame(bytes: Buffer): number {
  const [first = 0, second = 0] = bytes;
  const head = second < SMALL ? 2 : second < MEDIUM ? 4 : 10;
  if (bytes.length < head) return 0;
  const length = head === 2 ? second : head === 4 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < head + length) return 0;
  if ((first & 15) === 1) take(bytes.toString("utf8", head, head + length));
  return head + length;
}

const { host, hostname, port } = new URL(process.argv[2] ?? "");
const socket = connect(Number(port), hostname, () => {
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
});
let rest: Buffer = Buffer.alloc(0);
let upgraded = false;
socket.on("data", (bytes: Buffer) => {
  rest = Buffer.concat([rest, bytes]);
  if (!upgraded) {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) return;
    upgraded = true;
    rest = rest.subarray(end + 4);
  }
  for (let taken = takeFrame(rest); taken > 0; taken = takeFrame(rest)) rest = rest.subarray(taken);
  socket.pause();
  setTimeout(() => socket.resume(), PAUSE_MILLIS);
});
