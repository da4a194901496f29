import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

export type Attach = "socket" | "cgroup";

const WISH = process.env.KERNELCAST_TEST_ATTACH ?? "socket";

/**
 * How the services of all tests watch that do not say it themselves: `KERNELCAST_TEST_ATTACH=cgroup npm test`, or `=root` on a
 * machine where nobody else says anything.
 */
export const ATTACH: Attach = WISH === "socket" ? "socket" : "cgroup";

/** Open in the network of a service, for each device there. */
export const SOCKETS_PER_DEVICE = ATTACH === "socket" ? 1 : 0;

/** Flags of a service that watches in this way: at the root, or nothing but what this process and its later children do. */
export function attachFlags(attach: Attach = ATTACH): string[] {
  if (attach === "socket") return [];
  return WISH === "root" ? ["--attach=cgroup"] : ["--attach=cgroup", `--cgroup=${enterOwnCgroup()}`];
}

let own: string | undefined;

/** Moves into a cgroup that only this process and its later children are in; the sockets they have stay where they are. */
export function enterOwnCgroup(): string {
  if (own === undefined) {
    own = `${cgroupRoot()}/kernelcast-test-${process.pid}`;
    mkdirSync(own);
    move(own);
  }
  return own;
}

/** To be called when the children have ended. */
export function leaveOwnCgroup(): void {
  if (own === undefined) return;
  move(cgroupRoot());
  rmdirSync(own);
  own = undefined;
}

function move(cgroup: string): void {
  writeFileSync(`${cgroup}/cgroup.procs`, String(process.pid));
}

/** Where version 2 is mounted; beside version 1 that is anywhere. */
export function cgroupRoot(): string {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  const path = mounts.match(/^\d+ \d+ \S+ \/ (\S+) .* - cgroup2 /m)?.[1];
  if (path === undefined) throw new Error("cgroup v2 is not mounted");
  return path;
}
