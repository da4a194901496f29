/**
 * `kernelcast/testing`: what the services of this machine really sent and received, for bun test, vitest and the like.
 *
 *     await using tap = await tapHost({ filter: { port: 8080 } });
 *     await pay();
 *     await tap.sync();
 *     expect(tap.requests({ path: "/pay", status: 201 })).toHaveLength(1);
 *
 * There is nothing to wait for beside `sync`: when it resolves, every transaction that ended before is there.
 * @module
 */

import type { Filter, HttpEvent, ObservedEvent, Receipt, TcpEvent } from "./index.d.ts";

interface TapOptions {
  /** Of a running service; `port`: on this machine. By default http://127.0.0.1:4320. */
  url?: string | URL;
  port?: number;
  /** One that may control, if the service asks for one. */
  token?: string;
  /** What is of no interest is best left out here: it then need not come at all. */
  filter?: Filter;
  /**
   * Starts a service of its own, on a free port, and ends it with the tap; this takes what `kernelcast serve` takes: root,
   * or its capabilities. Further flags may be given, such as `["--path-max", "1024"]`.
   */
  start?: boolean | readonly string[];
}

/** What members of an event must be: equal, matched by a regular expression, or found true by a function. */
type Match<T> = T extends object
  ? { [K in keyof T]?: Match<T[K]> }
  : T | (T extends string ? RegExp : never) | ((value: T) => boolean);

/** What has happened since it began. Its end is that of the `await using` block, or {@link close}. */
interface Tap extends AsyncDisposable {
  /** Of the service. */
  readonly url: string;
  /** All that has come, in order. */
  readonly events: readonly ObservedEvent[];
  /**
   * Resolves when all transactions that have ended by now have come. Rejects when some are known to be lost: what is asked
   * after that could be answered wrongly.
   */
  sync(): Promise<Receipt>;
  /** HTTP transactions, in order. */
  requests(match?: Match<HttpEvent> | ((event: HttpEvent) => boolean)): HttpEvent[];
  /** TCP sockets that were closed, where the service reports them (`--protocols http,tcp`). */
  connections(match?: Match<TcpEvent> | ((event: TcpEvent) => boolean)): TcpEvent[];
  /** Forgets all that has come, and what was lost. */
  clear(): void;
  close(): Promise<void>;
}

/** Resolves when every later transaction will come. */
declare const tapHost: (options?: TapOptions) => Promise<Tap>;

export type { Match, Tap, TapOptions };
export { tapHost };
