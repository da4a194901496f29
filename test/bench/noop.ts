import { join } from "node:path";
import type { Subprocess } from "bun";
import { firstMatch, output, start } from "./children.ts";
import { OUTPUT } from "./output.ts";

const SOURCE = join(import.meta.dir, "noop_filter.c");
// The service's own code attaches it, so that the two differ in the program alone.
const TAPS = join(import.meta.dir, "../../ffi/taps.c");
const PROGRAM = join(OUTPUT, "noop_filter");

export async function buildNoop(): Promise<void> {
  await output(["cc", "-O2", "-std=gnu11", "-Wall", "-Werror", "-o", PROGRAM, SOURCE, TAPS, "-lbpf"]);
}

/** Attached until it is ended. */
export async function startNoop(): Promise<Subprocess> {
  const child = start([PROGRAM]);
  await firstMatch(child, /attached/);
  return child;
}
