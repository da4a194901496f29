import { readdirSync, readFileSync } from "node:fs";

/** Numbers by which the kernel knows what a process holds open. */
export interface BpfIds {
  prog: number[];
  map: number[];
  link: number[];
}

/** Read from /proc/PID/fdinfo. */
export function bpfIds(pid: number | "self"): BpfIds {
  const folder = `/proc/${pid}/fdinfo`;
  const ids: BpfIds = { prog: [], map: [], link: [] };
  for (const file of readdirSync(folder)) {
    const text = readIfThere(`${folder}/${file}`);
    for (const kind of ["prog", "map", "link"] as const) {
      const id = text.match(new RegExp(`^${kind}_id:\\s+(\\d+)`, "m"))?.[1];
      if (id !== undefined) ids[kind].push(Number(id));
    }
  }
  return ids;
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
