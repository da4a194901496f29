import { join } from "node:path";
import { type Child, output } from "./child.ts";
import type { Network } from "./network.ts";

const PROGRAMS = join(import.meta.dir, "programs");

/** The path of a program in C that lies beside those in TypeScript. */
export async function nativeProgram(name: string): Promise<string> {
  await output(["make", "--silent", "-C", PROGRAMS]);
  return join(PROGRAMS, ".output", name);
}

/** Gives a pair of devices that join two networks their addresses: N is 1 in the first and 2 in the other. */
export async function addressPair(device: string, ...networks: readonly Network[]): Promise<void> {
  for (const [index, network] of networks.entries()) {
    await network.address(device, `10.2.0.${index + 1}/24`);
    await network.address(device, `fd00:2::${index + 1}/64`);
  }
}

/**
 * Joins two networks by tun devices, `wire0` in each, and a process that forwards between them.
 * @param rules as programs/link.c takes them: `tap`, and what happens to each Nth packet
 */
export async function joinByCable(one: Network, other: Network, ...rules: string[]): Promise<Child> {
  const program = await nativeProgram("link");
  const link = one.start([program, one.pid, "wire0", other.pid, "wire0", ...rules]);
  await link.match(/up/);
  await addressPair("wire0", one, other);
  return link;
}
