/**
 * `kernelcast tail`: a subscriber that prints one line per transaction.
 * @module
 */

import type { ObservedEvent } from "../ffi/event.ts";
import { hostForUrl } from "./listen.ts";
import { printToStdout } from "./stdout.ts";
import { eventLine, jsonLine, printable } from "./terminal.ts";

interface TailOptions {
  host: string;
  port: number;
  /** Print each event as JSON rather than in columns. */
  json: boolean;
  /** Ends it as Ctrl-C does. */
  signal: AbortSignal;
  /** Takes whole lines; false when nobody reads any more. */
  print?: (lines: string) => boolean;
  /** Takes one line for the user. */
  warn?: (line: string) => void;
}

type Frame =
  | { type: "batch"; events: ObservedEvent[] }
  | { type: "gap"; dropped: number; fromSeq: number; toSeq: number }
  | { type: "error"; message: string }
  | { type: "hello" | "sync" };

const ANY_ADDRESS = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "::1"],
]);

const CLOSE_MAX_MILLIS = 500;

const warnOnStderr = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

/** Prints until the signal, the end of its reader, or the end of the service. Resolves to the exit code. */
const tail = ({
  host,
  port,
  json,
  signal,
  print = printToStdout,
  warn = warnOnStderr,
}: TailOptions): Promise<number> => {
  const address = `${hostForUrl(ANY_ADDRESS.get(host) ?? host)}:${port}`;
  const { promise, resolve } = Promise.withResolvers<number>();
  const socket = new WebSocket(`ws://${address}/ws`);
  let greeted = false;
  let failure = "";
  let finished = false;
  const finish = () => {
    finished = true;
    socket.close(1000);
    // The service may be too busy to answer the close.
    setTimeout(() => resolve(0), CLOSE_MAX_MILLIS);
  };
  signal.addEventListener("abort", finish, { once: true });

  const line = json ? jsonLine : eventLine;
  socket.onmessage = ({ data }) => {
    const frame: Frame = JSON.parse(String(data));
    greeted ||= frame.type === "hello";
    if (frame.type === "batch") {
      if (!print(frame.events.map((event) => `${line(event)}\n`).join(""))) finish();
    } else if (frame.type === "gap")
      warn(`${frame.dropped} transactions missed (${frame.fromSeq} to ${frame.toSeq}): reading too slowly`);
    else if (frame.type === "error") warn(printable(frame.message));
  };
  socket.onerror = (event) => {
    failure = "message" in event ? String(event.message) : "";
  };
  socket.onclose = ({ code, reason }) => {
    if (finished) {
      resolve(0);
      return;
    }
    if (greeted) warn(`the service at ${address} ended the connection: ${printable(reason) || `code ${code}`}`);
    else if (/101/.test(failure)) warn(`what listens at ${address} is not Kernelcast, or refuses: ${failure}`);
    else
      warn(
        `nothing answers at ${address}; start the service with: kernelcast serve, or name another with --host and --port`,
      );
    resolve(1);
  };
  return promise;
};

export type { TailOptions };
export { tail };
