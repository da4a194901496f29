/**
 * A filter compiled into a test of decoded events, of any protocol. A key that does not apply to an event, such as the status
 * of a TCP connection, selects nothing, negated or not.
 * @module
 */

import type { Endpoint, HttpEvent, ObservedEvent, TcpEvent } from "../ffi/event.ts";
import {
  type Filter,
  hasPort,
  hostKind,
  methodKind,
  networkKind,
  pathKind,
  portKind,
  protocolKind,
  splitTerms,
  statusKind,
  type Terms,
  upperCase,
} from "./filter.ts";
import { Glob } from "./glob.ts";
import { contains, parseAddress } from "./network.ts";
import { lotOf } from "./sampling.ts";

type EventTest = (event: ObservedEvent) => boolean;

const NANO_PER_MILLI = 1e6;
const HTTP_ONLY = ["method", "status", "path", "host"] as const;

/** Who asked and who was asked. */
const ends = (event: ObservedEvent): { client: Endpoint; server: Endpoint } => {
  if (event.protocol === "http") return event;
  const { local, remote, role } = event;
  return role === "client" ? { client: local, server: remote } : { client: remote, server: local };
};

const test = <T>({ any, none }: Terms<T>, is: (value: T) => boolean): boolean =>
  (any.length === 0 || any.some(is)) && !none.some(is);

const globs = (terms: Terms<string>, compile: (pattern: string) => (text: string) => boolean) => ({
  any: terms.any.map(compile),
  none: terms.none.map(compile),
});

const globTest = (pattern: string, ignoreCase = false) => {
  const glob = new Glob(pattern, { ignoreCase });
  return (text: string): boolean => {
    const bytes = Buffer.from(text);
    return glob.matchesBytes(bytes, 0, bytes.length);
  };
};

const hostTest = (pattern: string) => {
  const matches = globTest(pattern, true);
  return hasPort(pattern) ? matches : (host: string) => matches(host.replace(/(?<=.):\d*$/s, ""));
};

const compileHttp = (filter: Filter): ((event: HttpEvent) => boolean) => {
  const methods = splitTerms(methodKind, filter.method ?? []);
  const statuses = splitTerms(statusKind, filter.status ?? []);
  const paths = globs(splitTerms(pathKind, filter.path ?? []), (pattern) => globTest(pattern));
  const hosts = globs(splitTerms(hostKind, filter.host ?? []), hostTest);
  return ({ method, status, path, host = "" }) =>
    test(methods, (value) => value === upperCase(method)) &&
    test(statuses, ({ low, high }) => status >= low && status <= high) &&
    test(paths, (matches) => matches(path)) &&
    test(hosts, (matches) => matches(host));
};

/** The keys that every protocol has. */
const compileCommon = (filter: Filter): ((event: HttpEvent | TcpEvent) => boolean) => {
  const protocols = splitTerms(protocolKind, filter.protocol ?? []);
  const ports = splitTerms(portKind, filter.port ?? []);
  const clients = splitTerms(networkKind, filter.client ?? []);
  const servers = splitTerms(networkKind, filter.server ?? []);
  const { minDurationMs, sample } = filter;
  const bytes = ({ address }: Endpoint) => parseAddress(address) ?? new Uint8Array(16);
  return (event) => {
    const { client, server } = ends(event);
    return (
      test(protocols, (value) => value === event.protocol) &&
      test(ports, ({ low, high }) => server.port >= low && server.port <= high) &&
      test(clients, (network) => contains(network, bytes(client))) &&
      test(servers, (network) => contains(network, bytes(server))) &&
      (minDurationMs === undefined || event.durationNano >= minDurationMs * NANO_PER_MILLI) &&
      (sample === undefined || lotOf(event.seq) < sample)
    );
  };
};

/** No event of another protocol is selected. */
const isForHttpAlone = (filter: Filter): boolean => {
  const { any, none } = splitTerms(protocolKind, filter.protocol ?? []);
  return (
    HTTP_ONLY.some((key) => filter[key] !== undefined) ||
    none.includes("tcp") ||
    (any.length > 0 && any.every((protocol) => protocol === "http"))
  );
};

const compileEvent = (filter: Filter): EventTest => {
  const http = compileHttp(filter);
  const common = compileCommon(filter);
  const hasHttpKeys = HTTP_ONLY.some((key) => filter[key] !== undefined);
  return (event) => (event.protocol === "http" ? http(event) : !hasHttpKeys) && common(event);
};

export type { EventTest };
export { compileEvent, isForHttpAlone };
