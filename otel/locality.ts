/**
 * Which addresses are on this host: its own, and those of its containers.
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { BlockList, isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { hostRoutes } from "./host-routes.ts";

/** An address that came or went is known after this. */
const REFRESH_MILLIS = 5000;
/** Addresses whose answer is kept; a scan with random ones only empties the cache. */
const CACHED_MAX = 4096;

const DEVICES = "/sys/class/net";

class Locality {
  readonly #read: () => BlockList;
  readonly #answers = new Map<string, boolean>();
  #local: BlockList | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param read the addresses as they are now; it takes some tens of microseconds and is called only when asked again */
  constructor(read: () => BlockList = readLocalAddresses) {
    this.#read = read;
  }

  /** Of an address as events carry it. Bound, so that it can be handed on. */
  readonly isLocal = (address: string): boolean => {
    const known = this.#answers.get(address);
    if (known !== undefined) return known;
    if (this.#answers.size >= CACHED_MAX) this.#answers.clear();
    this.#local ??= this.#read();
    const answer = this.#local.check(address, isIPv6(address) ? "ipv6" : "ipv4");
    this.#answers.set(address, answer);
    this.#timer ??= this.#forgetLater();
    return answer;
  };

  close(): void {
    clearInterval(this.#timer);
  }

  #forgetLater(): ReturnType<typeof setInterval> {
    const timer = setInterval(() => {
      this.#answers.clear();
      this.#local = undefined;
    }, REFRESH_MILLIS);
    timer.unref();
    return timer;
  }
}

/**
 * The addresses of this network namespace's devices as far as they run, all of 127.0.0.0/8, the networks of bridges that
 * only containers and virtual machines of this host are plugged into, and the containers that have a device and a route
 * each.
 */
function readLocalAddresses(): BlockList {
  const local = new BlockList();
  local.addSubnet("127.0.0.0", 8, "ipv4");
  for (const [device, addresses = []] of Object.entries(networkInterfaces())) {
    const isBridge = isInnerBridge(device);
    for (const { address, cidr, family } of addresses) {
      const type = family === "IPv6" ? "ipv6" : "ipv4";
      if (isBridge && cidr) local.addSubnet(address, Number(cidr.split("/")[1]), type);
      else local.addAddress(address, type);
    }
  }
  for (const { address, device } of hostRoutes()) {
    if (isVirtualPair(device)) local.addAddress(address, isIPv6(address) ? "ipv6" : "ipv4");
  }
  return local;
}

/** A bridge no port of which leads out of this machine: docker0, cni0, virbr0. */
function isInnerBridge(device: string): boolean {
  const ports = entries(`${DEVICES}/${device}/brif`);
  return ports?.every((port) => isVirtualPair(port) || entries(`${DEVICES}/${port}`)?.includes("tun_flags")) ?? false;
}

/** One end of a veth pair: linked to another device, and of none of the kinds that name themselves (vlan, vxlan, macvlan). */
function isVirtualPair(device: string): boolean {
  const [index, link, uevent] = ["ifindex", "iflink", "uevent"].map((file) => text(`${DEVICES}/${device}/${file}`));
  return index !== link && uevent !== undefined && !uevent.includes("DEVTYPE=");
}

function entries(folder: string): string[] | undefined {
  try {
    return readdirSync(folder);
  } catch {
    return undefined;
  }
}

function text(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

export { Locality, readLocalAddresses };
