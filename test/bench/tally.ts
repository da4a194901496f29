import { type Percentiles, percentilesOf } from "./statistics.ts";

/** What a subscriber received since the last `begin`. */
export interface Report {
  /** Transactions of the watched server. */
  events: number;
  /** Without a response, whoever served them: what a client left behind when it ended. */
  unanswered: number;
  /** Times that `seq` did not follow on: twice, out of order, or missing without a gap. */
  breaks: number;
  /** Dropped by the service for this subscriber, by its own word. */
  gaps: number;
  /** From the end of a transaction to here, milliseconds. */
  latency: Percentiles;
}

const END = Buffer.from('{"type":"sync","id":');
const GAP = Buffer.from('{"type":"gap"');
const BATCH = Buffer.from('{"type":"batch"');
const SEQ = Buffer.from('"seq":');
const START = Buffer.from('"startTimeUnixNano":"');
const NO_STATUS = Buffer.from('"status":0,');
const DURATION = Buffer.from('"durationNano":');

/**
 * Counts the transactions in text frames without parsing them: a search for the watched server's address costs a fraction
 * of JSON.parse, and no string inside an event can look like it, for its quotes would be escaped.
 */
export class Tally {
  /** Of the last barrier seen. */
  syncId = 0;
  readonly #servers: Buffer[];
  #nextSeq = 0;
  #events = 0;
  #unanswered = 0;
  #breaks = 0;
  #gaps = 0;
  #every = 1;
  #latencies: number[] = [];

  /** @param addresses separated by commas */
  constructor(addresses: string, port: number) {
    const texts = addresses.split(",").map((address) => `"server":{"address":"${address}","port":${port}}`);
    this.#servers = texts.map((text) => Buffer.from(text));
  }

  /** @param every one transaction in so many is timed */
  begin(every: number): void {
    this.#events = this.#unanswered = this.#breaks = this.#gaps = 0;
    this.#every = every;
    this.#latencies = [];
  }

  report(): Report {
    const latency = percentilesOf(this.#latencies);
    return { events: this.#events, unanswered: this.#unanswered, breaks: this.#breaks, gaps: this.#gaps, latency };
  }

  /** @param wallMillis when it came */
  frame(payload: Buffer, wallMillis: number): void {
    if (begins(payload, BATCH)) this.#batch(payload, wallMillis);
    else if (begins(payload, END)) this.syncId = numberAt(payload, END.length);
    else if (begins(payload, GAP)) {
      const { dropped, toSeq }: { dropped: number; toSeq: number } = JSON.parse(payload.toString());
      this.#gaps += dropped;
      this.#nextSeq = toSeq + 1;
    }
  }

  #batch(payload: Buffer, wallMillis: number): void {
    const first = numberAt(payload, payload.indexOf(SEQ) + SEQ.length);
    if (this.#nextSeq !== 0 && first !== this.#nextSeq) this.#breaks++;
    this.#nextSeq = numberAt(payload, payload.lastIndexOf(SEQ) + SEQ.length) + 1;

    for (let at = payload.indexOf(NO_STATUS); at >= 0; at = payload.indexOf(NO_STATUS, at + 1)) this.#unanswered++;
    for (const server of this.#servers)
      for (let at = payload.indexOf(server); at >= 0; at = payload.indexOf(server, at + server.length))
        if (this.#events++ % this.#every === 0) this.#latencies.push(wallMillis - endMillis(payload, at));
  }
}

/** @param within an event, behind its times */
function endMillis(payload: Buffer, within: number): number {
  const start = payload.lastIndexOf(START, within) + START.length;
  // Nanoseconds since 1970 exceed what a double holds exactly: seconds and the rest apart.
  const seconds = Number(payload.latin1Slice(start, start + 10));
  const nanos =
    Number(payload.latin1Slice(start + 10, start + 19)) +
    numberAt(payload, payload.indexOf(DURATION, start) + DURATION.length);
  return seconds * 1000 + nanos / 1e6;
}

function begins(payload: Buffer, text: Buffer): boolean {
  return payload.length >= text.length && payload.compare(text, 0, text.length, 0, text.length) === 0;
}

function numberAt(payload: Buffer, at: number): number {
  let value = 0;
  for (let digit = payload[at] ?? 0; digit >= 48 && digit <= 57; digit = payload[++at] ?? 0)
    value = value * 10 + digit - 48;
  return value;
}
