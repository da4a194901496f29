import type { Capture } from "../ffi/event.ts";
import type { Hub } from "./hub.ts";
import {
  handoverImbalances,
  protocolImbalances,
  readerImbalances,
  spanImbalances,
  subscriberImbalances,
} from "./ledger.ts";
import type { Stats } from "./schema.ts";
import type { Spans } from "./spans.ts";

interface StatsSources {
  capture: Capture;
  hub: Hub;
  spans: Spans | undefined;
  version: string;
}

/** The whole ledger at one moment: nothing else runs between the readings. */
const readStats = ({ capture, hub, spans, version }: StatsSources): Stats => {
  const { protocols, following, enabled, cpus, reader, ring, programs } = capture.stats();
  const subscribers = hub.stats();
  const spanLedger = spans?.stats();
  const imbalances = [
    ...protocolImbalances(protocols),
    ...readerImbalances(reader),
    ...handoverImbalances(protocols, subscribers.offered, false),
    ...subscriberImbalances(subscribers.total, subscribers.subscribers),
    ...(spanLedger === undefined ? [] : spanImbalances(spanLedger)),
  ];
  return {
    version,
    uptimeSeconds: process.uptime(),
    running: capture.running,
    protocols,
    following,
    enabled,
    cpus,
    reader,
    ...(ring === undefined ? {} : { ring }),
    ...(programs === undefined ? {} : { programs }),
    subscribers,
    ...(spanLedger === undefined ? {} : { spans: spanLedger }),
    balanced: imbalances.length === 0,
    imbalances,
  };
};

export type { StatsSources };
export { readStats };
