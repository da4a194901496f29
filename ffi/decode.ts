import { type ClockOffset, toUnixNano } from "./clock.ts";
import type { HttpEvent, TcpEvent } from "./event.ts";
import type { HttpEventView } from "./http-view.ts";
import type { TargetPolicy } from "./target-policy.ts";
import type { TcpEventView } from "./tcp-view.ts";

/** Copies what the policy allows of a view into an event of its own, with the wall-clock start that `offset` gives. */
export function decodeHttpEvent(
  view: HttpEventView,
  seq: number,
  offset: ClockOffset,
  policy: TargetPolicy,
): HttpEvent {
  const { pathTruncated } = view;
  const { path, template } = policy.path(view.path, pathTruncated);
  const event: HttpEvent = {
    protocol: "http",
    seq,
    cpu: view.cpu,
    startTimeUnixNano: toUnixNano(view.startHigh, view.startLow, offset),
    durationNano: view.durationNano,
    client: { address: view.clientAddress, port: view.clientPort },
    server: { address: view.serverAddress, port: view.serverPort },
    method: view.method,
    path,
    pathTruncated,
    requestHeaderBytes: view.requestHeaderBytes,
    requestBodyBytes: view.requestBodyBytes,
    status: view.status,
    version: view.version,
    outcome: view.outcome,
  };
  const { timeToFirstByteNano, answeredAddress, query, host, userAgent, traceparent, tracestate } = view;
  if (timeToFirstByteNano !== undefined) {
    event.timeToFirstByteNano = timeToFirstByteNano;
    event.responseHeaderBytes = view.responseHeaderBytes;
    event.responseBodyBytes = view.responseBodyBytes;
  }
  if (answeredAddress !== undefined) event.answeredBy = { address: answeredAddress, port: view.answeredPort };
  if (template !== undefined) event.template = template;
  if (query !== undefined) event.query = policy.query(query);
  if (host !== undefined) event.host = host;
  if (userAgent !== undefined) event.userAgent = userAgent;
  if (traceparent !== undefined) event.traceparent = traceparent;
  if (tracestate !== undefined) event.tracestate = tracestate;
  return event;
}

export function decodeTcpEvent(view: TcpEventView, seq: number, offset: ClockOffset): TcpEvent {
  return {
    protocol: "tcp",
    seq,
    cpu: view.cpu,
    startTimeUnixNano: toUnixNano(view.startHigh, view.startLow, offset),
    durationNano: view.durationNano,
    local: { address: view.localAddress, port: view.localPort },
    remote: { address: view.remoteAddress, port: view.remotePort },
    role: view.role,
    bytesSent: view.bytesSent,
    bytesReceived: view.bytesReceived,
    retransmits: view.retransmits,
    outcome: view.outcome,
  };
}
