/**
 * The implementation of index.d.ts, which describes it. Runs as it is in Bun, Node and browsers.
 * @module
 */

/** @import { Connection, ConnectOptions, Filter, Hello, ObservedEvent, Receipt } from "./index.d.ts" */
/** @import { Link, Message } from "./link.d.ts" */
/** @import { FilterChange } from "./session.js" */
import { serviceUrl } from "./address.js";
import { ConnectError, isPassing, readRefusal, unreachable } from "./connect-error.js";
import { deferred } from "./deferred.js";
import { EventBuffer } from "./event-buffer.js";
import { openHttp } from "./http-link.js";
import { Session } from "./session.js";
import { openWebSocket } from "./web-socket-link.js";

const BUFFER_MAX = 65_536;
const BACK_OFF_MILLIS = 250;
const BACK_OFF_MAX_MILLIS = 5000;
/** A connection over which nothing came, though a heartbeat should, is dead. */
const SILENT_BEATS = 3;
/** A connection that has broken is noticed at one end, and soon at the other. */
const NOTICE_MILLIS = 2000;
const PARTIAL_RECEIPT = 504;

/** @param {number} millis */
const sleep = (millis) => new Promise((resolve) => setTimeout(resolve, millis));

/** @implements {Connection} */
class Subscription {
  #options;
  #service;
  #fetch;
  #opened = /** @type {typeof deferred<Hello>} */ (deferred)();
  #closed = /** @type {typeof deferred<void>} */ (deferred)();
  /** @type {Filter} */
  #filter;
  /** @type {EventBuffer | undefined} */
  #buffer;
  #position = 0;
  /** @type {string | undefined} */
  #run;
  /** @type {Link | undefined} */
  #link;
  #session = new Session();
  /** @type {{ resolve: (session: Session) => void, reject: (error: unknown) => void }[]} */
  #greetWaiters = [];
  /** Of a stream that is to be opened anew with another filter. @type {FilterChange | undefined} */
  #proposal;
  /** @type {Promise<unknown>} */
  #lastChange = Promise.resolve();
  #isClosing = false;
  #isOver = false;
  #stopWaiting = () => {};

  /** @param {ConnectOptions} options */
  constructor(options) {
    this.#options = options;
    this.#service = serviceUrl(options.url);
    this.#filter = options.filter ?? {};
    this.#fetch = options.fetch ?? ((url, init) => globalThis.fetch(url, init));
    if (options.onEvents === undefined) this.#buffer = new EventBuffer(options.bufferMax ?? BUFFER_MAX);
    if (options.signal?.aborted) this.#isClosing = true;
    options.signal?.addEventListener("abort", () => this.close(), { once: true });
    void this.#stay();
  }

  get opened() {
    return this.#opened.promise;
  }

  get closed() {
    return this.#closed.promise;
  }

  get position() {
    return this.#position;
  }

  /** @param {{ wait?: "export" }} [options] @returns {Promise<Receipt>} */
  async sync({ wait } = {}) {
    for (;;) {
      const session = await this.#greeted();
      const receipt = await this.#barrier(session, wait === undefined ? "sync" : `sync?wait=${wait}`);
      if (receipt !== undefined && (await session.reached(receipt.id))) return receipt;
    }
  }

  /** @param {Filter} filter @returns {Promise<{ fromSeq: number }>} */
  setFilter(filter) {
    const change = this.#lastChange.then(() => this.#change(filter));
    this.#lastChange = change.catch(() => {});
    return change;
  }

  close() {
    this.#isClosing = true;
    this.#stopWaiting();
    this.#buffer?.end();
    this.#link?.close();
    return this.#closed.promise.catch(() => {});
  }

  /** @returns {AsyncIterator<any, undefined>} */
  [Symbol.asyncIterator]() {
    const buffer = this.#buffer;
    if (buffer === undefined)
      throw new TypeError("the events of this connection go to onEvents; leave it out to iterate");
    return {
      next: () => buffer.next(),
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }

  async #stay() {
    for (let attempt = 0; !this.#isClosing; ) {
      const session = new Session();
      this.#session = session;
      const { reason, refusal } = await this.#connectOnce(session);
      if (this.#isClosing) break;
      if (this.#proposal !== undefined && refusal !== undefined && !isPassing(refusal)) {
        this.#proposal.reject(refusal);
        this.#proposal = undefined;
        continue;
      }
      if (refusal !== undefined && (this.#run === undefined || !isPassing(refusal))) return this.#end(refusal);
      if (this.#run === undefined) return this.#end(new ConnectError("broken", `${this.#service}: ${reason}`));
      if (session.isLetGo) {
        attempt = 0;
        await this.#buffer?.room();
        continue;
      }
      if (session.isGreeted) attempt = 0;
      this.#call(() => this.#options.onDisconnect?.(refusal?.message ?? reason));
      await this.#backOff(attempt++);
    }
    this.#end();
  }

  /** @param {Session} session @returns {Link["ended"]} */
  async #connectOnce(session) {
    const { transport, token, since, policy, fetch, format } = this.#options;
    const useHttp = transport === "http" || fetch !== undefined || typeof WebSocket === "undefined";
    const open = transport !== "websocket" && useHttp ? openHttp : openWebSocket;
    const link = open({
      service: this.#service,
      subscription: {
        filter: this.#proposal?.filter ?? this.#filter,
        since: this.#run === undefined ? since?.toString() : `${this.#position}@${this.#run}`,
        policy,
      },
      token,
      format,
      fetch: this.#fetch,
      onMessage: (message) => this.#call(() => this.#hear(message, session)),
      onEvents: (events) => this.#call(() => this.#take(events, session)),
      room: () => session.pauseUntil(this.#buffer?.room()),
    });
    this.#link = link;
    const watch = { timer: /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined) };
    session.onGreeted = (heartbeatMillis) => {
      watch.timer = setInterval(() => {
        if (session.silentMillis > SILENT_BEATS * heartbeatMillis) link.close();
      }, heartbeatMillis);
    };
    const end = await link.ended;
    clearInterval(watch.timer);
    session.end();
    return end;
  }

  /** @param {Message} message @param {Session} session */
  #hear(message, session) {
    session.heard();
    if (message.type === "hello") this.#greet(message, session);
    else if (message.type === "gap") {
      const { type: _, ...gap } = message;
      this.#position = gap.toSeq;
      this.#options.onGap?.(gap);
    } else if (message.type === "sync") session.reach(message.id);
    else if (message.type === "heartbeat") this.#position = message.nextSeq - 1;
    else if (message.type === "subscribed") {
      this.#filter = message.filter;
      session.change?.resolve({ fromSeq: message.fromSeq });
      session.change = undefined;
    } else if (message.type === "error") {
      session.change?.reject(new ConnectError("bad_filter", message.message));
      session.change = undefined;
    }
  }

  /** @param {Hello} hello @param {Session} session */
  #greet(hello, session) {
    const isRestarted = this.#run !== undefined && this.#run !== hello.run;
    this.#run = hello.run;
    this.#position = hello.nextSeq - 1;
    session.greet(hello.heartbeatMillis);
    if (this.#proposal !== undefined) {
      this.#filter = hello.filter;
      this.#proposal.resolve({ fromSeq: hello.nextSeq });
      this.#proposal = undefined;
    }
    this.#opened.resolve(hello);
    this.#options.onConnect?.(hello, isRestarted);
    for (const { resolve } of this.#greetWaiters.splice(0)) resolve(session);
  }

  /** @param {ObservedEvent[]} events @param {Session} session */
  #take(events, session) {
    session.heard();
    this.#position = /** @type {ObservedEvent} */ (events[events.length - 1]).seq;
    if (this.#buffer === undefined) this.#options.onEvents?.(/** @type {any[]} */ (events));
    else {
      this.#buffer.push(events);
      // A WebSocket cannot be read more slowly. What is let go here comes from the service's history.
      if (this.#link?.kind === "websocket" && this.#buffer.isFull) {
        session.isLetGo = true;
        this.#link.close();
      }
    }
  }

  /** What the caller's functions throw ends the subscription. @param {() => void} call */
  #call(call) {
    try {
      call();
    } catch (error) {
      this.#end(error);
      this.close();
    }
  }

  /** @returns {Promise<Session>} a connection that is there; waits for one */
  #greeted() {
    if (this.#isOver || this.#isClosing)
      return Promise.reject(new ConnectError("closed", "the subscription has been closed"));
    const session = this.#session;
    if (session.isGreeted && !session.isEnded) return Promise.resolve(session);
    return new Promise((resolve, reject) => this.#greetWaiters.push({ resolve, reject }));
  }

  /** @param {Session} session @param {string} route @returns {Promise<Receipt | undefined>} undefined: the connection broke */
  async #barrier(session, route) {
    const { token } = this.#options;
    /** @type {Response} */
    let response;
    try {
      response = await this.#fetch(new URL(route, this.#service).href, {
        method: "POST",
        headers: token === undefined ? {} : { Authorization: `Bearer ${token}` },
      });
    } catch (error) {
      const endMillis = performance.now() + NOTICE_MILLIS;
      while (!session.isEnded && performance.now() < endMillis) await sleep(10);
      if (session.isEnded) return undefined;
      throw unreachable(this.#service, error);
    }
    if (!response.ok && response.status !== PARTIAL_RECEIPT) throw await readRefusal(response);
    return /** @type {Promise<Receipt>} */ (response.json());
  }

  /** @param {Filter} filter @returns {Promise<{ fromSeq: number }>} */
  async #change(filter) {
    const session = await this.#greeted();
    return new Promise((resolve, reject) => {
      const change = { filter, resolve, reject };
      if (this.#link?.kind === "websocket") {
        session.change = change;
        this.#link.send({ type: "subscribe", filter });
        return;
      }
      this.#proposal = change;
      session.isLetGo = true;
      this.#link?.close();
    });
  }

  /** @param {number} attempt */
  #backOff(attempt) {
    const millis = Math.min(BACK_OFF_MAX_MILLIS, BACK_OFF_MILLIS * 2 ** attempt) * (0.5 + Math.random() / 2);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, millis);
      this.#stopWaiting = () => {
        clearTimeout(timer);
        resolve(undefined);
      };
    });
  }

  /** @param {unknown} [error] */
  #end(error) {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#buffer?.end(error);
    const closed = error ?? new ConnectError("closed", "the subscription has been closed");
    for (const { reject } of this.#greetWaiters.splice(0)) reject(closed);
    this.#proposal?.reject(closed);
    this.#opened.reject(closed);
    if (error === undefined) this.#closed.resolve();
    else this.#closed.reject(error);
  }
}

/** @type {typeof import("./index.d.ts").connect} */
export const connect = (options = {}) => new Subscription(/** @type {ConnectOptions} */ (options));

export { ConnectError };
