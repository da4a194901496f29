import { expect, test } from "bun:test";
import type { WantedTransactions } from "../../ffi/event.ts";
import type { Wishes } from "../../server/hub.ts";
import { Hub } from "../../server/hub.ts";
import { KernelFilter } from "../../server/kernel-filter.ts";
import { FakeTransport, httpEvents } from "./fake.ts";
import { Synthetic } from "./support/synthetic.ts";

/** A hub, and what it lets a kernel leave out; of the kernel there is nothing but its barriers. */
function setUp() {
  const time = { now: 0 };
  const set: (WantedTransactions | undefined)[] = [];
  const barriers: (() => void)[] = [];
  const kernelFilter = new KernelFilter({ lingerMillis: 60_000, nowMillis: () => time.now });
  kernelFilter.attach({
    running: true,
    setWanted: (wanted) => set.push(wanted) > 0,
    sync: () => new Promise((resolve) => barriers.push(() => resolve({ id: 1, protocols: {}, missingCpus: [] }))),
  });
  const synthetic = new Synthetic({ nowMillis: () => time.now });
  const hub = new Hub({
    queueMax: 100,
    subscriberMax: 10,
    version: "0",
    history: synthetic.history,
    interest: kernelFilter,
    nowMillis: () => time.now,
  });
  synthetic.feed(hub);
  const join = (wishes: Wishes) => {
    const transport = new FakeTransport();
    const subscriber = hub.subscribe(transport, "fake", wishes);
    if (subscriber === undefined) throw new Error("the hub refused a subscriber");
    return { transport, subscriber };
  };
  const after = (millis: number) => {
    time.now += millis;
    hub.tend();
    return set.splice(0);
  };
  const settle = async () => {
    for (const barrier of barriers.splice(0)) barrier();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { hub, synthetic, join, after, settle, set };
}

test("while nobody is there everything is wanted; then what all of those want who are", async () => {
  const { join, after, settle } = setUp();
  expect(after(1000)).toEqual([]);
  join({ filter: { status: ["5xx"], port: ["80"] } });
  expect(after(1000)).toEqual([{ statusClasses: [5], serverPorts: [80] }]);
  expect(after(1000)).toEqual([]);
  await settle();
  join({ filter: { status: ["503"], port: ["80"] } });
  expect(after(1000)).toEqual([]);
});

test("who wants more gets it from the hello frame on, and it is left out again when others are at rest", async () => {
  const { join, after, settle, set } = setUp();
  join({ filter: { port: ["80"] } });
  after(0);
  await settle();
  join({ filter: { port: ["81"] } });
  expect(set.splice(0)).toEqual([undefined]);
  expect(after(1000)).toEqual([{ serverPorts: [80, 81] }]);
});

test("conditions take the place of others only when no program reads those any more", async () => {
  const { join, after, settle } = setUp();
  join({ filter: { port: ["80"] } });
  after(0);
  join({ filter: { port: ["81"] } });
  expect(after(1000)).toEqual([undefined]);
  expect(after(1000)).toEqual([]);
  await settle();
  expect(after(1000)).toEqual([{ serverPorts: [80, 81] }]);
});

test("who leaves may come back, so that nothing it wants is left out while the history would have it", async () => {
  const { hub, join, after, settle } = setUp();
  join({ filter: { port: ["80"] } });
  const { subscriber } = join({ filter: {} });
  after(1000);
  hub.unsubscribe(subscriber);
  expect(after(59_000)).toEqual([]);
  expect(after(2000)).toEqual([{ serverPorts: [80] }]);
  await settle();
});

test("another filter of the same subscriber counts at once", async () => {
  const { hub, join, after, settle, set } = setUp();
  const { subscriber } = join({ filter: { port: ["80"] } });
  after(0);
  await settle();
  hub.change(subscriber, { port: ["80"], status: ["500"] });
  expect(set.splice(0)).toEqual([]);
  hub.change(subscriber, { port: ["81"] });
  expect(set.splice(0)).toEqual([undefined]);
});

test("when the last one is gone and cannot resume any more, everything is wanted again", async () => {
  const { hub, join, after, settle } = setUp();
  const { subscriber } = join({ filter: { port: ["80"] } });
  after(0);
  await settle();
  hub.unsubscribe(subscriber);
  expect(after(1000)).toEqual([undefined]);
});

test("who resumes into a time of which something was left out is told that it has not got all of it", async () => {
  const { synthetic, join, after, settle } = setUp();
  synthetic.http([{ serverPort: 80 }]);
  synthetic.endTurn();
  join({ filter: { port: ["80"] } });
  after(0);
  await settle();
  synthetic.http([{ serverPort: 80 }]);
  synthetic.endTurn();
  const resumed = (filter: object, seq: number) => join({ filter, since: { seq } }).transport.frames[0]?.resumed;
  expect(resumed({ port: ["80"], status: ["500"] }, 0)).toBe(true);
  expect(resumed({}, 0)).toBe(false);
  synthetic.http([{ serverPort: 81 }]);
  synthetic.endTurn();
  expect(resumed({}, 1)).toBe(false);
  expect(resumed({}, 2)).toBe(false);
  expect(resumed({}, 3)).toBe(true);
});

test("decoded events and a capture that cannot leave anything out change nothing", () => {
  const kernelFilter = new KernelFilter({ lingerMillis: 1 });
  kernelFilter.attach({ running: true, setWanted: () => false, sync: () => Promise.reject(new Error("none")) });
  const hub = new Hub({ queueMax: 100, subscriberMax: 10, version: "0", interest: kernelFilter });
  const transport = new FakeTransport();
  hub.subscribe(transport, "fake", { filter: { port: ["8080"] } });
  hub.tend();
  hub.offer(httpEvents(1, 2));
  expect(transport.frames.at(-1)?.events).toHaveLength(2);
});
