/**
 * The implementation of testing.d.ts, which describes it.
 * @module
 */

/** @import { Connection, Gap, HttpEvent, ObservedEvent, TcpEvent } from "./index.d.ts" */
/** @import { Tap } from "./testing.d.ts" */
import { connect } from "./connect.js";
import { matches } from "./match.js";

/** @implements {Tap} */
class HostTap {
  /** @type {ObservedEvent[]} */
  events = [];
  url;
  #connection;
  #end;
  /** What makes it uncertain whether all has come. @type {string[]} */
  #faults = [];

  /** @param {string} url @param {{ token?: string | undefined, filter?: object | undefined }} options @param {() => Promise<void>} end */
  constructor(url, { token, filter }, end) {
    this.url = url;
    this.#end = end;
    /** @type {Connection} */
    this.#connection = connect({
      url,
      ...(token !== undefined && { token }),
      ...(filter !== undefined && { filter }),
      onEvents: (events) => this.events.push(...events),
      onGap: (gap) => this.#faults.push(gapFault(gap)),
      onConnect: (_, isRestarted) => {
        if (isRestarted) this.#faults.push("the service was restarted, and what happened meanwhile was not seen");
      },
    });
  }

  get opened() {
    return this.#connection.opened;
  }

  async sync() {
    const receipt = await this.#connection.sync();
    const { missingCpus = [] } = receipt;
    const late = missingCpus.map((cpu) => `CPU ${cpu} did not answer in time`);
    const faults = [...this.#faults, ...late];
    if (faults.length > 0)
      throw new Error(
        `transactions may be missing: ${faults.join("; ")}. A narrower filter helps; clear() begins anew.`,
      );
    return receipt;
  }

  /** @type {Tap["requests"]} */
  requests(match = {}) {
    return this.events.filter((event) => event.protocol === "http").filter((event) => matches(event, match));
  }

  /** @type {Tap["connections"]} */
  connections(match = {}) {
    return this.events.filter((event) => event.protocol === "tcp").filter((event) => matches(event, match));
  }

  clear() {
    this.events = [];
    this.#faults = [];
  }

  async close() {
    await this.#connection.close();
    await this.#end();
  }

  [Symbol.asyncDispose]() {
    return this.close();
  }
}

/** @param {Gap} gap */
const gapFault = ({ dropped, fromSeq, toSeq }) => `${dropped} events were lost, from ${fromSeq} to ${toSeq}`;

/** @type {typeof import("./testing.d.ts").tapHost} */
export const tapHost = async ({ url, port = 4320, token, filter, start = false } = {}) => {
  const service = start === false ? undefined : await (await import("./start-service.js")).startService(start);
  const tap = new HostTap(
    service?.url ?? String(url ?? `http://127.0.0.1:${port}`),
    { token, filter },
    service?.stop ?? (async () => {}),
  );
  try {
    await tap.opened;
    return tap;
  } catch (error) {
    await tap.close();
    throw error;
  }
};
