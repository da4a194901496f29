import { type ClockOffset, toUnixNano } from "./clock.ts";
import type { HttpEvent } from "./event.ts";
import type { HttpEventView } from "./http-view.ts";

/** Copies a view into an event of its own, with the wall-clock start that `offset` gives. */
export function decodeHttpEvent(view: HttpEventView, seq: number, offset: ClockOffset): HttpEvent {
  const event: HttpEvent = {
    protocol: "http",
    seq,
    cpu: view.cpu,
    startTimeUnixNano: toUnixNano(view.startHigh, view.startLow, offset),
    durationNano: view.durationNano,
    client: { address: view.clientAddress, port: view.clientPort },
    server: { address: view.serverAddress, port: view.serverPort },
    method: view.method,
    path: view.path,
    pathTruncated: view.pathTruncated,
    status: view.status,
    version: view.version,
    outcome: view.outcome,
  };
  const { query, host, userAgent, traceparent } = view;
  if (query !== undefined) event.query = query;
  if (host !== undefined) event.host = host;
  if (userAgent !== undefined) event.userAgent = userAgent;
  if (traceparent !== undefined) event.traceparent = traceparent;
  return event;
}
