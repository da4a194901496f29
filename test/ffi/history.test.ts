import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { clockOffset } from "../../ffi/clock.ts";
import { decodeHttpEvent, decodeTcpEvent } from "../../ffi/decode.ts";
import type { ObservedEvent } from "../../ffi/event.ts";
import { BatchHistory } from "../../ffi/history.ts";
import { batch as Batch, http_event as Http } from "../../ffi/layout.generated.ts";
import { http, tcp } from "../../ffi/protocol.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { httpBatch, ipv4, tcpBatch } from "./support/ring.ts";

const CLOCK = clockOffset(1000n);
const HTTP = { protocol: http, decode: decodeHttpEvent };
const TCP = { protocol: tcp, decode: decodeTcpEvent };
const batchBytes = (events: number) => Batch.SIZE + events * Http.SIZE;

const connection = (retransmits: number) =>
  tcpBatch({
    startNs: 1n,
    endNs: 2n,
    bytesSent: 0n,
    bytesReceived: 0n,
    local: ipv4(10, 0, 0, 1),
    remote: ipv4(10, 0, 0, 2),
    localPort: 1,
    remotePort: 2,
    retransmits,
    role: 0,
    outcome: 0,
  });

/** A history, and what is put into it: each event says in its status or retransmits what its number is. */
function keeping({ maxBytes = 1 << 20, maxAgeMillis = 1000 } = {}) {
  const time = { now: 0 };
  const history = new BatchHistory({ maxBytes, maxAgeMillis }, new TargetPolicy(), () => time.now);
  let nextSeq = 1;
  const add = (count: number) => {
    const batch = httpBatch(
      Array.from({ length: count }, (_, index) => ({ status: nextSeq + index })),
      { cpu: 3 },
    );
    history.append(HTTP, batch, nextSeq, CLOCK);
    // The ring's memory is written anew.
    batch.memory.bytes.fill(255);
    nextSeq += count;
  };
  const addTcp = () => {
    history.append(TCP, connection(nextSeq), nextSeq, CLOCK);
    nextSeq++;
  };
  return { history, time, add, addTcp, next: () => nextSeq };
}

/** The batch that holds an event, decoded. */
function readBatch(history: BatchHistory, seq: number): ObservedEvent[] | undefined {
  let events: ObservedEvent[] | undefined;
  const found = history.read(seq, {
    offerRaw: (batch) => {
      events = Array.from({ length: batch.length }, (_, index) => batch.at(index).decode());
    },
    offer: (batch) => {
      events = [...batch];
    },
  });
  return found ? events : undefined;
}

const numbers = (events: ObservedEvent[] | undefined) => events?.map(({ seq }) => seq);
const marks = (events: ObservedEvent[] | undefined) =>
  events?.map((event) => (event.protocol === "http" ? event.status : event.retransmits));

describe("a history", () => {
  test("of nothing has nothing", () => {
    const { history } = keeping();
    expect(history.firstSeq).toBe(1);
    expect(history.since(1000)).toEqual({ seq: 1, isWhole: true });
    expect(readBatch(history, 1)).toBeUndefined();
  });

  test("gives the batch that holds an event, as it was delivered, whatever the ring holds by then", () => {
    const { history, add, addTcp } = keeping();
    add(3);
    addTcp();
    add(2);
    expect(history.firstSeq).toBe(1);
    for (const seq of [1, 2, 3]) expect(numbers(readBatch(history, seq))).toEqual([1, 2, 3]);
    expect(readBatch(history, 4)).toMatchObject([{ protocol: "tcp", seq: 4, retransmits: 4 }]);
    expect(marks(readBatch(history, 6))).toEqual([5, 6]);
    expect(readBatch(history, 5)?.[0]).toMatchObject({ cpu: 3, startTimeUnixNano: "0000001000" });
    expect(readBatch(history, 7)).toBeUndefined();
    expect(readBatch(history, 0)).toBeUndefined();
  });

  test("forgets what is too old, also when nothing new comes", () => {
    const { history, time, add } = keeping({ maxAgeMillis: 1000 });
    add(2);
    time.now = 600;
    add(2);
    time.now = 1001;
    expect(history.firstSeq).toBe(3);
    expect(readBatch(history, 2)).toBeUndefined();
    time.now = 5000;
    expect(history.firstSeq).toBe(5);
    expect(readBatch(history, 4)).toBeUndefined();
  });

  test("knows where the last so many milliseconds begin, and whether it has all of them", () => {
    const { history, time, add } = keeping({ maxBytes: 3 * batchBytes(2), maxAgeMillis: 10_000 });
    for (const now of [100, 200, 300]) {
      time.now = now;
      add(2);
    }
    expect(history.since(10_000)).toEqual({ seq: 1, isWhole: true });
    expect(history.since(100)).toEqual({ seq: 3, isWhole: true });
    expect(history.since(0)).toEqual({ seq: 5, isWhole: true });
    time.now = 400;
    expect(history.since(50)).toEqual({ seq: 7, isWhole: true });
    add(2);
    expect(history.since(250)).toEqual({ seq: 3, isWhole: true });
    expect(history.since(300)).toEqual({ seq: 3, isWhole: false });
  });

  test("forgets the oldest for the newest, and all for what does not fit at all", () => {
    const { history, add } = keeping({ maxBytes: 4 * batchBytes(1) });
    for (let count = 0; count < 6; count++) add(1);
    expect([history.firstSeq, history.since(1).isWhole]).toEqual([3, false]);
    add(5);
    expect(history.firstSeq).toBe(12);
    add(1);
    expect(numbers(readBatch(history, 12))).toEqual([12]);
  });

  test("whatever comes: what is kept is the newest, without a hole, whole, and within its bound", () => {
    const batches = fc.array(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constant("tcp" as const)), { maxLength: 60 });
    fc.assert(
      fc.property(batches, fc.integer({ min: 0, max: 40 }), (sizes, events) => {
        const maxBytes = events * Http.SIZE;
        const { history, add, addTcp, next } = keeping({ maxBytes });
        for (const size of sizes) {
          if (size === "tcp") addTcp();
          else add(size);
        }
        let seq = history.firstSeq;
        let bytes = 0;
        while (seq < next()) {
          const kept = readBatch(history, seq);
          expect(marks(kept)).toEqual(numbers(kept) as number[]);
          expect(kept?.[0]?.seq).toBe(seq);
          seq += kept?.length ?? Number.NaN;
          bytes += kept?.[0]?.protocol === "http" ? batchBytes(kept.length) : 0;
        }
        expect(seq).toBe(next());
        expect(bytes).toBeLessThanOrEqual(maxBytes);
        expect(readBatch(history, history.firstSeq - 1)).toBeUndefined();
      }),
    );
  });
});
