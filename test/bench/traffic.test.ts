import { afterAll, beforeAll, expect, test } from "bun:test";
import { endAll } from "./children.ts";
import type { Nginx } from "./nginx.ts";
import { buildGenerator, paced, TRAFFIC, type Traffic } from "./traffic.ts";

const PER_SECOND = 400;
const SECONDS = 0.5;
const DUE = PER_SECOND * SECONDS;
/** On a machine that others use, some may come after the generator has stopped waiting. */
const HELD = 0.8;
const STALL_MILLIS = 150;

let served = 0;
let stallAt = -1;
const connections = new Set<string>();

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request, { requestIP }) {
    const client = requestIP.call(server, request);
    connections.add(`${client?.port}`);
    if (served++ === stallAt) Bun.sleepSync(STALL_MILLIS);
    return new Response("Hello, world!\n");
  },
});

beforeAll(buildGenerator);
afterAll(async () => {
  await endAll();
  await server.stop(true);
});

function load(kind: Traffic["kind"], stall = -1) {
  served = 0;
  stallAt = stall;
  connections.clear();
  const traffic = TRAFFIC.find((one) => one.kind === kind);
  if (!traffic) throw new Error(`no traffic is called ${kind}`);
  return paced({ port: server.port } as Nginx, traffic, PER_SECOND, SECONDS);
}

test("a fixed rate is held, on connections that stay", async () => {
  const { requests, perSecond } = await load("small");
  expect(requests).toBeWithin(DUE * HELD, DUE + 1);
  expect(perSecond).toBe(requests / SECONDS);
  expect(connections.size).toBeLessThanOrEqual(32);
});

test("a fixed rate is held, each request on a connection of its own", async () => {
  const { requests } = await load("new");
  expect(requests).toBeWithin(DUE * HELD, DUE + 1);
  expect(connections.size).toBe(served);
});

test("while the server stands still the requests that were due wait, and their latency says so", async () => {
  const { requests, maxMicros, p99Micros } = await load("small", PER_SECOND * 0.4);
  expect(requests).toBeWithin(DUE * HELD, DUE + 1);
  expect(maxMicros).toBeGreaterThan(STALL_MILLIS * 900);
  // Not one alone: about 60 were due meanwhile.
  expect(p99Micros).toBeGreaterThan(STALL_MILLIS * 500);
});
