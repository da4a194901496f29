/**
 * A subscriber that reads nothing after the answer to its upgrade, until a line of input says `read`. No WebSocket client
 * can be had to do that. Prints `stalled`, and at each sync frame what it has read up to there.
 */
import { connect } from "node:net";
import { createInterface } from "node:readline";

export interface LaggardReport {
  /** Of the barrier; 0 for the report at the end of the connection. */
  id: number;
  events: number;
  gaps: number;
  /** Events that the gaps announced as lost. */
  lost: number;
  /** Frames that did not begin at the `seq` after the one before. */
  holes: number;
  nextSeq: number;
}

const SMALL = 126;
const MEDIUM = 127;

const report: LaggardReport = { id: 0, events: 0, gaps: 0, lost: 0, holes: 0, nextSeq: 0 };

function covers(fromSeq: number, toSeq: number): void {
  if (fromSeq !== report.nextSeq) report.holes++;
  report.nextSeq = toSeq + 1;
}

function take(text: string): void {
  const frame = JSON.parse(text);
  if (frame.type === "hello") report.nextSeq = frame.nextSeq;
  if (frame.type === "batch") {
    report.events += frame.events.length;
    covers(frame.events[0].seq, frame.events.at(-1).seq);
  }
  if (frame.type === "gap") {
    report.gaps++;
    report.lost += frame.dropped;
    covers(frame.fromSeq, frame.toSeq);
  }
  if (frame.type === "sync") console.log(JSON.stringify({ ...report, id: frame.id }));
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
    socket.pause();
    console.log("stalled");
    return;
  }
  for (let taken = takeFrame(rest); taken > 0; taken = takeFrame(rest)) rest = rest.subarray(taken);
});
socket.on("close", () => console.log(JSON.stringify(report)));
createInterface({ input: process.stdin }).on("line", () => socket.resume());
