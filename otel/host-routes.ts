/**
 * Routes to single addresses, as container networks that have no bridge keep them: one per container, to its device.
 * @see https://www.kernel.org/doc/html/latest/filesystems/proc.html#networking-info-in-proc-net
 * @module
 */
import { readFileSync } from "node:fs";

interface HostRoute {
  address: string;
  device: string;
}

const ALL_BITS_V4 = "FFFFFFFF";
const ALL_BITS_V6 = "80";
const NO_GATEWAY_V6 = "0".repeat(32);

/** Those of this network namespace that name a device and no gateway. */
function hostRoutes(): HostRoute[] {
  return [...routesV4(lines("/proc/net/route")), ...routesV6(lines("/proc/net/ipv6_route"))];
}

/** Columns: device, destination, gateway, flags, reference count, use, metric, mask; little-endian hexadecimal. */
function routesV4(table: readonly string[]): HostRoute[] {
  return table.flatMap((line) => {
    const [device = "", destination = "", gateway, , , , , mask] = line.split(/\s+/);
    if (mask !== ALL_BITS_V4 || Number(`0x${gateway}`) !== 0) return [];
    return [{ address: [...Buffer.from(destination, "hex")].reverse().join("."), device }];
  });
}

/** Columns: destination, prefix length, source, its length, next hop, metric, reference count, use, flags, device. */
function routesV6(table: readonly string[]): HostRoute[] {
  return table.flatMap((line) => {
    const [destination = "", prefix, , , gateway, , , , , device = ""] = line.trim().split(/\s+/);
    if (prefix !== ALL_BITS_V6 || gateway !== NO_GATEWAY_V6) return [];
    return [{ address: destination.replace(/(.{4})(?=.)/g, "$1:"), device }];
  });
}

/** None where the file is missing: IPv6 may be compiled out. */
function lines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trim().split("\n");
  } catch {
    return [];
  }
}

export { hostRoutes, routesV4, routesV6 };
