/**
 * What is sent to subscribers, before a {@link Format} has given it its form.
 * @module
 */

import type { Filter } from "./filter.ts";
import type { TrafficSource } from "./traffic-source.ts";

/** Version of the frames; rises when a client must change. */
const PROTOCOL_VERSION = 1;

type Payload = string | Uint8Array;

/** Events for one subscriber and all others that have asked for the same; shared by every queue it waits in. */
interface BatchFrame {
  readonly kind: "batch";
  /** In its final form, which is made when somebody has room for it; gone with the events unless it is kept. */
  readonly payload: Payload;
  /** Called, before the events go, when the frame is to be sent later; `drop` when it is no more. */
  keep(): void;
  drop(): void;
  /** Of its events. */
  readonly bytes: number;
  readonly events: number;
  readonly fromSeq: number;
  readonly toSeq: number;
  /** When it was made; monotonic. */
  readonly madeMillis: number;
  /** Queues that hold it; kept by `FrameBudget`. */
  holders: number;
}

/** A loss that the subscriber is yet to be told of. Grows until it is sent, so it gets its form as late as possible. */
interface GapFrame {
  readonly kind: "gap";
  dropped: number;
  fromSeq: number;
  toSeq: number;
}

interface ControlFrame {
  readonly kind: "control";
  readonly message: Message;
}

type Frame = BatchFrame | GapFrame | ControlFrame;

/** The first of every subscription. Events from `nextSeq` on follow. */
interface HelloMessage {
  type: "hello";
  version: number;
  service: { name: string; version: string };
  /** Of this life of the service; numbers of events are of one run. */
  run: string;
  source: TrafficSource;
  subscriber: number;
  protocols: readonly string[];
  /** Canonical; may be given back as it is. */
  filter: Filter;
  nextSeq: number;
  /** True: all that `since` asked for follows. */
  resumed: boolean;
  heartbeatMillis: number;
  /** Where the members of an event are in a record, in bytes; of those who get records alone. */
  recordLayout?: Readonly<Record<string, number>>;
}

/**
 * `dropped` of the subscription's events were lost, the first of them `fromSeq`, the last `toSeq`. With a reason it is not
 * known which of the events from one to the other the filter would have selected, and all of them count: `history`, they are
 * kept no longer.
 */
interface GapMessage {
  type: "gap";
  dropped: number;
  fromSeq: number;
  toSeq: number;
  reason?: "history";
}

type Message =
  | HelloMessage
  | GapMessage
  /**
   * All events of barrier `id` came before it, or in a gap. A barrier that some CPUs did not answer lists them: what was
   * pending there may still come.
   */
  | { type: "sync"; id: number; missingCpus?: readonly number[] }
  /** The filter holds from event `fromSeq` on. */
  | { type: "subscribed"; filter: Filter; fromSeq: number }
  /** All events before `nextSeq` that the filter selects came before it, or in a gap. */
  | { type: "heartbeat"; nextSeq: number }
  /** What was wrong with a message that the client sent. */
  | { type: "error"; message: string }
  /** The last of an HTTP answer. To a WebSocket its close frame says the same. */
  | { type: "end"; code: number; reason: string };

const control = (message: Message): ControlFrame => ({ kind: "control", message });

const gapMessage = ({ dropped, fromSeq, toSeq }: GapFrame): GapMessage => ({ type: "gap", dropped, fromSeq, toSeq });

export type { BatchFrame, ControlFrame, Frame, GapFrame, GapMessage, HelloMessage, Message, Payload };
export { control, gapMessage, PROTOCOL_VERSION };
