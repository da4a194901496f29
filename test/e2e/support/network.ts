import { readFileSync } from "node:fs";
import { ATTACH, type Attach } from "./attach.ts";
import { Child, output } from "./child.ts";

/**
 * A network namespace with a loopback device of its own. Nothing but what a test starts is in it: every port is free, no
 * other traffic is seen, and counts are exact. It is gone when the last process in it has ended.
 */
export class Network {
  readonly #holder: Child;

  private constructor(holder: Child) {
    this.#holder = holder;
  }

  static async open(): Promise<Network> {
    const holder = new Child(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec cat"]);
    await holder.match(/up/);
    return new Network(holder);
  }

  /** A command line that runs `argv` in here. */
  inside(argv: readonly string[]): string[] {
    return ["nsenter", `--net=/proc/${this.#holder.pid}/ns/net`, "--", ...argv];
  }

  start(argv: readonly string[], env?: Record<string, string>, onLine?: (line: string) => void): Child {
    return new Child(this.inside(argv), env, onLine);
  }

  /** Runs a command that must succeed. @returns its standard output */
  output(...argv: string[]): Promise<string> {
    return output(this.inside(argv));
  }

  /** Runs one of the programs beside this file, with Bun. */
  program(name: string, args: readonly string[] = [], onLine?: (line: string) => void): Child {
    const file = new URL(`programs/${name}.ts`, import.meta.url).pathname;
    return this.start([process.execPath, file, ...args], {}, onLine);
  }

  /** How `ip` names this network from inside another one: `ip link set DEVICE netns PID`. */
  get pid(): string {
    return String(this.#holder.pid);
  }

  /** Joins two networks by a pair of devices, both called `name`, that are down and have no address yet. */
  async link(name: string, other: Network): Promise<void> {
    await this.output("ip", "link", "add", name, "type", "veth", "peer", "name", name, "netns", other.pid);
  }

  /** Gives a device an address such as `10.1.0.1/24`, and takes it up. */
  async address(device: string, address: string): Promise<void> {
    await this.output("ip", "address", "add", address, "dev", device, ...(address.includes(":") ? ["nodad"] : []));
    await this.output("ip", "link", "set", device, "up");
  }

  /** Packet sockets that are open in here. */
  packetSockets(): number {
    return this.#packetSockets().length;
  }

  /** The numbers of the devices that a packet socket is bound to. */
  watchedDevices(): number[] {
    const bound = this.#packetSockets().map((line) => Number(line.trim().split(/\s+/)[4]));
    return [...new Set(bound.filter((device) => device > 0))];
  }

  #packetSockets(): string[] {
    return readFileSync(`/proc/${this.#holder.pid}/net/packet`, "utf8").trim().split("\n").slice(1);
  }

  /** Every device in here is watched, and nothing else: not one that has gone. At sockets there is nothing to wait for. */
  async allWatched(attach: Attach = ATTACH): Promise<void> {
    if (attach === "cgroup") return;
    for (;;) {
      const devices = JSON.parse(await this.output("ip", "-j", "link", "show")) as { ifindex: number }[];
      const watched = new Set(this.watchedDevices());
      if (watched.size === devices.length && devices.every(({ ifindex }) => watched.has(ifindex))) return;
    }
  }
}
