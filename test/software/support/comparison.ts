import type { HttpEvent } from "../../../ffi/event.ts";
import type { LoggedRequest } from "./access-log.ts";

/** Everything that a log can say of a request, said by an event. */
function describeEvent(event: HttpEvent): Required<LoggedRequest> {
  const { requestHeaderBytes, requestBodyBytes, responseHeaderBytes = 0, responseBodyBytes = 0 } = event;
  return {
    serverPort: event.server.port,
    clientPort: event.client.port,
    method: event.method,
    path: event.path,
    status: event.status,
    version: event.version,
    requestHeaderBytes,
    requestBodyBytes,
    requestBytes: requestHeaderBytes + requestBodyBytes,
    responseHeaderBytes,
    responseBodyBytes,
    responseBytes: responseHeaderBytes + responseBodyBytes,
  };
}

/** What events and log do not agree on. Of each kind the count, and the first few: a list of thousands would be unreadable. */
interface Comparison {
  /** Logged, and no event. */
  missing: Sample<LoggedRequest>;
  /** An event, and not logged. */
  extra: Sample<HttpEvent>;
  /** Logged and an event, but with different counts of bytes. */
  different: Sample<{ logged: LoggedRequest; seen: Partial<LoggedRequest> }>;
  /** Events whose outcome is not the expected one. */
  otherOutcome: Sample<HttpEvent>;
}

interface Sample<T> {
  count: number;
  first: T[];
}

const NONE = { count: 0, first: [] };
export const ALIKE: Comparison = { missing: NONE, extra: NONE, different: NONE, otherOutcome: NONE };

/**
 * Pairs each logged request with an event of the same ports, method, path, status and version, one to one, in the order in
 * which both ended, and holds all else that the log says against the event.
 */
export function compare(
  events: readonly HttpEvent[],
  logged: readonly LoggedRequest[],
  outcome: HttpEvent["outcome"] = "complete",
): Comparison {
  const unpaired = Map.groupBy(byEnd(events), (event) => identity(describeEvent(event)));
  const missing: LoggedRequest[] = [];
  const different: { logged: LoggedRequest; seen: Partial<LoggedRequest> }[] = [];
  for (const request of logged) {
    // A log without the version says nothing against either.
    const keys = request.version === undefined ? ["1.1", "1.0"] : [request.version];
    const event = keys.map((version) => unpaired.get(identity({ ...request, version }))?.shift()).find(Boolean);
    if (event === undefined) {
      missing.push(request);
      continue;
    }
    const seen = only(describeEvent(event), Object.keys(request) as (keyof LoggedRequest)[]);
    if (!Bun.deepEquals(seen, request)) different.push({ logged: request, seen });
  }
  return {
    missing: sample(missing),
    extra: sample([...unpaired.values()].flat()),
    different: sample(different),
    otherOutcome: sample(events.filter((event) => event.outcome !== outcome)),
  };
}

/** Arrival keeps the order of a CPU alone. What ended at the very same time ended with one packet, and so on one CPU. */
function byEnd(events: readonly HttpEvent[]): HttpEvent[] {
  return events
    .map((event) => ({ event, endNs: BigInt(event.startTimeUnixNano) + BigInt(event.durationNano) }))
    .sort((a, b) => Number(a.endNs - b.endNs))
    .map(({ event }) => event);
}

function identity({ serverPort, clientPort, method, path, status, version }: LoggedRequest): string {
  return `${clientPort} ${serverPort} ${method} ${path} ${status} ${version}`;
}

function only<T extends object>(whole: T, keys: readonly (keyof T)[]): Partial<T> {
  return Object.fromEntries(keys.map((key) => [key, whole[key]])) as Partial<T>;
}

function sample<T>(items: readonly T[]): Sample<T> {
  return { count: items.length, first: items.slice(0, 3) };
}
