/**
 * `kernelcast tail`: a subscriber that prints one line per transaction.
 * @module
 */

import { readFileSync } from "node:fs";
import { readToken } from "./access/tokens.ts";
import { connect } from "./client/connect.js";
import type { Hello, ObservedEvent } from "./client/index.d.ts";
import { hostForUrl } from "./listen.ts";
import { printToStdout } from "./stdout.ts";
import type { SubscriptionParameters } from "./tail-flags.ts";
import { failureNotice, gapNotice, pastNotice } from "./tail-notices.ts";
import { eventLine, jsonLine, printable } from "./terminal.ts";

interface TailOptions {
  host: string;
  port: number;
  /** In the place of host and port. */
  url?: string | undefined;
  unixSocket?: string | undefined;
  /** The first token in it is used: any may read. */
  tokenFile?: string | undefined;
  /** The service's certificate, or that of who signed it; those that the machine trusts need not be given. */
  tlsCert?: string | undefined;
  parameters?: SubscriptionParameters;
  /** Print each event as JSON rather than in columns. */
  json: boolean;
  isColored?: boolean;
  /** Ends it as Ctrl-C does. */
  signal: AbortSignal;
  /** Takes whole lines; false when nobody reads any more. */
  print?: (lines: string) => boolean;
  /** Takes one line for the user. */
  warn?: (line: string) => void;
}

interface Address {
  url: string;
  /** For people. */
  name: string;
}

const ANY_ADDRESS = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["::", "::1"],
]);

const warnOnStderr = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const addressOf = ({ url, host, port, unixSocket, tlsCert }: TailOptions): Address => {
  if (url !== undefined) return { url, name: url };
  if (unixSocket !== undefined) return { url: "http://localhost", name: unixSocket };
  const name = `${hostForUrl(ANY_ADDRESS.get(host) ?? host)}:${port}`;
  return { url: `${tlsCert === undefined ? "http" : "https"}://${name}`, name };
};

/** Over HTTP alone: it is read as fast as it is printed, and goes through sockets and certificates that a WebSocket does not. */
const fetchVia = ({ unixSocket, tlsCert }: TailOptions) => {
  const way = {
    ...(unixSocket !== undefined && { unix: unixSocket }),
    ...(tlsCert !== undefined && { tls: { ca: readFileSync(tlsCert, "utf8") } }),
  };
  return (url: string, init: RequestInit) => fetch(url, { ...init, ...way } as RequestInit);
};

/**
 * Prints until the signal or the end of its reader; a service that goes away is waited for. Resolves to the exit code.
 *
 * @throws {TokenFileError}; what reading the certificate throws
 */
const tail = async (options: TailOptions): Promise<number> => {
  const { json, isColored = false, signal, parameters = {}, tokenFile } = options;
  const { print = printToStdout, warn = warnOnStderr } = options;
  const address = addressOf(options);
  const { since, policy, ...filter } = parameters;
  let askedSince = since?.[0];
  let hasGap = false;
  /** Once: where it goes on later is not what the user asked for. */
  const tellOfPast = (hello: Hello) => {
    const notice = askedSince === undefined ? undefined : pastNotice(askedSince, hello);
    askedSince = undefined;
    if (notice === undefined) return;
    const { text, isSaidByGap } = notice;
    if (!isSaidByGap) warn(text);
    // What the service sends at once has been heard by then.
    else queueMicrotask(() => hasGap || warn(text));
  };
  const line = json ? jsonLine : (event: ObservedEvent) => eventLine(event, isColored);
  const connection = connect({
    url: address.url,
    ...(tokenFile !== undefined && { token: readToken(tokenFile) }),
    // In the words of the command line, which have been looked at and are understood as they are.
    filter: filter as object,
    ...(askedSince !== undefined && { since: askedSince }),
    ...(policy?.[0] !== undefined && { policy: policy[0] as "sample" }),
    fetch: fetchVia(options),
    signal,
    onEvents: (events) => {
      if (!print(events.map((event) => `${line(event)}\n`).join(""))) void connection.close();
    },
    onGap: (gap) => {
      hasGap = true;
      warn(gapNotice(gap));
    },
    onConnect: (hello, isRestarted) => {
      const { notice } = hello.source;
      if (isRestarted) warn("the service was restarted; what happened meanwhile was not seen");
      if (notice !== undefined) warn(notice.split("\n").map(printable).join("\n"));
      tellOfPast(hello);
    },
    onDisconnect: (reason) =>
      warn(`the service at ${address.name} ended the connection (${printable(reason)}); waiting for it`),
  });
  try {
    await connection.closed;
    return 0;
  } catch (error) {
    warn(failureNotice(error, address.name));
    return 1;
  }
};

export type { TailOptions };
export { tail };
