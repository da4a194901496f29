import type { ClockOffset } from "./clock.ts";
import { decodeHttpEvent, decodeTcpEvent } from "./decode.ts";
import type { ObservedEvent } from "./event.ts";
import { http, type Protocol, tcp } from "./protocol.ts";
import type { TargetPolicy } from "./target-policy.ts";

/** A protocol whose events can be decoded into what subscribers see. */
export interface Stream<V> {
  readonly protocol: Protocol<V>;
  decode(view: V, seq: number, clock: ClockOffset, policy: TargetPolicy): ObservedEvent;
}

/** Lets streams of different views stand in one table; a stream's own view goes in and comes out unseen. */
export interface AnyStream {
  use<R>(visitor: <V>(stream: Stream<V>) => R): R;
}

const anyStream = <V>(stream: Stream<V>): AnyStream => ({ use: (visitor) => visitor(stream) });

/** Every stream there is, by protocol name. A new one is a line here. */
export const STREAMS: Readonly<Record<string, AnyStream>> = {
  http: anyStream({ protocol: http, decode: decodeHttpEvent }),
  tcp: anyStream({ protocol: tcp, decode: decodeTcpEvent }),
};
