/**
 * The kernel's own account of the time its eBPF programs take. Keeping it costs something, so it is on in a round of its
 * own and off in all others.
 * @module
 */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { output } from "./children.ts";

const SYSCTL = "/proc/sys/kernel/bpf_stats_enabled";

export interface RunTime {
  nanos: number;
  runs: number;
}

let found: string | undefined;

export function keepRunStats(on: boolean): void {
  if (found === undefined) {
    found = readFileSync(SYSCTL, "utf8");
    process.on("exit", restoreRunStats);
  }
  writeFileSync(SYSCTL, on ? "1" : "0");
}

/** As it was found. */
export function restoreRunStats(): void {
  if (found !== undefined) writeFileSync(SYSCTL, found);
}

/** Of the programs that a process holds, by name. */
export async function runTimes(pid: number): Promise<Map<string, RunTime>> {
  const ids = programIds(pid);
  const all: { id: number; name?: string; run_time_ns?: number; run_cnt?: number }[] = JSON.parse(
    await output(["bpftool", "prog", "show", "-j"]),
  );
  return new Map(
    all
      .filter(({ id }) => ids.has(id))
      .map(({ id, name, run_time_ns, run_cnt }) => [name ?? `#${id}`, { nanos: run_time_ns ?? 0, runs: run_cnt ?? 0 }]),
  );
}

/** Not through bpftool, which on some builds cannot tell whose a program is. */
function programIds(pid: number): Set<number> {
  const folder = `/proc/${pid}/fdinfo`;
  const ids = readdirSync(folder).map((fd) => {
    try {
      return readFileSync(`${folder}/${fd}`, "utf8").match(/^prog_id:\s+(\d+)/m)?.[1];
    } catch {
      return undefined; // Closed meanwhile.
    }
  });
  return new Set(ids.filter((id) => id !== undefined).map(Number));
}
