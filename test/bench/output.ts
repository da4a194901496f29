import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is built and what was measured; git leaves it out. */
export const OUTPUT = join(import.meta.dir, ".output");
mkdirSync(OUTPUT, { recursive: true });

/** A folder that goes with the process. */
export function scratchFolder(parent = tmpdir()): string {
  const folder = mkdtempSync(join(parent, "kernelcast-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
