/**
 * What `kernelcast tail` tells its user beside the traffic: one sentence each, without its end of line.
 * @module
 */

import { ConnectError } from "./client/connect.js";
import type { Gap, Hello } from "./client/index.d.ts";
import { subscriptionQuery } from "./subscription.ts";
import { printable } from "./terminal.ts";

/** In the words of `fetch`. */
const NOBODY = /ECONNREFUSED|ENOENT|ENOTFOUND|Unable to connect|FailedToOpenSocket|ConnectionRefused/;

/** Why it did not begin, and what to do. name: of the service, for people. */
const failureNotice = (error: unknown, name: string): string => {
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

const gapNotice = ({ dropped, fromSeq, toSeq, reason }: Gap): string =>
  `${dropped} transactions missed (${fromSeq} to ${toSeq}): ${
    reason === "history" ? "the service keeps them no longer" : "reading too slowly"
  }`;

interface PastNotice {
  text: string;
  /** A gap right behind the hello frame says it better. */
  isSaidByGap: boolean;
}

/** What `--since` asked for and does not all come; undefined when it does. since: as it was given, and valid. */
const pastNotice = (since: string, { resumed, run, nextSeq }: Hello): PastNotice | undefined => {
  const asked = subscriptionQuery.shape.since.parse(since);
  if (resumed || asked === undefined) return undefined;
  if ("seq" in asked && ((asked.run ?? run) !== run || asked.seq + 1 !== nextSeq))
    return {
      text: `--since ${since}: in its present run the service has seen no such event; all that it holds follows`,
      isSaidByGap: false,
    };
  return {
    text: `--since ${since}: the service does not hold all of that; what follows begins with event ${nextSeq}`,
    isSaidByGap: "seq" in asked,
  };
};

export { failureNotice, gapNotice, pastNotice };
