import { describe, expect, test } from "bun:test";
import { Hub, type HubOptions } from "../../server/hub.ts";
import type { Policy } from "../../server/subscription.ts";
import { FakeTransport, httpEvents, type SeenFrame } from "./fake.ts";

/** A subscriber that reads nothing, behind the frame of event 1. */
function stalled(policy: Policy, options: Partial<HubOptions> = {}) {
  const time = { now: 0 };
  const hub = new Hub({ queueMax: 10, subscriberMax: 10, version: "0", nowMillis: () => time.now, ...options });
  const transport = new FakeTransport();
  const subscriber = hub.subscribe(transport, "fake", { policy });
  if (subscriber === undefined) throw new Error("the hub refused a subscriber");
  transport.statuses.push(-1);
  hub.offer(httpEvents(1, 1));
  return { hub, transport, subscriber, time };
}

/** Events by their numbers, gaps as `lost: from-to`. */
const told = (frames: SeenFrame[]) =>
  frames.slice(1).flatMap(({ type, events, dropped, fromSeq, toSeq }): (number | string)[] => {
    if (type === "gap") return [`${dropped} lost: ${fromSeq}-${toSeq}`];
    return events?.map(({ seq }) => seq) ?? [type];
  });

describe("when there is no room", () => {
  test("drop-newest keeps what waits", () => {
    const { hub, transport, subscriber } = stalled("drop-newest");
    for (let seq = 2; seq <= 16; seq += 5) hub.offer(httpEvents(seq, 5));
    hub.drain(subscriber);
    expect(told(transport.frames)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "5 lost: 12-16"]);
    expect(subscriber.flow.ledger()).toMatchObject({ delivered: 16, sent: 11, dropped: { queue_full: 5 } });
  });

  test("drop-oldest keeps what is new, and tells of the loss in its place", () => {
    const { hub, transport, subscriber } = stalled("drop-oldest");
    for (let seq = 2; seq <= 21; seq += 5) hub.offer(httpEvents(seq, 5));
    expect(subscriber.flow.ledger()).toMatchObject({ delivered: 21, sent: 1, queued: 10, dropped: { queue_full: 10 } });
    hub.drain(subscriber);
    expect(told(transport.frames)).toEqual([1, "10 lost: 2-11", 12, 13, 14, 15, 16, 17, 18, 19, 20, 21]);
  });

  test("drop-oldest leaves what is told between batches where it was", () => {
    const { hub, transport, subscriber } = stalled("drop-oldest");
    hub.offer(httpEvents(2, 5));
    hub.sync(7);
    for (let seq = 7; seq <= 17; seq += 5) hub.offer(httpEvents(seq, 5));
    hub.drain(subscriber);
    expect(told(transport.frames)).toEqual([
      1,
      "5 lost: 2-6",
      "sync",
      "5 lost: 7-11",
      ...[12, 13, 14, 15, 16, 17, 18, 19, 20, 21],
    ]);
  });

  test("drop-oldest makes room where all queues together are full", () => {
    const { hub, subscriber } = stalled("drop-oldest", { queueMax: 1000, memoryMaxBytes: 4000 });
    for (let seq = 2; seq <= 52; seq += 5) hub.offer(httpEvents(seq, 5));
    const { dropped, queued } = subscriber.flow.ledger();
    expect(queued).toBeGreaterThan(0);
    expect(dropped).toEqual({ memory_full: 55 - queued });
    expect(hub.stats().queuedBytes).toBeLessThanOrEqual(4000);
  });

  test("who lags most makes room for who lags less, so that the one costs the other nothing", () => {
    const hub = new Hub({ queueMax: 1000, subscriberMax: 10, version: "0", memoryMaxBytes: 20_000 });
    const join = (filter: object) => {
      const transport = new FakeTransport();
      const subscriber = hub.subscribe(transport, "fake", { filter });
      if (subscriber === undefined) throw new Error("the hub refused a subscriber");
      return { transport, subscriber };
    };
    const [stalled, brief] = [join({}), join({ path: ["/users/*"] })];
    stalled.transport.statuses.push(-1);
    for (let seq = 1; seq <= 96; seq += 5) hub.offer(httpEvents(seq, 5));
    brief.transport.statuses.push(-1);
    for (let seq = 101; seq <= 116; seq += 5) hub.offer(httpEvents(seq, 5));
    expect(brief.subscriber.flow.ledger()).toMatchObject({ queued: 15, dropped: {} });
    for (const { subscriber } of [stalled, brief]) hub.drain(subscriber);
    expect(told(brief.transport.frames)).toEqual(Array.from({ length: 120 }, (_, index) => index + 1));
    const { delivered, sent, dropped } = stalled.subscriber.flow.ledger();
    expect(delivered).toBe(120);
    expect(sent + (dropped.memory_full ?? 0)).toBe(120);
    expect(told(stalled.transport.frames).some((one) => String(one).endsWith("lost: 6-20"))).toBe(true);
  });

  test("sample lets in fewer the fuller the queue is, evenly spread", () => {
    const { hub, transport, subscriber } = stalled("sample", { queueMax: 100 });
    for (let seq = 2; seq <= 300; seq++) hub.offer(httpEvents(seq, 1));
    expect(subscriber.flow.dropped.queue_full).toBe(0);
    hub.drain(subscriber);
    const seen = transport.frames.slice(1).flatMap(({ events }) => events?.map(({ seq }) => seq) ?? []);
    expect(seen.slice(0, 52)).toEqual(Array.from({ length: 52 }, (_, index) => index + 1));
    const distances = seen.slice(52).map((seq, index) => seq - (seen[51 + index] as number));
    expect([...new Set(distances)].sort((a, b) => a - b)).toEqual([2, 4, 8, 16, 32]);
    expect(subscriber.flow.ledger()).toMatchObject({ sent: seen.length, dropped: { sampled: 300 - seen.length } });
  });

  test("disconnect ends the connection at the first loss", () => {
    const { hub, transport, subscriber } = stalled("disconnect");
    hub.offer(httpEvents(2, 10));
    expect(transport.closed).toBeUndefined();
    hub.offer(httpEvents(12, 1));
    expect(transport.closed).toEqual({
      code: 1013,
      reason: "read too slowly, and asked to be disconnected then; 10 queued events dropped",
    });
    expect(subscriber.closed).toBe(true);
    expect(hub.stats()).toMatchObject({
      connected: 0,
      queuedBytes: 0,
      total: { delivered: 12, sent: 1, queued: 0, dropped: { queue_full: 1, disconnected: 10 } },
    });
  });
});

test.each<Policy>(["drop-newest", "drop-oldest", "sample", "disconnect"])(
  "what has waited for too long is dropped and announced, with %s",
  (policy) => {
    const { hub, transport, subscriber, time } = stalled(policy, { queueMax: 100, queueMaxMillis: 5000 });
    hub.offer(httpEvents(2, 3));
    time.now = 4000;
    hub.offer(httpEvents(5, 3));
    time.now = 5001;
    hub.tend();
    expect(subscriber.flow.ledger()).toMatchObject({ queued: 3, dropped: { too_old: 3 } });
    hub.drain(subscriber);
    expect(told(transport.frames)).toEqual([1, "3 lost: 2-4", 5, 6, 7]);
  },
);

test("neighbouring losses of either end are one gap", () => {
  const { hub, transport, subscriber, time } = stalled("drop-newest", { queueMaxMillis: 5000 });
  hub.offer(httpEvents(2, 10));
  hub.offer(httpEvents(12, 10));
  time.now = 6000;
  hub.tend();
  hub.drain(subscriber);
  expect(told(transport.frames)).toEqual([1, "20 lost: 2-21"]);
});
