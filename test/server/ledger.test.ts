import { expect, test } from "bun:test";
import type { ProtocolLedger, SpanLedger } from "../../ffi/event.ts";
import type { FlowLedger } from "../../server/flow.ts";
import {
  handoverImbalances,
  protocolImbalances,
  readerImbalances,
  spanImbalances,
  subscriberImbalances,
} from "../../server/ledger.ts";
import { noSpans } from "./fake.ts";

const protocol = (change: Partial<ProtocolLedger>): Record<string, ProtocolLedger> => ({
  http: { observed: 10, enqueued: 8, delivered: 5, pending: 3, dropped: { pages_full: 1, table_full: 1 }, ...change },
});

const protocolCases: [string, Partial<ProtocolLedger>, string[]][] = [
  ["that balances says nothing", {}, []],
  ["without drops says nothing", { observed: 8, dropped: {} }, []],
  [
    "that lost an event before the page names both sides",
    { observed: 11 },
    ["http: observed 11, but enqueued + filtered + dropped 10"],
  ],
  [
    "that lost an event after the page names both sides",
    { pending: 2 },
    ["http: enqueued 8, but delivered + pending 7"],
  ],
  [
    "that delivered an event twice names it",
    { delivered: 9, pending: 0 },
    ["http: enqueued 8, but delivered + pending 9"],
  ],
];
test.each(protocolCases)("a protocol's ledger %s", (_, change, expected) => {
  expect(protocolImbalances(protocol(change))).toEqual(expected);
});

test("what was delivered but never enqueued makes pending negative, which is named", () => {
  expect(protocolImbalances(protocol({ delivered: 9, pending: -1 }))).toEqual([
    "http: pending -1, but at least 0, so 0",
  ]);
});

const readerCases: [string, Record<string, number>, string[]][] = [
  ["that is quiet says nothing", {}, []],
  ["whose refused records are the kernel's lost ones says nothing", { lost_records: 3, http_flush_refused: 3 }, []],
  ["that was refused where no ring was says nothing", { lost_records: 1, http_flush_refused: 2 }, []],
  [
    "with lost records that nobody kept names both numbers",
    { lost_records: 3, http_flush_refused: 1, tcp_flush_refused: 1 },
    ["records: lost 3, but no more than refused, so 2"],
  ],
  ["whose barrier left an event behind", { barrier_violations: 1 }, ["barriers: left events behind 1, but expected 0"]],
  ["that saw a batch out of order", { out_of_order: 2 }, ["batches: out of order 2, but expected 0"]],
  ["that saw a batch it cannot read", { malformed: 1 }, ["batches: malformed 1, but expected 0"]],
];
test.each(readerCases)("a reader %s", (_, reader, expected) => {
  expect(readerImbalances(reader)).toEqual(expected);
});

const handoverCases: [string, number, boolean, string[]][] = [
  ["all", 5, false, []],
  ["too few", 4, false, ["http to subscribers: delivered 5, but offered 4"]],
  ["too many", 6, false, ["http to subscribers: delivered 5, but offered 6"]],
  ["more since", 6, true, []],
  ["too few, read later", 4, true, ["http to subscribers: delivered 5, but offered 4"]],
];
test.each(handoverCases)(
  "what the hub was handed is compared with what was delivered: %s",
  (_, offered, later, expected) => {
    expect(handoverImbalances(protocol({}), { http: offered }, later)).toEqual(expected);
  },
);

test("what the hub was never handed counts as none", () => {
  expect(handoverImbalances(protocol({}), {}, false)).toEqual(["http to subscribers: delivered 5, but offered 0"]);
});

const flow: FlowLedger = { delivered: 10, sent: 4, filtered: 1, dropped: { queue_full: 2 }, queued: 3 };
test("each subscriber and their total are checked, and named when wrong", () => {
  expect(subscriberImbalances(flow, [{ id: 1, ...flow }])).toEqual([]);
  expect(subscriberImbalances({ ...flow, sent: 3 }, [{ id: 4, ...flow, queued: 4 }])).toEqual([
    "subscribers: delivered 10, but sent + filtered + dropped + queued 9",
    "subscriber 4: delivered 10, but sent + filtered + dropped + queued 11",
  ]);
});

const spans: SpanLedger = {
  delivered: 20,
  accepted: 12,
  notSampled: 5,
  exported: 6,
  rejected: 1,
  queued: 3,
  dropped: { queue_full: 3, export_failed: 1, shutdown: 1 },
};
const spanCases: [string, Partial<SpanLedger>, string[]][] = [
  ["balances with every way out in use", {}, []],
  ["balances when nothing happened", noSpans(), []],
  [
    "names a loss before the queue",
    { notSampled: 4 },
    ["spans: delivered 20, but accepted + not sampled + queue full 19"],
  ],
  [
    "names a loss after the queue",
    { exported: 5 },
    ["spans: accepted 12, but exported + rejected + dropped + queued 11"],
  ],
];
test.each(spanCases)("the span ledger %s", (_, change, expected) => {
  expect(spanImbalances({ ...spans, ...change })).toEqual(expected);
});
