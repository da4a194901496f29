import { describe, expect, test } from "bun:test";
import { batch as Batch, http_event as Http } from "../../ffi/layout.generated.ts";
import { Hub } from "../../server/hub.ts";
import type { Since } from "../../server/subscription.ts";
import { FakeTransport, type SeenFrame } from "./fake.ts";
import { Synthetic } from "./support/synthetic.ts";

const BATCH_BYTES = Batch.SIZE + 10 * Http.SIZE;

/** A service whose history has room for so many batches of 10 events. */
function setUp({ batches = 100, queueMax = 1000, stepMillis = 0, maxAgeMillis = 1e9 } = {}) {
  let now = 0;
  const nowMillis = () => {
    now += stepMillis;
    return now;
  };
  const synthetic = new Synthetic({ maxBytes: batches * BATCH_BYTES, maxAgeMillis, nowMillis: () => now });
  const hub = new Hub({ queueMax, subscriberMax: 10, version: "0", run: "k3x", history: synthetic.history, nowMillis });
  synthetic.feed(hub);
  const happen = (count = 1) => {
    for (let batch = 0; batch < count; batch++) synthetic.http(Array.from({ length: 10 }, () => ({ status: 200 })));
    synthetic.endTurn();
  };
  const join = (since?: Since, transport = new FakeTransport()) => {
    const subscriber = hub.subscribe(transport, "fake", since === undefined ? {} : { since });
    if (subscriber === undefined) throw new Error("the hub refused a subscriber");
    return { transport, subscriber };
  };
  const pass = (millis: number) => {
    now += millis;
  };
  return { hub, happen, join, pass };
}

const seqs = (frames: SeenFrame[]) => frames.flatMap((frame) => frame.events?.map((event) => event.seq) ?? []);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("a subscriber that resumes", () => {
  test("gets what happened since, in frames as large as others, then what happens", () => {
    const { happen, join } = setUp();
    happen(60);
    const { transport } = join({ seq: 95 });
    expect(transport.frames[0]).toMatchObject({ type: "hello", nextSeq: 96, resumed: true });
    expect(transport.frames.slice(1).map(({ events }) => events?.length)).toEqual([256, 249]);
    happen();
    expect(seqs(transport.frames)).toEqual(range(96, 610));
  });

  test("gets nothing when nothing happened since", () => {
    const { happen, join } = setUp();
    happen();
    const { transport } = join({ seq: 10 });
    expect(transport.frames).toMatchObject([{ type: "hello", nextSeq: 11, resumed: true }]);
  });

  test("is told exactly of what is kept no longer", () => {
    const { happen, join } = setUp({ batches: 3 });
    happen(10);
    const { transport, subscriber } = join({ seq: 42 });
    expect(transport.frames[0]).toMatchObject({ nextSeq: 43, resumed: false });
    expect(transport.frames[1]).toEqual({ type: "gap", dropped: 28, fromSeq: 43, toSeq: 70, reason: "history" });
    expect(seqs(transport.frames)).toEqual(range(71, 100));
    expect(join({ seq: 70 }).transport.frames[0]).toMatchObject({ nextSeq: 71, resumed: true });
    expect(join({ seq: 69 }).transport.frames[0]).toMatchObject({ nextSeq: 70, resumed: false });
    expect(subscriber.flow.ledger()).toMatchObject({ delivered: 58, sent: 30, dropped: { history_gone: 28 } });
  });

  test.each<[string, Since]>([
    ["of another run", { seq: 5, run: "other" }],
    ["that has not happened", { seq: 31 }],
  ])("behind an event %s gets all there is, and is told that this is not what it asked for", (_, since) => {
    const { happen, join } = setUp({ batches: 2 });
    happen(3);
    const { transport } = join(since);
    expect(transport.frames.slice(0, 2)).toMatchObject([
      { type: "hello", nextSeq: 1, resumed: false },
      { type: "gap", dropped: 10, fromSeq: 1, toSeq: 10 },
    ]);
    expect(seqs(transport.frames)).toEqual(range(11, 30));
  });

  test("by time gets what was delivered since", () => {
    const { happen, join, pass } = setUp();
    happen();
    pass(3000);
    happen();
    pass(2000);
    const { transport } = join({ agoMillis: 3000 });
    expect(transport.frames[0]).toMatchObject({ nextSeq: 11, resumed: true });
    expect(seqs(transport.frames)).toEqual(range(11, 20));
  });

  test("without a history is told that all of it is lost", () => {
    const hub = new Hub({ queueMax: 10, subscriberMax: 10, version: "0" });
    hub.pass("http", 20, 20);
    const transport = new FakeTransport();
    hub.subscribe(transport, "fake", { since: { seq: 5 } });
    expect(transport.frames).toMatchObject([
      { nextSeq: 6, resumed: false },
      { type: "gap", dropped: 15, fromSeq: 6, toSeq: 20 },
    ]);
  });
});

describe("a subscriber that reads slowly while it resumes", () => {
  test("loses nothing of what the history holds, whatever the size of its queue", () => {
    const { hub, happen, join } = setUp({ queueMax: 7 });
    happen(20);
    const transport = new FakeTransport();
    transport.nextStatus = () => -1;
    const { subscriber } = join({ seq: 0 }, transport);
    for (let reads = 0; subscriber.position !== undefined; reads++) {
      expect(subscriber.flow.queued).toBeLessThanOrEqual(7);
      if (reads % 10 === 0) happen();
      hub.drain(subscriber);
    }
    const { delivered } = subscriber.flow;
    expect(seqs(transport.frames)).toEqual(range(1, delivered));
    expect(delivered).toBeGreaterThan(200);
    expect(transport.frames.some(({ type }) => type === "gap")).toBe(false);
  });

  test("that the history overtakes is told of what it missed", () => {
    const { hub, happen, join } = setUp({ batches: 3 });
    happen(3);
    const transport = new FakeTransport();
    transport.statuses.push(-1);
    const { subscriber } = join({ seq: 0 }, transport);
    happen(5);
    hub.drain(subscriber);
    expect(transport.frames[1]).toMatchObject({ type: "gap", dropped: 50, fromSeq: 1, toSeq: 50 });
    expect(seqs(transport.frames)).toEqual(range(51, 80));
  });

  // Each in another place between two turns.
  test.each([92, 93, 94, 95, 96])(
    "is told of what grows too old while it is given what came before (%d)",
    async (age) => {
      const { hub, happen, join, pass } = setUp({ maxAgeMillis: 100, stepMillis: 1 });
      happen(40);
      pass(age);
      const { transport } = join({ seq: 0 });
      await hub.idle();
      const given = seqs(transport.frames);
      expect(given).toEqual(range(1, given.length));
      expect(given.length).toBeGreaterThan(0);
      const gap = { dropped: 400 - given.length, fromSeq: given.length + 1, toSeq: 400, reason: "history" };
      expect(transport.frames.at(-1)).toEqual({ type: "gap", ...gap });
    },
  );

  test("is closed when it reads nothing for too long, though nothing waits in its queue", () => {
    const { hub, happen, join, pass } = setUp();
    happen(3);
    const transport = new FakeTransport();
    transport.statuses.push(-1);
    join({ seq: 0 }, transport);
    pass(31_000);
    hub.tend();
    expect(transport.closed?.code).toBe(1013);
  });

  test("hears of a barrier behind everything that came before it, and of no heartbeat until then", () => {
    const { hub, happen, join } = setUp();
    happen(3);
    const transport = new FakeTransport();
    transport.statuses.push(-1);
    const { subscriber } = join({ seq: 0 }, transport);
    hub.sync(7);
    hub.beat();
    expect(transport.frames).toHaveLength(1);
    hub.drain(subscriber);
    expect(transport.frames.map(({ type }) => type)).toEqual(["hello", "batch", "sync"]);
    expect(seqs(transport.frames)).toEqual(range(1, 30));
  });

  test("may change its filter where it is", () => {
    const { hub, happen, join } = setUp({ queueMax: 10 });
    happen(3);
    const transport = new FakeTransport();
    transport.statuses.push(1, -1);
    const { subscriber } = join({ seq: 0 }, transport);
    hub.change(subscriber, { status: ["404"] });
    hub.drain(subscriber);
    expect(transport.frames.at(-1)).toEqual({ type: "subscribed", filter: { status: ["404"] }, fromSeq: 11 });
    expect(seqs(transport.frames)).toEqual(range(1, 10));
    expect(subscriber.flow.ledger()).toMatchObject({ delivered: 30, sent: 10, filtered: 20 });
  });
});

test("a long past is given in slices, so that others need not wait for it", async () => {
  const { hub, happen, join } = setUp({ batches: 1000, stepMillis: 1 });
  happen(500);
  const { transport, subscriber } = join({ seq: 0 });
  const other = join({ seq: 0 });
  expect(seqs(transport.frames).length).toBeLessThan(5000);
  happen();
  await hub.idle();
  expect(subscriber.position).toBeUndefined();
  for (const { frames } of [transport, other.transport]) expect(seqs(frames)).toEqual(range(1, 5010));
});

test("who leaves while it is given the past is given no more", async () => {
  const { hub, happen, join } = setUp({ batches: 1000, stepMillis: 1 });
  happen(500);
  const { transport, subscriber } = join({ seq: 0 });
  const before = transport.frames.length;
  hub.unsubscribe(subscriber);
  await hub.idle();
  await new Promise((resolve) => setImmediate(resolve));
  expect(transport.frames).toHaveLength(before);
  expect(hub.stats().total.queued).toBe(0);
});
