import { expect, test } from "bun:test";
import { EventBatch } from "../../ffi/batch.ts";
import { clockOffset } from "../../ffi/clock.ts";
import { decodeHttpEvent, decodeTcpEvent } from "../../ffi/decode.ts";
import { Delivery } from "../../ffi/delivery.ts";
import type { EventSink, ObservedEvent, RawHttpSink } from "../../ffi/event.ts";
import { http, tcp } from "../../ffi/protocol.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { httpBatch, ipv4, tcpBatch } from "./support/ring.ts";

const CLOCK = clockOffset(0n);
const TCP = {
  startNs: 1n,
  endNs: 2n,
  bytesSent: 0n,
  bytesReceived: 0n,
  local: ipv4(10, 0, 0, 1),
  remote: ipv4(10, 0, 0, 2),
  localPort: 1,
  remotePort: 2,
  retransmits: 0,
  role: 0,
  outcome: 0,
};

/** What reached the sinks, in order, one line a call. */
function delivering(sink: { wantsEvents?: boolean } = {}) {
  const calls: string[] = [];
  const events: EventSink & { wantsEvents?: boolean } = {
    ...sink,
    offer: (batch: readonly ObservedEvent[]) => {
      calls.push(`events ${batch.map(({ protocol, seq }) => `${protocol} ${seq}`).join(", ")}`);
    },
    pass: (protocol, count, lastSeq) => {
      calls.push(`${count} ${protocol} passed, the last ${lastSeq}`);
    },
  };
  const raw: RawHttpSink = {
    offerRaw: (batch) => {
      calls.push(`raw ${Array.from({ length: batch.length }, (_, i) => `http ${batch.at(i).seq}`).join(", ")}`);
    },
  };
  const delivery = new Delivery([events, raw], () => CLOCK, new TargetPolicy());
  const takeHttp = (count: number) =>
    delivery.take(
      { protocol: http, decode: decodeHttpEvent },
      new EventBatch(httpBatch(Array.from({ length: count }, () => ({}))), http.viewOf),
    );
  const takeTcp = () =>
    delivery.take({ protocol: tcp, decode: decodeTcpEvent }, new EventBatch(tcpBatch(TCP), tcp.viewOf));
  return { calls, events, delivery, takeHttp, takeTcp };
}

test("raw and decoded, an event has the same number; protocols are counted together and offered apart", () => {
  const { calls, delivery, takeHttp, takeTcp } = delivering();
  takeHttp(2);
  takeTcp();
  takeHttp(1);
  delivery.endTurn();
  // Raw batches are not joined, so they come at once; decoded ones with the next of another protocol, or at the turn's end.
  expect(calls).toEqual(["raw http 1, http 2", "events http 1, http 2", "events tcp 3", "raw http 4", "events http 4"]);
});

test("what no sink wants is not decoded; it is numbered, passed, and still raw to those who read it so", () => {
  const { calls, takeHttp, takeTcp } = delivering({ wantsEvents: false });
  takeHttp(2);
  takeTcp();
  expect(calls).toEqual(["raw http 1, http 2", "2 http passed, the last 2", "1 tcp passed, the last 3"]);
});

test("events taken while they were wanted arrive before the next are passed", () => {
  const { calls, events, delivery, takeHttp } = delivering({ wantsEvents: true });
  takeHttp(1);
  Object.assign(events, { wantsEvents: false });
  takeHttp(1);
  Object.assign(events, { wantsEvents: true });
  takeHttp(1);
  delivery.endTurn();
  expect(calls).toEqual([
    "raw http 1",
    "raw http 2",
    "events http 1",
    "1 http passed, the last 2",
    "raw http 3",
    "events http 3",
  ]);
});

test("decoded events are joined to batches of at most 256", () => {
  const { calls, delivery, takeHttp } = delivering();
  for (let i = 0; i < 300; i++) takeHttp(1);
  delivery.endTurn();
  const sizes = calls.filter((call) => call.startsWith("events")).map((call) => call.split(",").length);
  expect(sizes).toEqual([256, 44]);
});

test("who reads HTTP events raw is offered none decoded, is told when a turn ends, and gets all else in order", () => {
  const calls: string[] = [];
  const both: EventSink & RawHttpSink & { wantsEvents?: boolean } = {
    offerRaw: (batch) => void calls.push(`raw ${batch.at(0).seq}`),
    offer: (batch) => void calls.push(`${batch[0]?.protocol} ${batch[0]?.seq}`),
    pass: (protocol) => void calls.push(`${protocol} passed`),
    endTurn: () => void calls.push("end"),
  };
  const other: EventSink = { offer: (batch) => void calls.push(`other ${batch[0]?.protocol} ${batch[0]?.seq}`) };
  const delivery = new Delivery([both, other], () => CLOCK, new TargetPolicy());
  const takeHttp = () =>
    delivery.take({ protocol: http, decode: decodeHttpEvent }, new EventBatch(httpBatch([{}]), http.viewOf));
  const takeTcp = () =>
    delivery.take({ protocol: tcp, decode: decodeTcpEvent }, new EventBatch(tcpBatch(TCP), tcp.viewOf));
  takeTcp();
  takeHttp();
  delivery.endTurn();
  expect(calls).toEqual(["tcp 1", "other tcp 1", "raw 2", "other http 2", "end"]);

  calls.length = 0;
  const alone = new Delivery([{ ...both, wantsEvents: false }], () => CLOCK, new TargetPolicy());
  alone.take({ protocol: http, decode: decodeHttpEvent }, new EventBatch(httpBatch([{}]), http.viewOf));
  alone.take({ protocol: tcp, decode: decodeTcpEvent }, new EventBatch(tcpBatch(TCP), tcp.viewOf));
  alone.endTurn();
  expect(calls).toEqual(["raw 1", "tcp passed", "end"]);
});
