/**
 * `kernelcast tail`: a subscriber that prints one line per transaction.
 * @module
 */

import { readFileSync } from "node:fs";
import { readToken } from "./access/tokens.ts";
import { ConnectError, connect } from "./client/connect.js";
import type { Gap, ObservedEvent } from "./client/index.d.ts";
import { hostForUrl } from "./listen.ts";
import { printToStdout } from "./stdout.ts";
import type { SubscriptionParameters } from "./tail-flags.ts";
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

/** In the words of `fetch`. */
const NOBODY = /ECONNREFUSED|ENOENT|ENOTFOUND|Unable to connect|FailedToOpenSocket|ConnectionRefused/;

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

/** Why it did not begin, and what to do. */
const failure = (error: unknown, { name }: Address): string => {
  if (!(error instanceof ConnectError)) return printable(error instanceof Error ? error.message : String(error));
  const message = printable(error.message);
  if (error.code === "unreachable" && /certificate|verif/i.test(message))
    return `${message}; --tls-cert names the service's certificate, --url another name for it`;
  if (error.code === "unreachable" && !NOBODY.test(message))
    return `what listens at ${name} is not Kernelcast: ${message}`;
  if (error.code === "unreachable")
    return `nothing answers at ${name}; start the service with: kernelcast serve, or name another with --host and --port`;
  if (error.code === "not_kernelcast") return `what listens at ${name} is not Kernelcast: it answers ${error.status}`;
  if (error.status === 401) return `the service at ${name} refuses: ${message}; --token-file names a file with one`;
  return `the service at ${name} refuses: ${message}`;
};

const gapLine = ({ dropped, fromSeq, toSeq, reason }: Gap): string =>
  `${dropped} transactions missed (${fromSeq} to ${toSeq}): ${
    reason === "history" ? "the service keeps them no longer" : "reading too slowly"
  }`;

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
  const line = json ? jsonLine : (event: ObservedEvent) => eventLine(event, isColored);
  const connection = connect({
    url: address.url,
    ...(tokenFile !== undefined && { token: readToken(tokenFile) }),
    // In the words of the command line, which have been looked at and are understood as they are.
    filter: filter as object,
    ...(since?.[0] !== undefined && { since: since[0] }),
    ...(policy?.[0] !== undefined && { policy: policy[0] as "sample" }),
    fetch: fetchVia(options),
    signal,
    onEvents: (events) => {
      if (!print(events.map((event) => `${line(event)}\n`).join(""))) void connection.close();
    },
    onGap: (gap) => warn(gapLine(gap)),
    onConnect: ({ source: { notice } }, isRestarted) => {
      if (isRestarted) warn("the service was restarted; what happened meanwhile was not seen");
      if (notice !== undefined) warn(notice.split("\n").map(printable).join("\n"));
    },
    onDisconnect: (reason) =>
      warn(`the service at ${address.name} ended the connection (${printable(reason)}); waiting for it`),
  });
  try {
    await connection.closed;
    return 0;
  } catch (error) {
    warn(failure(error, address));
    return 1;
  }
};

export type { TailOptions };
export { tail };
