import { readFileSync } from "node:fs";

/** The CPUs that this process may use, by number, ascending. @param list as `/proc/self/status` has it: `0-3,8` */
export function allowedCpus(list = ownList()): number[] {
  return list.split(",").flatMap((range) => {
    const [first = 0, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

function ownList(): string {
  return readFileSync("/proc/self/status", "utf8").match(/^Cpus_allowed_list:\s+(\S+)/m)?.[1] ?? "0";
}
