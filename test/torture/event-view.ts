import { EventView } from "../../ffi/event-view.ts";
import type { Protocol } from "../../ffi/protocol.ts";

/** As in torture.h, which asserts the offsets. */
const EVENT = { SIZE: 64, id: 0, source: 8, cpu: 12, sequence: 16, checksum: 56 } as const;
const TORTURE_PROTOCOL = 99;
const ID_SOURCE_UNIT = 2 ** 40;

/** One `struct torture_event` in place. */
export class TortureEventView extends EventView {
  get source(): number {
    return this.u32(EVENT.source);
  }

  get madeOnCpu(): number {
    return this.u32(EVENT.cpu);
  }

  get sequence(): number {
    return this.u64(EVENT.sequence);
  }

  /** Every byte is one event's: the id is that of source and sequence, and the checksum covers all. */
  get isWhole(): boolean {
    if (this.u64(EVENT.id) !== this.source * ID_SOURCE_UNIT + this.sequence) return false;
    let low = 0x811c9dc5;
    let high = 0;
    for (let offset = 0; offset < EVENT.checksum; offset += 4) {
      low = Math.imul(low ^ this.u32(offset), 16777619);
      high = (high + low) | 0;
    }
    return low >>> 0 === this.u32(EVENT.checksum) && high >>> 0 === this.u32(EVENT.checksum + 4);
  }
}

export const torture: Protocol<TortureEventView> = {
  name: "torture",
  number: TORTURE_PROTOCOL,
  fits: (size) => size === EVENT.SIZE,
  isFollowed: false,
  viewOf: (batch, offset) => new TortureEventView(batch, offset),
};
