import { afterEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Child, endAll } from "../e2e/support/child.ts";

const LIMIT_MILLIS = 60_000;
const STALLED = 50;
const MADE_PER_SECOND = 20_000;
const SECONDS = 4;
/** All queues together may hold 128 MiB, the history 32 MiB; the rest is the process itself, and garbage. */
const RESIDENT_MAX_MIB = 450;
/** What goes out, goes: it must not be held a second time while it is sent. */
const RISE_MAX_MIB = 64;
const SAMPLE_MILLIS = 5;
const SYNC = '{"type":"sync"';

afterEach(endAll);

const programFile = (name: string) => new URL(`support/programs/${name}.ts`, import.meta.url).pathname;
const residentMib = (pid: number) =>
  Number(readFileSync(`/proc/${pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)?.[1]) / 1024;

/** A subscriber that reads nothing but its greeting, until it is told to. Nothing that it reads is kept. */
class Stalled {
  isGreeted = false;
  isSynced = false;
  bytes = 0;
  #tail = "";
  #socket: Bun.Socket | undefined;

  async connect(url: URL, query: string): Promise<void> {
    const head = [
      `GET /ws?${query} HTTP/1.1`,
      `Host: ${url.host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    this.#socket = await Bun.connect({
      hostname: url.hostname,
      port: Number(url.port),
      socket: {
        open: (socket) => void socket.write(`${head.join("\r\n")}\r\n\r\n`),
        data: (socket, chunk) => {
          this.bytes += chunk.length;
          const text = this.#tail + chunk.toString("latin1");
          this.#tail = text.slice(-SYNC.length);
          if (text.includes(SYNC)) this.isSynced = true;
          if (this.isGreeted || !text.includes('"type":"hello"')) return;
          this.isGreeted = true;
          socket.pause();
        },
      },
    });
  }

  resume(): void {
    this.#socket?.resume();
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(SAMPLE_MILLIS);
}

test(
  "what waits for 50 stalled subscribers takes no more memory when all resume at once",
  async () => {
    const said: string[] = [];
    const maker = new Child([process.execPath, programFile("maker")], {}, (line) => said.push(line));
    await maker.until(() => said.length > 0);
    const url = new URL(said[0] as string);
    const crowd = Array.from({ length: STALLED }, () => new Stalled());
    // With a filter of its own each has frames of its own.
    for (const [index, one] of crowd.entries()) await one.connect(url, `path=!/*/${index}/*`);
    await until(() => crowd.every(({ isGreeted }) => isGreeted));
    maker.say(`make ${MADE_PER_SECOND} ${SECONDS}`);
    await maker.until(() => said.length > 1);
    maker.say("sync");

    const before = residentMib(maker.pid);
    let highest = before;
    for (const one of crowd) one.resume();
    await until(() => {
      highest = Math.max(highest, residentMib(maker.pid));
      return crowd.every(({ isSynced }) => isSynced);
    });
    expect(crowd.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(128 * 1024 * 1024);
    expect(highest - before).toBeLessThan(RISE_MAX_MIB);
    expect(highest).toBeLessThan(RESIDENT_MAX_MIB);
  },
  LIMIT_MILLIS,
);
