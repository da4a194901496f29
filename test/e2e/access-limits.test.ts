import { afterEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import type { Stats } from "../../server/schema.ts";
import { endAll, output } from "./support/child.ts";
import { RawSocket, requestText, UPGRADE_FIELDS } from "./support/raw-socket.ts";
import { type Recorded, startRecorded } from "./support/recorded.ts";

/** What a client can hold, and for how long. */

const LIMIT_MILLIS = 60_000;
/** Bun looks every 4 s at what 10 s are up for. */
const HELD_MAX_MILLIS = 16_000;
const HELD_MIN_MILLIS = 9000;
const CALM_CPU_SHARE = 0.1;
const MILLIS_PER_TICK = 10;
const DRIP_MILLIS = 500;
const CONNECTIONS = 10_000;
/** A few kilobytes each. */
const CONNECTIONS_MAX_MIB = 100;
const ANSWER_MAX_MILLIS = 2000;

afterEach(endAll, LIMIT_MILLIS);

const stats = async ({ url }: Recorded) => (await (await fetch(`${url}/stats`)).json()) as Stats;
const residentMib = ({ process }: Recorded) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${process.pid}/status`, "utf8"))?.[1]) / 1024;
const descriptors = ({ process }: Recorded) => readdirSync(`/proc/${process.pid}/fd`).length;

const JSON_FIELDS = ["Content-Type: application/json"];
const slow: [name: string, begin: string, drip: string][] = [
  ["nothing", "", ""],
  ["the half of a head", "GET /healthz HTTP/1.1\r\nHost: 127", ""],
  ["a head byte by byte", `${requestText("GET /healthz").slice(0, -2)}X-A: `, "b"],
  ["a head field by field", requestText("GET /healthz").slice(0, -2), "X-A: b\r\n"],
  ["a body that does not come", requestText("PUT /protocols/http", [...JSON_FIELDS, "Content-Length: 100"]), ""],
  ["a body byte by byte", requestText("PUT /protocols/http", [...JSON_FIELDS, "Content-Length: 1000"]), "x"],
  [
    "a body chunk by chunk",
    requestText("PUT /protocols/http", [...JSON_FIELDS, "Transfer-Encoding: chunked"]),
    "1\r\nx\r\n",
  ],
  ["one request, and no other", requestText("GET /healthz"), ""],
  ["the half of an upgrade", requestText("GET /ws", UPGRADE_FIELDS).slice(0, -2), ""],
];

test(
  "who sends slowly, or nothing, is not waited for",
  async () => {
    const { url } = await startRecorded();
    const held = await Promise.all(
      slow.map(async ([name, begin, drip]) => {
        const socket = await RawSocket.connect(url);
        const began = performance.now();
        socket.send(begin);
        const timer = setInterval(() => socket.send(drip), DRIP_MILLIS);
        await socket.ended;
        clearInterval(timer);
        return { name, millis: performance.now() - began };
      }),
    );
    expect(held.filter(({ millis }) => millis > HELD_MAX_MILLIS)).toEqual([]);
  },
  LIMIT_MILLIS,
);

test(
  "10,000 connections are held at some kilobytes each; who asks meanwhile is answered",
  async () => {
    const service = await startRecorded();
    await stats(service);
    const [residentBefore, openBefore] = [residentMib(service), descriptors(service)];
    const sockets: RawSocket[] = [];
    for (let opened = 0; opened < CONNECTIONS; opened += 500)
      sockets.push(...(await Promise.all(Array.from({ length: 500 }, () => RawSocket.connect(service.url)))));
    const asked = performance.now();
    await stats(service);
    expect(performance.now() - asked).toBeLessThan(ANSWER_MAX_MILLIS);
    expect(descriptors(service)).toBeGreaterThan(0.9 * CONNECTIONS);
    const answered = sockets.map(async (socket) => (await socket.send(requestText("GET /healthz")).answer())?.status);
    expect(new Set(await Promise.all(answered))).toEqual(new Set([200]));
    expect(residentMib(service) - residentBefore).toBeLessThan(CONNECTIONS_MAX_MIB);
    for (const socket of sockets) socket.abort();
    while (descriptors(service) > openBefore + 2) await stats(service);
    expect(service.process.stderr).toBe("");
  },
  LIMIT_MILLIS,
);

describe("subscribers", () => {
  test("beyond --subscriber-max are refused, and one that leaves makes room", async () => {
    const service = await startRecorded({ flags: ["--subscriber-max=50"] });
    const upgrade = async () => {
      const socket = await RawSocket.connect(service.url);
      return { socket, status: (await socket.send(requestText("GET /ws", UPGRADE_FIELDS)).answer())?.status };
    };
    const all = await Promise.all(Array.from({ length: 80 }, upgrade));
    expect(all.filter(({ status }) => status === 101)).toHaveLength(50);
    expect(all.filter(({ status }) => status === 503)).toHaveLength(30);
    all.find(({ status }) => status === 101)?.socket.abort();
    while ((await stats(service)).subscribers.connected === 50);
    expect((await upgrade()).status).toBe(101);
  });
});

test(
  "without descriptors left it waits at small cost, and is whole when there are some again",
  async () => {
    const limit = 200;
    const service = await startRecorded();
    await output(["prlimit", `--pid=${service.process.pid}`, `--nofile=${limit}:${limit}`]);
    const sockets = await Promise.all(Array.from({ length: 400 }, () => RawSocket.connect(service.url)));
    while (descriptors(service) < limit) await Bun.sleep(10);
    const endMillis = performance.now() + HELD_MIN_MILLIS;
    let used = Number.POSITIVE_INFINITY;
    while (used > CALM_CPU_SHARE && performance.now() < endMillis) used = await cpuShare(service);
    expect(used).toBeLessThan(CALM_CPU_SHARE);
    expect(descriptors(service)).toBe(limit);
    for (const socket of sockets) socket.abort();
    expect(await stats(service)).toMatchObject({ balanced: true, running: true });
  },
  LIMIT_MILLIS,
);

/** Over the next second. */
async function cpuShare({ process }: Recorded): Promise<number> {
  const [began, before] = [performance.now(), cpuMillis(process.pid)];
  await Bun.sleep(1000);
  return (cpuMillis(process.pid) - before) / (performance.now() - began);
}

/** Of all its threads; proc(5). */
function cpuMillis(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * MILLIS_PER_TICK;
}
