/**
 * Whether the collector takes a signal, and what to do while it does not: one export at a time, with pauses between, and
 * one line in the log. Without this a dead collector would cost as much as a live one, and retry every span in vain.
 * @module
 */
import type { ExportOutcome } from "./export-outcome.ts";
import { type Log, RepeatLimit, withHeldBack } from "./log.ts";
import type { Signal } from "./settings.ts";

/** A refusal may be the batch's fault; this many in a row are the collector's. */
const REFUSALS_MAX = 3;

/** The pause doubles with every failure. The SDK's own retries, up to 10 s of them, come before each. */
const PAUSE_MIN_MILLIS = 250;
const PAUSE_MAX_MILLIS = 5000;
/** Part of the pause that is random, so that a fleet does not come back all at once. */
const JITTER = 0.2;

/** What a signal and its parts are called. */
const WORDS: Readonly<Record<Signal, { signal: string; items: string; fate: string }>> = {
  TRACES: {
    signal: "spans",
    items: "spans",
    fate: "They are tried again for some seconds, then dropped and counted, until it takes them.",
  },
  METRICS: { signal: "metrics", items: "data points", fate: "They are tried again at every interval." },
};

/** Network error codes in plain words. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut",
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name cannot be looked up",
  "Request timed out": "no answer in time",
  "Export failed with retryable status": "it keeps answering that it is overloaded",
};

/** A reason why nothing was connected to, in words. Undefined when there is none, or only that time ran out. */
function describeOutage(reason: string | undefined): string | undefined {
  return reason === undefined || reason === "Request timed out" ? undefined : inWords(reason);
}

function inWords(reason: string): string {
  if (!/CERT|SSL|TLS/.test(reason)) return REASONS[reason] ?? reason;
  return `TLS failed with ${reason}, see OTEL_EXPORTER_OTLP_CERTIFICATE, _CLIENT_CERTIFICATE and _CLIENT_KEY`;
}

interface HealthOptions {
  url: string;
  log: Log;
  signal?: Signal;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
  /** From 0 up to, not including, 1. */
  random?: () => number;
}

class CollectorHealth {
  readonly #url: string;
  readonly #log: Log;
  readonly #signal: Signal;
  readonly #now: () => number;
  readonly #random: () => number;
  readonly #limit: RepeatLimit;
  #failures = 0;
  #refusals = 0;
  #isDown = false;
  #isWarned = false;
  #resumeAtMillis = 0;

  constructor(options: HealthOptions) {
    const { url, log, signal = "TRACES", now = () => performance.now(), random = Math.random } = options;
    this.#url = url;
    this.#log = log;
    this.#signal = signal;
    this.#now = now;
    this.#random = random;
    this.#limit = new RepeatLimit(now);
  }

  /** True from a failure that is not the batch's own until the next success. */
  get isDown(): boolean {
    return this.#isDown;
  }

  /** How long to leave the collector alone, 0 when it may be tried. */
  get pauseMillis(): number {
    return this.#isDown ? Math.max(0, this.#resumeAtMillis - this.#now()) : 0;
  }

  /** True when the log has been told that nothing gets there, and not yet that something does again. */
  get isWarned(): boolean {
    return this.#isWarned;
  }

  /** Tells the log before the SDK has given up an export: its attempts may take 10 s, and the operator should know. */
  warnEarly(reason: string): void {
    if (!this.#isWarned) this.#warnOfOutage(reason);
  }

  /** Learns from an export of so many spans or data points, and tells the log what the operator should know. */
  record(outcome: ExportOutcome, itemCount: number): void {
    if (outcome.status === "exported") this.#succeed(outcome.rejected, outcome.message, itemCount);
    else this.#fail(outcome.status, outcome.reason, itemCount);
  }

  #succeed(rejected: number, message: string | undefined, itemCount: number): void {
    const { signal, items } = WORDS[this.#signal];
    if (this.#isWarned) this.#log.info(`The collector at ${this.#url} takes ${signal} again.`);
    this.#failures = 0;
    this.#refusals = 0;
    this.#resumeAtMillis = 0;
    this.#isDown = false;
    this.#isWarned = false;
    const detail = message ? `: ${message}` : "";
    if (rejected > 0) {
      this.#warn("rejected", `The collector at ${this.#url} rejected ${rejected} of ${itemCount} ${items}${detail}`);
    } else if (message) {
      this.#warn("message", `The collector at ${this.#url} warns${detail}`);
    }
  }

  #fail(status: "refused" | "unreachable", reason: string, itemCount: number): void {
    this.#lengthenPause();
    this.#refusals = status === "refused" ? this.#refusals + 1 : 0;
    this.#isDown ||= status === "unreachable" || this.#refusals >= REFUSALS_MAX;
    if (!this.#isDown) {
      const { items } = WORDS[this.#signal];
      this.#warn(
        "refused",
        `The collector at ${this.#url} refused ${itemCount} ${items}: ${reason}. They are dropped.`,
      );
    } else if (!this.#isWarned) {
      // Asked again at every failure: an outage so soon after the last that it had to be kept quiet is told if it lasts.
      this.#warnOfOutage(reason);
    }
  }

  #warnOfOutage(reason: string): void {
    const { signal, fate } = WORDS[this.#signal];
    const what = `${signal.charAt(0).toUpperCase()}${signal.slice(1)} do not reach the collector at ${this.#url}`;
    const remedy = `Start a collector there, name another in OTEL_EXPORTER_OTLP_ENDPOINT, or set OTEL_${this.#signal}_EXPORTER=none to send no ${signal}.`;
    this.#isWarned = this.#warn("down", `${what}: ${inWords(reason)}. ${fate} ${remedy}`);
  }

  /** Exports that were under way together fail together: that is one failure, not one each. */
  #lengthenPause(): void {
    const now = this.#now();
    if (now < this.#resumeAtMillis) return;
    const pauseMillis = Math.min(PAUSE_MIN_MILLIS * 2 ** this.#failures++, PAUSE_MAX_MILLIS);
    this.#resumeAtMillis = now + pauseMillis * (1 + JITTER * (2 * this.#random() - 1));
  }

  #warn(subject: string, message: string): boolean {
    const heldBack = this.#limit.pass(subject);
    if (heldBack === undefined) return false;
    this.#log.warn(withHeldBack(message, heldBack));
    return true;
  }
}

export { CollectorHealth, describeOutage };
