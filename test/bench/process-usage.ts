import { readFileSync } from "node:fs";

/** Linux fixes this for what /proc shows, whatever the kernel's own tick. */
export const TICKS_PER_SECOND = 100;

/** User and system time of all threads, ended ones too. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // Fields 14 and 15; the second, a name in brackets, may hold anything.
  const [user, system] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13)
    .map(Number);
  return ((user ?? Number.NaN) + (system ?? Number.NaN)) / TICKS_PER_SECOND;
}

/** Megabytes. */
export interface Memory {
  rssMb: number;
  /** The most it ever was. */
  peakMb: number;
}

export function memory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  // "kB" there are of 1024 bytes.
  const mb = (name: string) => (Number(status.match(new RegExp(`^${name}:\\s+(\\d+) kB`, "m"))?.[1]) * 1024) / 1e6;
  return { rssMb: mb("VmRSS"), peakMb: mb("VmHWM") };
}
