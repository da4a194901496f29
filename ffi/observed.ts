/**
 * What is observed, as subscribers receive it. It is also what `kernelcast/client` shows to programs elsewhere, so it stands
 * for itself.
 * @module
 */

/** How a transaction ended. `bpf/events.h` `enum http_outcome` is the source of the names. */
export type HttpOutcome = "complete" | "closed" | "reset" | "superseded" | "timeout" | "upgraded";

export interface Endpoint {
  /** IPv4 dotted quad or IPv6 in RFC 5952 form. */
  address: string;
  port: number;
}

/**
 * One HTTP transaction: a request and its final response on one connection. This is, key for key, what JSON subscribers
 * receive. Unknown or absent fields are left out, never null.
 */
export interface HttpEvent {
  protocol: "http";
  /** Rises by one per delivered event, process-wide, starting at 1. */
  seq: number;
  /** CPU on which the transaction ended. */
  cpu: number;
  /** First request packet, nanoseconds since the Unix epoch, decimal; a string because it exceeds 2^53. */
  startTimeUnixNano: string;
  /** First request packet to last response packet. */
  durationNano: number;
  /** First request packet to first packet of the final response; absent when none came. */
  timeToFirstByteNano?: number;
  client: Endpoint;
  /** As the client used it. */
  server: Endpoint;
  /** The server that a destination NAT on this host put in the place of {@link server}; absent when none was seen. */
  answeredBy?: Endpoint;
  method: string;
  /** Request target up to `?`, as redactions and templates leave it; never contains the query. */
  path: string;
  /** The first configured path template that the path matches, such as `/users/{id}`. */
  template?: string;
  /** Without the `?`, secrets redacted. Present only when the query is captured by configuration. */
  query?: string;
  /** True when the path was longer than the kernel keeps. */
  pathTruncated: boolean;
  /** From the start line's first byte to the empty line, inclusive. */
  requestHeaderBytes: number;
  /** As far as it was sent until the transaction ended; of a chunked body the chunks' own bytes, without sizes and trailers. */
  requestBodyBytes: number;
  /** 0 when no response was seen. */
  status: number;
  /** As {@link requestHeaderBytes}, of the final response. This and the next are absent when none came. */
  responseHeaderBytes?: number;
  responseBodyBytes?: number;
  /** "1.0" or "1.1". */
  version: string;
  host?: string;
  userAgent?: string;
  traceparent?: string;
  /** Of a list of more than 64 bytes, the first members. */
  tracestate?: string;
  outcome: HttpOutcome;
}

/** How a socket ended. `bpf/events.h` `enum tcp_outcome` is the source of the names. */
export type TcpOutcome = "fin" | "reset" | "refused";

/** One TCP socket of this host, reported when it closes. Both ends of a connection on one host are two events. */
export interface TcpEvent {
  protocol: "tcp";
  /** As in {@link HttpEvent}: one count for all protocols. */
  seq: number;
  cpu: number;
  /** connect(), or the accepted handshake. */
  startTimeUnixNano: string;
  durationNano: number;
  local: Endpoint;
  remote: Endpoint;
  /** Did this socket connect, or was it accepted? */
  role: "client" | "server";
  /** Payload, each byte once; also what was not acknowledged. */
  bytesSent: number;
  bytesReceived: number;
  /** Segments. */
  retransmits: number;
  outcome: TcpOutcome;
}

export type ObservedEvent = HttpEvent | TcpEvent;
