import type { Network } from "../../e2e/support/network.ts";
import type { LoggedRequest } from "../support/access-log.ts";

export interface Load {
  name: string;
  connections: number;
  requests: number;
}

/**
 * Makes as many requests of /small/ on as many connections as the load says, and ends when each has its answer: none is
 * under way at the end, so that none may be missing. Rejects if any failed.
 *
 * @returns its own account of what it sent and received, if it has one
 */
export type Client = (network: Network, origin: string, load: Load) => Promise<LoggedRequest[] | undefined>;

/** @throws if the client's own summary does not have `pattern`, which is how it says that all went well */
export function expectSummary(text: string, ...patterns: RegExp[]): void {
  const absent = patterns.filter((pattern) => !pattern.test(text));
  if (absent.length > 0) throw new Error(`no ${absent.join(" and no ")} in:\n${text}`);
}
