import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { output } from "./children.ts";
import type { Nginx } from "./nginx.ts";

/** What a figure depends on besides the code. */
export interface Machine {
  cpu: string;
  cpus: number;
  memoryGb: number;
  kernel: string;
  /** The distribution. */
  system: string;
  versions: { bun: string; nginx: string; wrk: string };
  commit: string;
  loadAverage: number;
}

export async function describeMachine(nginx: Nginx): Promise<Machine> {
  const wrk = await output(["sh", "-c", "wrk --version 2>&1 || true"]);
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cpus: cpus().length,
    memoryGb: Math.round(totalmem() / 1e9),
    kernel: release(),
    system: system(),
    versions: { bun: Bun.version, nginx: nginx.version, wrk: wrk.split(/\s+/).slice(0, 2).join(" ") },
    commit: await commit(),
    loadAverage: loadavg()[0] ?? 0,
  };
}

function system(): string {
  try {
    return readFileSync("/etc/os-release", "utf8").match(/^PRETTY_NAME="(.*)"$/m)?.[1] ?? "unknown";
  } catch {
    return "unknown";
  }
}

/** What a run writes is no change of what it measures. */
const RESULTS = [":/!test/bench/RESULTS.md", ":/!test/bench/plots"];

/** With a mark if what is measured is not what was committed. */
async function commit(): Promise<string> {
  const git = (...args: string[]) => output(["git", "-C", join(import.meta.dir, "../.."), ...args]);
  try {
    const changed = await git("status", "--porcelain", "--untracked-files=no", "--", ":/", ...RESULTS);
    return `${(await git("rev-parse", "--short", "HEAD")).trim()}${changed === "" ? "" : " with changes"}`;
  } catch {
    return "unknown";
  }
}
