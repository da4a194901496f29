/**
 * The text frames of the WebSocket protocol. Batches are encoded once and shared by all subscribers.
 * @module
 */

import type { ObservedEvent } from "../ffi/event.ts";
import type { TrafficSource } from "./traffic-source.ts";

/** Version of the frames; rises when a client must change. */
const PROTOCOL_VERSION = 1;

/** A batch, encoded; shared by every queue it waits in. */
interface BatchFrame {
  readonly kind: "batch";
  readonly text: string;
  /** Of `text` in UTF-8. */
  readonly bytes: number;
  readonly events: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Queues that hold it; kept by `FrameBudget`. */
  holders: number;
}

/** A loss that the subscriber is yet to be told of. Grows until it is sent, so it is encoded as late as possible. */
interface GapFrame {
  readonly kind: "gap";
  dropped: number;
  fromSeq: number;
  toSeq: number;
}

/** Anything else: hello, sync, error. */
interface ControlFrame {
  readonly kind: "control";
  readonly text: string;
}

type Frame = BatchFrame | GapFrame | ControlFrame;

/** @param events at least one, all of one protocol, in order of `seq` */
const encodeBatch = (events: readonly ObservedEvent[]): BatchFrame => {
  const first = events[0];
  const last = events[events.length - 1];
  if (first === undefined || last === undefined)
    throw new RangeError("encodeBatch: expected at least one event, got none");
  const text = JSON.stringify({ type: "batch", protocol: first.protocol, events });
  return {
    kind: "batch",
    text,
    bytes: Buffer.byteLength(text),
    events: events.length,
    fromSeq: first.seq,
    toSeq: last.seq,
    holders: 0,
  };
};

const encodeGap = (gap: GapFrame): string =>
  JSON.stringify({ type: "gap", dropped: gap.dropped, fromSeq: gap.fromSeq, toSeq: gap.toSeq });

const control = (message: object): ControlFrame => ({ kind: "control", text: JSON.stringify(message) });

/** The first frame of every subscription. Events from `nextSeq` on follow. */
const helloFrame = (hello: {
  service: { name: string; version: string };
  source: TrafficSource;
  subscriber: number;
  protocols: readonly string[];
  nextSeq: number;
}): ControlFrame => control({ type: "hello", version: PROTOCOL_VERSION, ...hello });

/**
 * All events of barrier `id` came before it, or in a gap. A barrier that some CPUs did not answer lists them: what was
 * pending there may still come.
 */
const syncFrame = (id: number, missingCpus: readonly number[]): ControlFrame =>
  control(missingCpus.length === 0 ? { type: "sync", id } : { type: "sync", id, missingCpus });

const errorFrame = (message: string): ControlFrame => control({ type: "error", message });

export type { BatchFrame, ControlFrame, Frame, GapFrame };
export { encodeBatch, encodeGap, errorFrame, helloFrame, PROTOCOL_VERSION, syncFrame };
