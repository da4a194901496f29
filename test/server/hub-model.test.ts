import { expect, test } from "bun:test";
import type { ObservedEvent } from "../../ffi/event.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { type Filter, filterSchema } from "../../server/filter.ts";
import { binaryFormat, jsonFormat } from "../../server/format.ts";
import { Hub } from "../../server/hub.ts";
import type { Subscriber } from "../../server/subscriber.ts";
import { POLICIES, type Since } from "../../server/subscription.ts";
import { Random } from "../ffi/support/random.ts";
import { ipv4 } from "../ffi/support/ring.ts";
import { FakeTransport } from "./fake.ts";
import { Audit, readRecords } from "./support/audit.ts";
import { Synthetic } from "./support/synthetic.ts";

const FILTERS = [
  {},
  { status: "5xx" },
  { status: ["!2xx"], path: "/a/*" },
  { path: ["/a/**", "/b"] },
  { method: "POST" },
  { protocol: "tcp" },
  { protocol: "http", sample: "1/3" },
  { port: 8080 },
  { client: "10.0.0.0/8", minDurationMs: 1 },
].map((given): Filter => filterSchema.parse(given));

const STEPS = 1200;
const START_NS = 1_790_000_000_123_456_789n;

interface Member {
  transport: FakeTransport;
  subscriber: Subscriber;
}

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
  "filters, formats, policies, resumption and slow peers together: everybody gets what its filter selects, or is told (seed %d)",
  (seed) => {
    const random = new Random(seed);
    const pick = <T>(values: readonly T[]): T => values[random.below(values.length)] as T;
    const chance = (oneIn: number) => random.below(oneIn) === 0;
    const time = { now: 0 };
    const nowMillis = () => time.now;
    const policy = new TargetPolicy(chance(2) ? { redactions: [{ pattern: "\\d+", replacement: "#" }] } : {});
    const synthetic = new Synthetic({ maxBytes: 120_000, maxAgeMillis: 3000, policy, nowMillis });
    const hub = new Hub({
      queueMax: 60,
      queueMaxBytes: 20_000,
      queueMaxMillis: 2000,
      memoryMaxBytes: 60_000,
      subscriberMax: 12,
      version: "0",
      run: "k3x",
      history: synthetic.history,
      nowMillis,
    });
    const events: ObservedEvent[] = [];
    synthetic.feed(hub, { offer: (batch) => void events.push(...batch) });
    const present: Member[] = [];
    const all: Member[] = [];

    const anyEvent = () => ({
      startNs: START_NS,
      endNs: START_NS + BigInt(random.below(3_000_000)),
      firstByteNs: START_NS + 1n,
      status: pick([200, 200, 204, 404, 500, 503]),
      method: pick(["GET", "POST"]),
      target: pick(["/a/1", "/a/2/3", "/b", "/c", "/a/x%20"]),
      serverPort: pick([80, 8080]),
      client: ipv4(pick([10, 11]), 0, 0, 1),
    });
    const since = (): Since | undefined => {
      if (chance(3)) return undefined;
      if (chance(4)) return { agoMillis: random.below(4000) };
      return { seq: random.below(events.length + 5), ...(chance(3) && { run: pick(["k3x", "other"]) }) };
    };

    const actions: (() => void)[] = [
      () => synthetic.http(Array.from({ length: 1 + random.below(20) }, anyEvent)),
      () => synthetic.http(Array.from({ length: 1 + random.below(20) }, anyEvent)),
      () => synthetic.tcp({ role: random.below(2), remotePort: pick([80, 8080]) }),
      () => synthetic.endTurn(),
      () => {
        const member = pick(present);
        if (member !== undefined) hub.drain(member.subscriber);
      },
      () => {
        const transport = new FakeTransport();
        const statuses = pick([[1], [1, 1, -1], [-1, 0, 1]]);
        transport.nextStatus = () => pick(statuses);
        const asked = since();
        const subscriber = hub.subscribe(transport, "fake", {
          filter: pick(FILTERS),
          policy: pick(POLICIES),
          format: pick([jsonFormat, jsonFormat, binaryFormat]),
          ...(asked !== undefined && { since: asked }),
        });
        if (subscriber === undefined) return;
        present.push({ transport, subscriber });
        all.push({ transport, subscriber });
      },
      () => {
        if (present.length === 0 || !chance(2)) return;
        const [gone] = present.splice(random.below(present.length), 1);
        if (gone !== undefined) hub.unsubscribe(gone.subscriber);
      },
      () => {
        const member = pick(present);
        if (member !== undefined) hub.change(member.subscriber, pick(FILTERS));
      },
      () => hub.sync(random.below(1000)),
      () => hub.beat(),
      () => {
        time.now += random.below(500);
        hub.tend();
      },
    ];
    for (let step = 0; step < STEPS; step++) {
      pick(actions)();
      const { total, subscribers, queuedBytes } = hub.stats();
      for (const flow of [total, ...subscribers]) {
        const dropped = Object.values(flow.dropped).reduce((sum, count) => sum + count, 0);
        expect(flow.delivered).toBe(flow.sent + flow.filtered + dropped + flow.queued);
      }
      expect(queuedBytes).toBeLessThanOrEqual(60_000);
      for (const { queued } of subscribers) expect(queued).toBeLessThanOrEqual(60);
      for (let index = present.length; index-- > 0; ) if (present[index]?.subscriber.closed) present.splice(index, 1);
    }

    synthetic.endTurn();
    for (const { transport, subscriber } of present) {
      transport.nextStatus = () => 1;
      hub.drain(subscriber);
    }
    let received = 0;
    let announced = 0;
    for (const { transport, subscriber } of all) {
      const audit = new Audit(events);
      for (const frame of transport.inOrder) audit.take(frame instanceof Uint8Array ? readRecords(frame) : frame);
      if (present.some((member) => member.subscriber === subscriber)) audit.expectComplete();
      const isBinary = transport.inOrder.some((frame) => frame instanceof Uint8Array);
      const isText = transport.frames.some(({ events }) => events?.[0]?.protocol === "http");
      expect(subscriber.format === binaryFormat ? isText : isBinary).toBe(false);
      received += audit.received;
      announced += audit.announced;
      expect(subscriber.flow.sent).toBe(audit.received);
    }
    expect(hub.stats()).toMatchObject({ queuedBytes: 0, total: { queued: 0 } });
    expect(received).toBeGreaterThan(1000);
    expect(announced).toBeGreaterThan(100);
  },
);
