/**
 * Where the machine's CPU time went during a load. A figure taken while others computed says little, and this shows it.
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { TICKS_PER_SECOND } from "./process-usage.ts";

/** Percent of all CPUs together. */
export interface CpuShares {
  idle: number;
  /** Taken by the host of a virtual machine. */
  steal: number;
  /** Programs that are not ours. */
  others: number;
}

/** Ticks, ever. */
export interface CpuReading {
  total: number;
  idle: number;
  steal: number;
  others: number;
}

export function readCpu(): CpuReading {
  const [user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0] =
    readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.split(/ +/).slice(1).map(Number) ?? [];
  const total = user + nice + system + idle + iowait + irq + softirq + steal;
  return { total, idle: idle + iowait, steal, others: othersTicks() };
}

export function sharesSince(before: CpuReading, now = readCpu()): CpuShares {
  const percent = (of: (reading: CpuReading) => number) =>
    Math.max(0, ((of(now) - of(before)) * 100) / (now.total - before.total));
  return { idle: percent((one) => one.idle), steal: percent((one) => one.steal), others: percent((one) => one.others) };
}

/** User and system time of a process and of all that descend from it, those included that have ended, in seconds. */
export function familyCpuSeconds(pid: number): number {
  const processes = readProcesses();
  let ticks = 0;
  const add = (member: number) => {
    ticks += processes.get(member)?.ticks ?? 0;
    for (const [child, { parent }] of processes) if (parent === member) add(child);
  };
  add(pid);
  return ticks / TICKS_PER_SECOND;
}

/** Starts to count the seconds of CPU that were neither idle nor stolen nor others'. @returns what it came to */
export function countBusy(): () => number {
  const before = readCpu();
  const began = performance.now();
  return () => {
    const seconds = (performance.now() - began) / 1000;
    const now = readCpu();
    const left = (["idle", "steal", "others"] as const).reduce((sum, what) => sum + now[what] - before[what], 0);
    return seconds * cpus().length - left / TICKS_PER_SECOND;
  };
}

interface Process {
  parent: number;
  /** With those of its children that have ended, so that nothing goes missing when a short-lived one does. */
  ticks: number;
}

const KTHREADD = 2;

/** Of all that is neither a kernel thread nor ours; softirqs that others' traffic causes in our time are not seen. */
function othersTicks(): number {
  const processes = readProcesses();
  const ancestors = (pid: number): number[] => {
    const parent = processes.get(pid)?.parent ?? 0;
    return parent === 0 ? [pid] : [pid, ...ancestors(parent)];
  };
  let sum = 0;
  for (const [pid, { ticks }] of processes) {
    const line = ancestors(pid);
    if (!line.includes(process.pid) && !line.includes(KTHREADD)) sum += ticks;
  }
  return sum;
}

function readProcesses(): Map<number, Process> {
  const processes = new Map<number, Process>();
  for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      const fields = stat
        .slice(stat.lastIndexOf(")") + 2)
        .split(" ")
        .map(Number);
      const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
      processes.set(Number(name), { parent: fields[1] ?? 0, ticks });
    } catch {
      // It ended meanwhile.
    }
  }
  return processes;
}
