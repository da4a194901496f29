/**
 * Delivery, history, hub and listener as `server/index.ts` puts them together, over batches that are made here and not in a
 * kernel. Says its URL; then, for each rate, makes events for some seconds and says what became of them.
 */
import { EventBatch, type RawBatch } from "../../ffi/batch.ts";
import { clockOffset } from "../../ffi/clock.ts";
import { decodeHttpEvent } from "../../ffi/decode.ts";
import { Delivery } from "../../ffi/delivery.ts";
import { BatchHistory } from "../../ffi/history.ts";
import { HttpCursor } from "../../ffi/http-cursor.ts";
import { http } from "../../ffi/protocol.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { createApp } from "../../server/app.ts";
import { filterSchema } from "../../server/filter.ts";
import { RawFilter } from "../../server/filter-raw.ts";
import { HttpSubject } from "../../server/http-subject.ts";
import { Hub } from "../../server/hub.ts";
import { listen } from "../../server/listen.ts";
import { httpBatch, ipv4 } from "../ffi/support/ring.ts";
import { FakeCapture } from "../server/fake.ts";

export type FanOutQuestion = { ask: "run"; perSecond: number; seconds: number } | { ask: "filters" };

export interface FanOutRun {
  /** Events that were made, fewer than asked for when there was no time to. */
  made: number;
  /** Over all subscribers. */
  sent: number;
  dropped: number;
  /** Of this process, with all that waited sent. */
  cpuSeconds: number;
  peakMb: number;
}

export interface FilterCost {
  filter: string;
  /** Beyond what a filter of no key costs. */
  nanosPerEvent: number;
}

/** As settings.ts has them by default. */
const QUEUE_MAX = 65_536;
const HISTORY = { maxBytes: 32 * 1024 * 1024, maxAgeMillis: 60_000 };
/** Of a kernel page. */
const BATCH_EVENTS = 6;
const BATCHES = 1000;
/** As the ring does it. */
const SLICE_MILLIS = 8;
/** Events that a ring would hold while nobody reads; who is behind by more would have lost some. */
const BEHIND_MAX_SECONDS = 0.25;
const NOW_NS = 1_790_000_000_000_000_000n;

const policy = new TargetPolicy();
const history = new BatchHistory(HISTORY, policy);
const hub = new Hub({ queueMax: QUEUE_MAX, subscriberMax: 2000, version: "0.0.0", history });
const clock = clockOffset(NOW_NS);
const delivery = new Delivery([hub], () => clock, policy, history);
const app = createApp({ capture: new FakeCapture(), hub, spans: undefined, version: "0.0.0" });
const { url } = listen({ host: "127.0.0.1", port: 0, app, hub });

const batches = Array.from({ length: BATCHES }, (_, batch) =>
  httpBatch(Array.from({ length: BATCH_EVENTS }, (_, index) => fieldsOf(batch * BATCH_EVENTS + index))),
);

function fieldsOf(number: number) {
  const startNs = BigInt(number) * 1_000_003n;
  return {
    startNs,
    firstByteNs: startNs + 812_345n,
    endNs: startNs + 1_234_567n,
    client: ipv4(10, 0, number & 255, 7),
    server: ipv4(10, 0, 0, 2),
    clientPort: 32_768 + (number % 20_000),
    serverPort: 8080,
    status: number % 50 === 0 ? 404 : 200,
    method: "GET",
    target: `/users/${number}/orders`,
    host: "api.local:8080",
    userAgent: "curl/8.5.0",
    traceparent: `00-${String(number).padStart(32, "a")}-00f067aa0ba902b7-01`,
    requestHeaderBytes: 187,
    responseHeaderBytes: 151,
    responseBodyBytes: BigInt(number % 4096),
  };
}

const take = (batch: RawBatch) =>
  delivery.take({ protocol: http, decode: decodeHttpEvent }, new EventBatch(batch, http.viewOf));

async function run(perSecond: number, seconds: number): Promise<FanOutRun> {
  const before = hub.stats().total;
  const cpuBefore = process.cpuUsage();
  const began = performance.now();
  const total = perSecond * seconds;
  let made = 0;
  let batch = 0;
  while (made < total) {
    const now = performance.now();
    const due = Math.min(total, ((now - began) * perSecond) / 1000);
    if (due - made > perSecond * BEHIND_MAX_SECONDS) break;
    while (made < due && performance.now() - now < SLICE_MILLIS) {
      take(batches[batch++ % BATCHES] as RawBatch);
      made += BATCH_EVENTS;
    }
    delivery.endTurn();
    if (made < due) await new Promise((resolve) => setImmediate(resolve));
    else await Bun.sleep(1);
  }
  await hub.idle();
  const { user, system } = process.cpuUsage(cpuBefore);
  const after = hub.stats().total;
  const sumOf = (dropped: object) => Object.values(dropped).reduce((sum: number, count: number) => sum + count, 0);
  return {
    made,
    sent: after.sent - before.sent,
    dropped: sumOf(after.dropped) - sumOf(before.dropped),
    cpuSeconds: (user + system) / 1e6,
    peakMb: process.resourceUsage().maxRSS / 1e3,
  };
}

/** None of them selects an event. */
const FILTERS = [
  { status: "5xx" },
  { port: 9090 },
  { method: "POST" },
  { path: "/items/**" },
  { path: "/*/items" },
  { path: "/*/x" },
  { host: "*.example" },
  { client: "192.168.0.0/16" },
  { minDurationMs: 100 },
  { status: "2xx", method: "POST", path: "/items/**" },
];
const cursor = new HttpCursor(policy);
const subject = new HttpSubject();
const FILTER_EVENTS = 1_000_000;
const FILTER_ROUNDS = 10;

/** In turns, so that the machine is the same for all of them, and of each the least: what others do has no part in it. */
function filterCosts(): FilterCost[] {
  const filters = [{}, ...FILTERS].map((given) => new RawFilter(filterSchema.parse(given)));
  const least = filters.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < FILTER_ROUNDS; round++)
    for (const [index, filter] of filters.entries())
      least[index] = Math.min(least[index] as number, nanosOf(filter, index === 0));
  const [none = 0, ...costs] = least;
  return FILTERS.map((filter, index) => ({
    filter: JSON.stringify(filter),
    nanosPerEvent: (costs[index] as number) - none,
  }));
}

/** By this process's CPU time. */
function nanosOf(filter: RawFilter, selectsAll: boolean): number {
  let selected = 0;
  const before = process.cpuUsage();
  for (let event = 0; event < FILTER_EVENTS; ) {
    cursor.open(batches[event % BATCHES] as RawBatch, 1, clock);
    for (let index = 0; index < BATCH_EVENTS; index++, event++) {
      subject.look(cursor.at(index));
      if (filter.selects(subject)) selected++;
    }
  }
  const { user, system } = process.cpuUsage(before);
  if (selected > 0 !== selectsAll)
    throw new Error(`${selected} events are selected, and should ${selectsAll ? "" : "not "}be`);
  return ((user + system) * 1000) / FILTER_EVENTS;
}

process.on("message", async (question: FanOutQuestion) => {
  process.send?.(question.ask === "run" ? await run(question.perSecond, question.seconds) : filterCosts());
});
process.on("disconnect", () => process.exit(0));
process.send?.(url);
