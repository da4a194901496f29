import { expect } from "bun:test";
import type { SpanLedger } from "../../../ffi/event.ts";

/** The two identities of `SpanLedger`. */
function expectBalanced(ledger: SpanLedger): void {
  const { queue_full = 0, ...later } = ledger.dropped;
  const droppedLater = Object.values(later).reduce((sum, count) => sum + count, 0);
  expect({ delivered: ledger.delivered }).toEqual({
    delivered: ledger.accepted + ledger.notSampled + queue_full,
  });
  expect({ accepted: ledger.accepted }).toEqual({
    accepted: ledger.exported + ledger.rejected + droppedLater + ledger.queued,
  });
  expect(Object.values(ledger.dropped)).not.toContain(0);
}

export { expectBalanced };
