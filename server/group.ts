import { CHUNK_EVENTS_MAX, type Selection } from "./chunk.ts";
import type { Filter } from "./filter.ts";
import { compileEvent, type EventTest, isForHttpAlone } from "./filter-event.ts";
import { RawFilter } from "./filter-raw.ts";
import type { Format } from "./format.ts";
import type { Subscriber } from "./subscriber.ts";

/** Two subscriptions of the same key get the same frames. */
const groupKey = (filter: Filter, format: Format): string => `${format.name} ${JSON.stringify(filter)}`;

/** Subscribers with one filter and one format: what is done for one of them is done for all. */
class Group implements Selection {
  readonly key: string;
  readonly filter: Filter;
  readonly format: Format;
  readonly raw: RawFilter;
  readonly event: EventTest;
  readonly isForHttpAlone: boolean;
  readonly members = new Set<Subscriber>();
  /** What it selects of the chunk that is being made. */
  readonly slots = new Uint16Array(CHUNK_EVENTS_MAX);
  count = 0;
  /** Events that it did not select, ever. */
  passed = 0;

  constructor(filter: Filter, format: Format) {
    this.key = groupKey(filter, format);
    this.filter = filter;
    this.format = format;
    this.raw = new RawFilter(filter);
    this.event = compileEvent(filter);
    this.isForHttpAlone = isForHttpAlone(filter);
  }

  select(slot: number): void {
    this.slots[this.count++] = slot;
  }
}

export { Group, groupKey };
