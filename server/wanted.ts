/**
 * What filters say of HTTP transactions in the kernel's terms, which are coarser: whatever a filter selects meets them, and the
 * filter itself looks at what does.
 * @module
 */

import type { Network, WantedTransactions } from "../ffi/event.ts";
import { type Filter, networkKind, portKind, protocolKind, splitTerms, statusKind } from "./filter.ts";
import { contains } from "./network.ts";
import type { NumberRange } from "./number-range.ts";

/** No transaction has this server port. */
const NOTHING: WantedTransactions = { serverPorts: [0] };

/** What the kernel has room for; `bpf/events.h` `enum wanted_limits`, and a test holds the two together. */
const PORTS_MAX = 32;
const NETWORKS_MAX = 8;
const CLASSES = [0, 1, 2, 3, 4, 5];
const STATUS_MAX = 999;

/** An empty object: the kernel can check nothing of it. */
const wantedBy = (filter: Filter): WantedTransactions => {
  const protocols = splitTerms(protocolKind, filter.protocol ?? []);
  if (protocols.none.includes("http") || (protocols.any.length > 0 && !protocols.any.includes("http"))) return NOTHING;
  const statusClasses = filter.status && classesOf(filter.status);
  const serverPorts = filter.port && portsOf(filter.port);
  const clientNetworks = filter.client && networksOf(filter.client);
  const serverNetworks = filter.server && networksOf(filter.server);
  if (statusClasses?.length === 0 || serverPorts?.length === 0) return NOTHING;
  return {
    ...(statusClasses !== undefined && statusClasses.length < CLASSES.length && { statusClasses }),
    ...(serverPorts !== undefined && { serverPorts }),
    ...(clientNetworks !== undefined && { clientNetworks }),
    ...(serverNetworks !== undefined && { serverNetworks }),
  };
};

/** What any of them wants, or more; of none it is nothing. The same for the same, in whatever order they are. */
const wantedByAny = (all: readonly WantedTransactions[]): WantedTransactions => {
  const some = all.filter((wanted) => wanted !== NOTHING);
  if (some.length === 0) return NOTHING;
  const union = <K extends keyof WantedTransactions>(key: K, max: number, same: typeof sameNumber) => {
    const lists = some.map((wanted) => wanted[key] as readonly unknown[] | undefined);
    if (lists.includes(undefined)) return {};
    const members = lists.flat().filter((one, index, array) => array.findIndex((two) => same(one, two)) === index);
    return members.length <= max ? { [key]: members.sort(byText) } : {};
  };
  return {
    ...union("statusClasses", CLASSES.length - 1, sameNumber),
    ...union("serverPorts", PORTS_MAX, sameNumber),
    ...union("clientNetworks", NETWORKS_MAX, sameNetwork),
    ...union("serverNetworks", NETWORKS_MAX, sameNetwork),
  };
};

/** Is all of `part` among `whole`? */
const covers = (whole: WantedTransactions, part: WantedTransactions): boolean => {
  if (part === NOTHING) return true;
  const isIn = <T>(all: readonly T[] | undefined, some: readonly T[] | undefined, has: (one: T, two: T) => boolean) =>
    all === undefined || (some?.every((one) => all.some((other) => has(other, one))) ?? false);
  return (
    isIn(whole.statusClasses, part.statusClasses, sameNumber) &&
    isIn(whole.serverPorts, part.serverPorts, sameNumber) &&
    isIn(whole.clientNetworks, part.clientNetworks, hasNetwork) &&
    isIn(whole.serverNetworks, part.serverNetworks, hasNetwork)
  );
};

const isEverything = (wanted: WantedTransactions): boolean => Object.keys(wanted).length === 0;

/** Those of which any status may be selected. */
const classesOf = (values: readonly string[]): number[] => {
  const { any, none } = splitTerms(statusKind, values);
  const isIn = (ranges: readonly NumberRange[], status: number) =>
    ranges.some(({ low, high }) => status >= low && status <= high);
  const classes = new Set<number>();
  for (let status = 0; status <= STATUS_MAX; status++)
    if ((any.length === 0 || isIn(any, status)) && !isIn(none, status))
      classes.add(Math.min(Math.floor(status / 100), 5));
  // Above stand only those that no value names.
  if (any.length === 0) classes.add(5);
  return CLASSES.filter((one) => classes.has(one));
};

/** Undefined: too many. */
const portsOf = (values: readonly string[]): number[] | undefined => {
  const { any, none } = splitTerms(portKind, values);
  if (any.length === 0) return undefined;
  const ports = new Set<number>();
  for (const { low, high } of any)
    for (let port = low; port <= high && ports.size <= PORTS_MAX; port++)
      if (!none.some((range) => port >= range.low && port <= range.high)) ports.add(port);
  return ports.size > PORTS_MAX ? undefined : [...ports];
};

/** Undefined: too many, or none that must be met. */
const networksOf = (values: readonly string[]): Network[] | undefined => {
  const { any } = splitTerms(networkKind, values);
  return any.length === 0 || any.length > NETWORKS_MAX ? undefined : [...any];
};

const byText = (one: unknown, other: unknown): number => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1);
const sameNumber = (one: unknown, other: unknown): boolean => one === other;
const sameNetwork = (one: unknown, other: unknown): boolean => Bun.deepEquals(one, other);
const hasNetwork = (whole: Network, part: Network): boolean =>
  whole.prefixLength <= part.prefixLength && contains(whole, part.address);

export { covers, isEverything, NETWORKS_MAX, NOTHING, PORTS_MAX, wantedBy, wantedByAny };
