import { describe, expect, spyOn, test } from "bun:test";
import type { Filter } from "../../server/filter.ts";
import type { FlowLedger } from "../../server/flow.ts";
import { Hub, type HubOptions } from "../../server/hub.ts";
import type { Subscriber } from "../../server/subscriber.ts";
import { FakeTransport, httpEvents, type SeenFrame, seededRandom } from "./fake.ts";

const createHub = (options: Partial<HubOptions> = {}) =>
  new Hub({ queueMax: 1000, subscriberMax: 10, version: "0.0.0", run: "k3x", ...options });

const join = (hub: Hub, transport = new FakeTransport()) => {
  const subscriber = hub.subscribe(transport, "127.0.0.1");
  if (subscriber === undefined) throw new Error("the hub refused a subscriber");
  return { transport, subscriber };
};

const joinWith = (hub: Hub, filter: Filter) => {
  const subscriber = hub.subscribe(new FakeTransport(), "127.0.0.1", { filter });
  if (subscriber === undefined) throw new Error("the hub refused a subscriber");
  return { subscriber };
};

const balance = (flow: FlowLedger): number =>
  flow.delivered -
  flow.sent -
  flow.filtered -
  flow.queued -
  Object.values(flow.dropped).reduce((sum, count) => sum + count, 0);

const types = (frames: SeenFrame[]) => frames.map((frame) => frame.type);
const seqs = (frames: SeenFrame[]) => frames.flatMap((frame) => frame.events?.map((event) => event.seq) ?? []);

describe("a subscriber that keeps up", () => {
  test("is greeted first, with the sequence number that comes next", () => {
    const hub = createHub();
    hub.offer(httpEvents(1, 3));
    const { transport } = join(hub);
    hub.offer(httpEvents(4, 2));
    expect(transport.frames).toEqual([
      {
        type: "hello",
        version: 1,
        service: { name: "kernelcast", version: "0.0.0" },
        run: "k3x",
        source: { kind: "kernel" },
        protocols: ["http"],
        subscriber: 1,
        filter: {},
        nextSeq: 4,
        resumed: false,
        heartbeatMillis: 15_000,
      },
      { type: "batch", protocol: "http", events: httpEvents(4, 2) },
    ] as object[] as SeenFrame[]);
  });

  test("shares one encoding with all others", () => {
    const hub = createHub();
    const all = Array.from({ length: 5 }, () => join(hub));
    const stringify = spyOn(JSON, "stringify");
    hub.offer(httpEvents(1, 10));
    expect(stringify).toHaveBeenCalledTimes(10);
    stringify.mockRestore();
    for (const { transport } of all) expect(seqs(transport.frames)).toHaveLength(10);
  });

  test("costs no encoding when there is none", () => {
    const hub = createHub();
    const stringify = spyOn(JSON, "stringify");
    hub.offer(httpEvents(1, 10));
    expect(stringify).not.toHaveBeenCalled();
    stringify.mockRestore();
    expect(hub.stats().offered).toEqual({ http: 10 });
  });

  test("receives a huge batch in frames of bounded size", () => {
    const hub = createHub();
    const { transport } = join(hub);
    hub.offer(httpEvents(1, 1000));
    expect(transport.frames.slice(1).map((frame) => frame.events?.length)).toEqual([256, 256, 256, 232]);
  });

  test("loses nothing although stalled ones have used up all memory", () => {
    const hub = createHub({ memoryMaxBytes: 5000 });
    const slow = join(hub);
    const fast = join(hub);
    slow.transport.statuses.push(-1);
    for (let seq = 1; seq <= 100; seq += 10) hub.offer(httpEvents(seq, 10));
    expect(seqs(fast.transport.frames)).toHaveLength(100);
    expect(slow.subscriber.stats().dropped.memory_full).toBeGreaterThan(0);
    expect(hub.stats().queuedBytes).toBeLessThanOrEqual(5000);
    expect(balance(slow.subscriber.stats())).toBe(0);
  });
});

describe("a subscriber that lags", () => {
  test("gets what fits its queue, then a gap with exact numbers, then what follows", () => {
    const hub = createHub({ queueMax: 20 });
    const { transport, subscriber } = join(hub);
    transport.statuses.push(-1);
    for (let seq = 1; seq <= 51; seq += 10) hub.offer(httpEvents(seq, 10));
    expect(subscriber.stats()).toMatchObject({ delivered: 60, sent: 10, queued: 20, dropped: { queue_full: 30 } });
    hub.drain(subscriber);
    hub.offer(httpEvents(61, 10));
    expect(types(transport.frames)).toEqual(["hello", "batch", "batch", "batch", "gap", "batch"]);
    expect(transport.frames[4]).toEqual({ type: "gap", dropped: 30, fromSeq: 31, toSeq: 60 });
    expect(seqs(transport.frames)).toEqual([...httpEvents(1, 30), ...httpEvents(61, 10)].map((event) => event.seq));
  });

  test("is told of the loss on drain, without waiting for further events", () => {
    const hub = createHub({ queueMax: 1 });
    const { transport, subscriber } = join(hub);
    transport.statuses.push(-1);
    for (let seq = 1; seq <= 5; seq++) hub.offer(httpEvents(seq, 1));
    hub.drain(subscriber);
    expect(transport.frames.at(-1)).toEqual({ type: "gap", dropped: 3, fromSeq: 3, toSeq: 5 });
  });

  test("keeps a frame that the transport did not take and gets it once, later", () => {
    const hub = createHub();
    const { transport, subscriber } = join(hub);
    transport.statuses.push(0);
    hub.offer(httpEvents(1, 2));
    hub.offer(httpEvents(3, 2));
    expect(subscriber.stats()).toMatchObject({ delivered: 4, sent: 0, queued: 4, paused: true });
    hub.drain(subscriber);
    expect(seqs(transport.frames)).toEqual([1, 2, 3, 4]);
  });

  test("is closed when it has read nothing for too long, and its queue counts as stalled", () => {
    let nowMillis = 0;
    const hub = createHub({ stallMillis: 30_000, nowMillis: () => nowMillis });
    const { transport, subscriber } = join(hub);
    transport.statuses.push(-1);
    hub.offer(httpEvents(1, 1));
    nowMillis = 60_000;
    hub.tend();
    expect(transport.closed).toBeUndefined(); // nothing waits for it
    hub.offer(httpEvents(2, 7));
    hub.tend();
    expect(transport.closed).toEqual({ code: 1013, reason: "read nothing for 60 s; 7 queued events dropped" });
    hub.unsubscribe(subscriber);
    expect(hub.stats()).toMatchObject({
      connected: 0,
      queuedBytes: 0,
      total: { delivered: 8, sent: 1, queued: 0, dropped: { stalled: 7 } },
    });
  });

  test("is not closed while it reads, however slowly", () => {
    let nowMillis = 0;
    const hub = createHub({ stallMillis: 30_000, nowMillis: () => nowMillis });
    const { transport, subscriber } = join(hub);
    transport.nextStatus = () => -1;
    for (let seq = 1; seq <= 20; seq++) hub.offer(httpEvents(seq, 1));
    for (let round = 0; round < 10; round++) {
      nowMillis += 29_000;
      hub.tend();
      hub.drain(subscriber);
    }
    expect(transport.closed).toBeUndefined();
  });

  test("is closed when it provokes replies without reading them", () => {
    const hub = createHub();
    const { transport, subscriber } = join(hub);
    transport.statuses.push(-1);
    for (let count = 0; count < 1026; count++) hub.reject(subscriber, "no");
    expect(transport.closed?.code).toBe(1013);
    expect(hub.stats().connected).toBe(0);
  });
});

describe("sync", () => {
  test("comes behind everything offered before it, queued or dropped", () => {
    const hub = createHub({ queueMax: 2 });
    const { transport, subscriber } = join(hub);
    transport.statuses.push(-1);
    for (let seq = 1; seq <= 5; seq++) hub.offer(httpEvents(seq, 1));
    hub.sync(7);
    hub.offer(httpEvents(6, 1));
    hub.drain(subscriber);
    expect(types(transport.frames)).toEqual(["hello", "batch", "batch", "batch", "gap", "sync", "gap"]);
    expect(transport.frames[5]).toEqual({ type: "sync", id: 7 });
    expect(transport.frames[6]).toEqual({ type: "gap", dropped: 1, fromSeq: 6, toSeq: 6 });
  });

  test("names the CPUs that did not answer", () => {
    const hub = createHub();
    const { transport } = join(hub);
    hub.sync(8, [1, 3]);
    expect(transport.frames.at(-1)).toEqual({ type: "sync", id: 8, missingCpus: [1, 3] });
  });
});

describe("the hub", () => {
  test("wants events of other protocols decoded only while a filter may select some, and accounts for those that pass by", () => {
    const hub = createHub();
    expect(hub.wantsEvents).toBe(false);
    const { subscriber } = joinWith(hub, { status: ["500"] });
    joinWith(hub, { protocol: ["http"] });
    expect(hub.wantsEvents).toBe(false);
    hub.pass("tcp", 3, 3);
    expect(subscriber.flow.ledger()).toMatchObject({ delivered: 0 });
    hub.endTurn();
    expect(subscriber.flow.ledger()).toMatchObject({ delivered: 3, filtered: 3 });
    expect(hub.stats().offered).toEqual({ tcp: 3 });
    joinWith(hub, { minDurationMs: 5 });
    expect(hub.wantsEvents).toBe(true);
  });

  test("refuses subscribers beyond the limit and counts them", () => {
    const hub = createHub({ subscriberMax: 2 });
    const first = join(hub);
    join(hub);
    expect(hub.subscribe(new FakeTransport(), "x")).toBeUndefined();
    hub.unsubscribe(first.subscriber);
    join(hub);
    expect(hub.stats()).toMatchObject({ connected: 2, accepted: 3, refused: 1 });
  });

  test("keeps the account of subscribers that left", () => {
    const hub = createHub();
    const { transport, subscriber } = join(hub);
    transport.statuses.push(-1);
    hub.offer(httpEvents(1, 3));
    hub.offer(httpEvents(4, 4));
    hub.unsubscribe(subscriber);
    hub.unsubscribe(subscriber);
    hub.drain(subscriber);
    hub.offer(httpEvents(8, 1));
    expect(hub.stats().total).toEqual({
      delivered: 7,
      sent: 3,
      filtered: 0,
      dropped: { disconnected: 4 },
      queued: 0,
    });
  });

  test("says when nothing is queued any more", async () => {
    const hub = createHub();
    const { transport, subscriber } = join(hub);
    await hub.idle();
    transport.statuses.push(-1);
    hub.offer(httpEvents(1, 1));
    hub.offer(httpEvents(2, 1));
    let idle = false;
    const waiting = hub.idle().then(() => {
      idle = true;
    });
    await Promise.resolve();
    expect(idle).toBe(false);
    hub.drain(subscriber);
    await waiting;
  });

  test("closes everybody when it ends and takes nobody after", () => {
    const hub = createHub();
    const { transport } = join(hub);
    transport.statuses.push(-1);
    hub.offer(httpEvents(1, 1));
    hub.offer(httpEvents(2, 2));
    hub.close();
    expect(transport.closed?.code).toBe(1001);
    expect(hub.stats().total.dropped).toEqual({ shutdown: 2 });
    expect(hub.subscribe(new FakeTransport(), "x")).toBeUndefined();
  });
});

/** Checks that frames, gaps included, tile the sequence numbers from the hello frame on; returns the number that would come next. */
const expectTiling = (frames: SeenFrame[]): number => {
  let next = frames[0]?.nextSeq ?? Number.NaN;
  for (const frame of frames.slice(1)) {
    if (frame.type === "gap") {
      expect(frame.fromSeq).toBe(next);
      expect(frame.dropped).toBe((frame.toSeq ?? 0) - next + 1);
      next = (frame.toSeq ?? 0) + 1;
    }
    for (const event of frame.events ?? []) {
      expect(event.seq).toBe(next);
      next += 1;
    }
  }
  return next;
};

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "whatever happens, every account balances at every step and no subscriber misses anything unannounced (seed %d)",
  (seed) => {
    const random = seededRandom(seed);
    const below = (limit: number) => Math.floor(random() * limit);
    const hub = createHub({ queueMax: 40, queueMaxBytes: 9000, memoryMaxBytes: 30_000, subscriberMax: 6 });
    const present: { transport: FakeTransport; subscriber: Subscriber }[] = [];
    const everSeen: FakeTransport[] = [];
    let nextSeq = 1;
    let barrier = 0;

    const actions: (() => void)[] = [
      () => {
        const count = 1 + below(30);
        hub.offer(httpEvents(nextSeq, count));
        nextSeq += count;
      },
      () => {
        const member = present[below(present.length)];
        if (member !== undefined) hub.drain(member.subscriber);
      },
      () => {
        const transport = new FakeTransport();
        transport.nextStatus = () => [1, 1, -1, 0][below(4)] ?? 1;
        const subscriber = hub.subscribe(transport, "fake");
        if (subscriber === undefined) return;
        present.push({ transport, subscriber });
        everSeen.push(transport);
      },
      () => {
        const [gone] = random() < 0.2 ? present.splice(below(present.length), 1) : [];
        if (gone !== undefined) hub.unsubscribe(gone.subscriber);
      },
      () => hub.sync(++barrier),
    ];
    for (let step = 0; step < 1500; step++) {
      actions[below(actions.length)]?.();
      const stats = hub.stats();
      expect(balance(stats.total)).toBe(0);
      for (const subscriber of stats.subscribers) expect(balance(subscriber)).toBe(0);
      expect(stats.queuedBytes).toBeLessThanOrEqual(30_000);
      expect(stats.subscribers.every((subscriber) => subscriber.queued <= 40)).toBe(true);
    }

    // Those that stay read to the end: they know of every event offered since they came.
    for (const { transport, subscriber } of present) {
      transport.nextStatus = () => 1;
      hub.drain(subscriber);
      expect(expectTiling(transport.frames)).toBe(nextSeq);
    }
    for (const transport of everSeen) {
      if (transport.frames.length > 0) expectTiling(transport.frames);
      const ids = transport.frames.flatMap((frame) => (frame.type === "sync" ? [frame.id ?? 0] : []));
      expect(ids).toEqual([...ids].sort((a, b) => a - b));
    }
    expect(hub.stats()).toMatchObject({ queuedBytes: 0, total: { queued: 0 } });
    expect(hub.stats().total.dropped.queue_full).toBeGreaterThan(0);
  },
);
