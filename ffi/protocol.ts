import type { ViewOf } from "./batch.ts";
import { HttpEventView } from "./http-view.ts";
import { http_event, protocol, tcp_event } from "./layout.generated.ts";
import { TcpEventView } from "./tcp-view.ts";

/** A stream that `USM_EVENTS_INIT` declares, and how its events are read. */
export interface Protocol<V> {
  readonly name: string;
  /** `enum protocol`. */
  readonly number: number;
  /** `sizeof` its event as a batch gives it; a batch for whose size this is false is refused. */
  fits(eventSize: number): boolean;
  /** Does it come from packets, so that there are connections to follow? */
  readonly isFollowed: boolean;
  readonly viewOf: ViewOf<V>;
}

export const http: Protocol<HttpEventView> = {
  name: "http",
  number: protocol.PROTOCOL_HTTP,
  // The target is the last member, and builds differ in how much of it they keep.
  fits: (size) => size > http_event.target && size % 8 === 0,
  isFollowed: true,
  viewOf: (batch, offset) => new HttpEventView(batch, offset),
};

export const tcp: Protocol<TcpEventView> = {
  name: "tcp",
  number: protocol.PROTOCOL_TCP,
  fits: (size) => size === tcp_event.SIZE,
  isFollowed: false,
  viewOf: (batch, offset) => new TcpEventView(batch, offset),
};
