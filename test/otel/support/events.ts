/** Events as the decoder would deliver them; no kernel was involved. */
import type { HttpEvent } from "../../../ffi/event.ts";

const BASE: HttpEvent = {
  protocol: "http",
  seq: 1,
  cpu: 0,
  startTimeUnixNano: "1790000000123456789",
  durationNano: 1_234_567,
  client: { address: "10.0.0.7", port: 51_514 },
  server: { address: "10.0.0.2", port: 8080 },
  method: "GET",
  path: "/users/42",
  pathTruncated: false,
  requestHeaderBytes: 78,
  requestBodyBytes: 0,
  status: 200,
  version: "1.1",
  outcome: "complete",
};

function httpEvent(changes: Partial<HttpEvent> = {}): HttpEvent {
  return { ...BASE, ...changes };
}

/** `count` events that differ in sequence number, time and path. */
function httpEvents(count: number, changes: Partial<HttpEvent> = {}): HttpEvent[] {
  return Array.from({ length: count }, (_, i) =>
    httpEvent({
      seq: i + 1,
      startTimeUnixNano: String(1_790_000_000_000_000_000n + BigInt(i) * 1_000_003n),
      path: `/items/${i}`,
      ...changes,
    }),
  );
}

export { httpEvent, httpEvents };
