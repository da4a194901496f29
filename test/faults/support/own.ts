import type { Child } from "../../e2e/support/child.ts";
import type { Network } from "../../e2e/support/network.ts";

/** The file of one of the programs in `programs/` beside this file. */
export const ownProgram = (name: string): string => new URL(`programs/${name}.ts`, import.meta.url).pathname;

/** Runs it with Bun. */
export function program(
  network: Network,
  name: string,
  args: readonly string[] = [],
  onLine?: (line: string) => void,
): Child {
  return network.start([process.execPath, ownProgram(name), ...args], {}, onLine);
}
