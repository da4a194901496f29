import type { Child } from "../../e2e/support/child.ts";
import type { Network } from "../../e2e/support/network.ts";

/** Runs one of the programs in `programs/` beside this file, with Bun. */
export function program(
  network: Network,
  name: string,
  args: readonly string[] = [],
  onLine?: (line: string) => void,
): Child {
  const file = new URL(`programs/${name}.ts`, import.meta.url).pathname;
  return network.start([process.execPath, file, ...args], {}, onLine);
}
