/**
 * A process of its own that subscribes, counts and times, so that its work is not the service's; a plain TCP client, since
 * decoding each text into a string would cost more than all the rest.
 * @module
 */

import { clockErrorMillis, wallMillis } from "./clock.ts";
import { FrameCutter } from "./frames.ts";
import { type Report, Tally } from "./tally.ts";

/** What the benchmark asks. */
export type Question = { ask: "begin"; every: number } | { ask: "report"; afterSync: number };

/** What it hears. */
export type Answer = { say: "ready"; clockErrorMillis: number } | { say: "report"; report: Report };

const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);
const HEAD_END = "\r\n\r\n";

const [service = "", watchedAddress = "", watchedPort = ""] = process.argv.slice(2);
const { hostname, port } = new URL(service);
const tally = new Tally(watchedAddress, Number(watchedPort));
const cutter = new FrameCutter();
const say = (answer: Answer) => process.send?.(answer);

let head = "";
let upgraded = false;
let waitingFor: number | undefined;

await Bun.connect({
  hostname,
  port: Number(port),
  socket: {
    open(socket) {
      socket.write(
        `GET /ws HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`,
      );
    },
    data(socket, chunk) {
      const now = wallMillis();
      cutter.push(upgraded ? chunk : afterHead(chunk), (opcode, payload) => {
        if (opcode === TEXT) tally.frame(payload, now);
        else if (opcode === PING) socket.write(PONG);
        else if (opcode === CLOSE) socket.end();
      });
      reportIfDue();
    },
    close: () => process.exit(0),
    connectError: (_, error) => fail(error.message),
  },
});

/** @returns what follows the answer to the upgrade */
function afterHead(chunk: Buffer): Buffer {
  head += chunk.latin1Slice(0, chunk.length);
  const end = head.indexOf(HEAD_END);
  if (end < 0) return Buffer.alloc(0);
  if (!head.startsWith("HTTP/1.1 101 ")) fail(`${service} did not answer with an upgrade: ${head}`);
  upgraded = true;
  say({ say: "ready", clockErrorMillis: clockErrorMillis() });
  return Buffer.from(head.slice(end + HEAD_END.length), "latin1");
}

function reportIfDue(): void {
  if (waitingFor === undefined || tally.syncId < waitingFor) return;
  waitingFor = undefined;
  say({ say: "report", report: tally.report() });
}

function fail(message: string): never {
  console.error(`subscriber: ${message}`);
  process.exit(1);
}

process.on("message", (question: Question) => {
  if (question.ask === "begin") tally.begin(question.every);
  else waitingFor = question.afterSync;
  reportIfDue();
});
process.on("disconnect", () => process.exit(0));
