/**
 * `kernelcast/client`: a subscription to a running Kernelcast, from Bun, Node 20 and above, or a browser. No dependencies.
 *
 *     const traffic = connect({ url: "http://127.0.0.1:4320", filter: { status: "5xx" } });
 *     for await (const event of traffic) console.log(event.method, event.path, event.status);
 *
 * A connection that breaks is made again, and goes on where it was: an event comes once, in order, or is in a gap.
 * @module
 */

import type { Endpoint, HttpEvent, HttpOutcome, ObservedEvent, TcpEvent, TcpOutcome } from "../../ffi/observed.ts";

/** One value, or any of several; a leading `!` excludes. */
type Terms = string | number | readonly (string | number)[];

/** Conditions that all hold. The service says what each may be, and refuses what it does not know. */
interface Filter {
  protocol?: Terms;
  /** Whatever its case. */
  method?: Terms;
  /** `500`, `5xx`, `400-499`; 0 is no response. */
  status?: Terms;
  /** `*` is any text of one segment, `**` any text. */
  path?: Terms;
  /** With or without its port; `*` is any text. */
  host?: Terms;
  /** The server's: `8080`, `8000-8099`. */
  port?: Terms;
  /** Address or network: `10.0.0.0/8`. */
  client?: Terms;
  server?: Terms;
  minDurationMs?: number;
  /** A share of the events: `0.1`, `1/10`. The same share of two subscriptions is the same events. */
  sample?: number | string;
}

/** The events that a filter can select, as far as its keys tell. */
type EventOf<F> = F extends { protocol: "tcp" }
  ? TcpEvent
  : F extends { protocol: "http" } | { method: Terms } | { status: Terms } | { path: Terms } | { host: Terms }
    ? HttpEvent
    : ObservedEvent;

/** What becomes of events for which the service has no room because they are read too slowly. */
type Policy = "drop-newest" | "drop-oldest" | "sample" | "disconnect";

/** The first that a connection hears, also when it is made again. */
interface Hello {
  service: { name: string; version: string };
  /** Of this life of the service: numbers of events are of one run. */
  run: string;
  /** `replay` and `demo`: not the traffic of the service's host; `notice` says so for people. */
  source: {
    kind: "kernel" | "replay" | "demo";
    notice?: string;
    /** Where the kernel is watched: at the devices of a network namespace, or at the sockets of a cgroup. */
    attach?: "socket" | "cgroup";
    /** The directory of the cgroup whose sockets alone are watched. */
    cgroup?: string;
  };
  subscriber: number;
  protocols: readonly string[];
  /** In force, in its canonical form. */
  filter: Filter;
  /** Events from this number on follow. */
  nextSeq: number;
  /** True: all that was asked for of the past follows. */
  resumed: boolean;
  heartbeatMillis: number;
  /** Of those who get records. */
  recordLayout?: Readonly<Record<string, number>>;
}

/**
 * `dropped` events did not come, the first of them `fromSeq`, the last `toSeq`. With the reason `history` they are kept no
 * longer, and it is not known which of them the filter would have selected: all of them count.
 */
interface Gap {
  dropped: number;
  fromSeq: number;
  toSeq: number;
  reason?: "history";
}

/** The answer to a barrier. */
interface Receipt {
  id: number;
  durationMs: number;
  protocols: Record<string, { observed: number; enqueued: number; delivered: number; dropped: Record<string, number> }>;
  spans: { accepted: number; exported: number; queued: number };
  /** Every event is accounted for. */
  balanced: boolean;
  /** CPUs that did not answer in time: events that were pending there may still come. */
  missingCpus?: number[];
  exportError?: string;
}

interface ConnectOptions<F extends Filter = Filter> {
  /** Of the service, perhaps with a path in front of its own. By default this page's, or http://127.0.0.1:4320. */
  url?: string | URL;
  /** Sent as a header, or as a subprotocol; never in a URL. */
  token?: string;
  filter?: F;
  /** Begin in the past: behind the event of this number, or so long ago (`"10s"`); as far as the service's history goes. */
  since?: number | string;
  /** `drop-newest` by default. */
  policy?: Policy;
  /**
   * `binary` has a WebSocket carry HTTP events as records, which is less work for the service and fewer bytes; they are the
   * same events. `json` by default, and over HTTP.
   */
  format?: "json" | "binary";
  /**
   * By default `websocket`, where there is one (Node has it from 22 on), else `http`. `http` reads no faster than the events
   * are taken.
   */
  transport?: "websocket" | "http";
  /** Used in the place of the built-in one, with the transport `http`: for a proxy, another certificate, a Unix socket. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /** Ends the subscription, as {@link Connection.close} does. */
  signal?: AbortSignal;
  /** Takes events as they arrive, in the place of the iteration: one or more, in order. */
  onEvents?: (events: EventOf<F>[]) => void;
  onGap?: (gap: Gap) => void;
  /**
   * The subscription has begun, or goes on. `isRestarted`: it is another life of the service, so that what happened between
   * the two was seen by nobody.
   */
  onConnect?: (hello: Hello, isRestarted: boolean) => void;
  /** The connection broke, and is made again. */
  onDisconnect?: (reason: string) => void;
  /**
   * Events that wait for the iteration, at most; 65,536 by default. When there are more, a WebSocket is let go until half of
   * them have been taken, and then goes on where it was, as far as the service's history goes.
   */
  bufferMax?: number;
}

/** Ends when the subscription does. What has arrived by then is still given. */
interface Connection<E extends ObservedEvent = ObservedEvent> extends AsyncIterable<E>, AsyncDisposable {
  /** Resolves when the subscription has begun: every later event will come. Rejects with {@link ConnectError}. */
  readonly opened: Promise<Hello>;
  /** Resolves after {@link close}; rejects with {@link ConnectError} when the service will not have this subscription. */
  readonly closed: Promise<void>;
  /** Everything up to this event has arrived, or was announced as lost, or is not for this filter; 0 before the first. */
  readonly position: number;
  /**
   * Has the service deliver everything that has happened by now, and resolves when all of it that is for this subscription
   * has arrived here. Needs a token that may control.
   *
   * @param options `wait: "export"`: also waits until the collector has acknowledged the spans
   */
  sync(options?: { wait?: "export" }): Promise<Receipt>;
  /**
   * Lets another filter hold. Resolves when it does, with the number of the event from which on: over a WebSocket the next to
   * happen, over HTTP, where a stream is opened anew, the first behind {@link position}, which may be past. Rejects with
   * {@link ConnectError} when the filter is wrong or the connection breaks; then the old one goes on to hold.
   */
  setFilter(filter: Filter): Promise<{ fromSeq: number }>;
  /** Ends the subscription. */
  close(): Promise<void>;
}

/** The service cannot be reached, or refuses. */
declare class ConnectError extends Error {
  /** The service's word for it, such as `bad_token` or `bad_query`; `unreachable`, `broken`. */
  readonly code: string;
  /** Of the answer, if there was one. */
  readonly status: number | undefined;
  constructor(code: string, message: string, status?: number);
}

/** Subscribes. The first connection must succeed; one that breaks later is made again until {@link Connection.close}. */
declare const connect: <const F extends Filter = Filter>(options?: ConnectOptions<F>) => Connection<EventOf<F>>;

export type {
  Connection,
  ConnectOptions,
  Endpoint,
  EventOf,
  Filter,
  Gap,
  Hello,
  HttpEvent,
  HttpOutcome,
  ObservedEvent,
  Policy,
  Receipt,
  TcpEvent,
  TcpOutcome,
  Terms,
};
export { ConnectError, connect };
