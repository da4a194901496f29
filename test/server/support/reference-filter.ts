import type { Endpoint, ObservedEvent } from "../../../ffi/event.ts";
import type { Filter } from "../../../server/filter.ts";
import { lotOf } from "../../../server/sampling.ts";

/** The semantics of filters, written down once more and as simply as possible: strings, regular expressions, BigInt. */
export function referenceSelects(filter: Filter, event: ObservedEvent): boolean {
  const keys: Record<string, (value: string) => boolean> = {
    protocol: (value) => event.protocol === value,
    port: (value) => isInRange(value, serverOf(event).port),
    client: (value) => isInNetwork(value, clientOf(event).address),
    server: (value) => isInNetwork(value, serverOf(event).address),
  };
  if (event.protocol === "http") {
    const host = event.host ?? "";
    keys.method = (value) => fold(event.method) === fold(value);
    keys.status = (value) => isInRange(value.replace(/^(\d)xx$/, "$100-$199"), event.status);
    keys.path = (value) => glob(value).test(event.path);
    const name = host.replace(/^(.+):\d*$/s, "$1");
    keys.host = (value) => glob(fold(value)).test(fold(/:[\d*]+$/.test(value) ? host : name));
  }
  for (const [key, values] of Object.entries(filter)) {
    if (!Array.isArray(values)) continue;
    const matches = keys[key];
    if (matches === undefined) return false;
    const wanted = values.filter((value) => !value.startsWith("!"));
    const unwanted = values.filter((value) => value.startsWith("!")).map((value) => value.slice(1));
    if (wanted.length > 0 && !wanted.some(matches)) return false;
    if (unwanted.some(matches)) return false;
  }
  if (filter.minDurationMs !== undefined && event.durationNano < filter.minDurationMs * 1e6) return false;
  return filter.sample === undefined || lotOf(event.seq) < filter.sample;
}

const fold = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

function isInRange(text: string, value: number): boolean {
  const [low = Number.NaN, high = low] = text.split("-").map(Number);
  return value >= low && value <= high;
}

function glob(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*?)/).map((part) => {
    if (part === "**") return "[^]*";
    return part === "*" ? "[^/]*" : part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}

function serverOf(event: ObservedEvent): Endpoint {
  if (event.protocol === "http") return event.server;
  return event.role === "server" ? event.local : event.remote;
}

function clientOf(event: ObservedEvent): Endpoint {
  if (event.protocol === "http") return event.client;
  return event.role === "server" ? event.remote : event.local;
}

function isInNetwork(text: string, address: string): boolean {
  const [network = "", prefix] = text.split("/");
  const bits = (network.includes(":") ? 128 : 32) - Number(prefix ?? (network.includes(":") ? 128 : 32));
  return bigAddress(network) >> BigInt(bits) === bigAddress(address) >> BigInt(bits);
}

function bigAddress(address: string): bigint {
  if (!address.includes(":"))
    return address.split(".").reduce((sum, part) => sum * 256n + BigInt(part), 0n) | 0xffff_0000_0000n;
  const [left = "", right = ""] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const fill = 8 - groups(left).length - groups(right).length;
  return [...groups(left), ...Array<string>(fill).fill("0"), ...groups(right)].reduce(
    (sum, group) => sum * 65_536n + BigInt(`0x${group}`),
    0n,
  );
}
