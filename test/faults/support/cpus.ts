import { describe } from "bun:test";
import { accessSync, constants, readFileSync, writeFileSync } from "node:fs";
import { output } from "../../e2e/support/child.ts";
import { describeKernel, kernelSkipReason } from "../../kernel.ts";

/** The one that is taken offline; the first cannot be. */
export const CPU = 1;
const SWITCH = `/sys/devices/system/cpu/cpu${CPU}/online`;
/** Others use this machine, too. */
const OFFLINE_MILLIS = 150;

function skipReason(): string | undefined {
  try {
    accessSync(SWITCH, constants.W_OK);
    return readFileSync(SWITCH, "utf8").trim() === "1" ? undefined : `CPU ${CPU} is offline`;
  } catch {
    return `CPU ${CPU} cannot be taken offline here`;
  }
}

/** Like `describeKernel`, for tests that take a CPU offline. */
export function describeHotplug(name: string, body: () => void): void {
  const reason = kernelSkipReason() === undefined ? skipReason() : undefined;
  if (reason) describe.skip(`${name} [skipped: ${reason}]`, body);
  else describeKernel(name, body);
}

export function takeOffline(): void {
  writeFileSync(SWITCH, "0");
}

/** Harmless when it is online. Give it to `afterEach`. */
export function takeOnline(): void {
  if (readFileSync(SWITCH, "utf8").trim() !== "1") writeFileSync(SWITCH, "1");
}

/** Offline for a while, then online again. */
export async function offlineFor(millis = OFFLINE_MILLIS): Promise<void> {
  takeOffline();
  await Bun.sleep(millis);
  takeOnline();
}

/** All threads of a process run on one CPU from now on; when that goes offline, the kernel forgets it. */
export async function pin(pid: number): Promise<void> {
  await output(["taskset", "--all-tasks", "--cpu-list", "--pid", String(CPU), String(pid)]);
}

/** A command line that runs on that CPU alone. */
export const pinned = (...argv: string[]): string[] => ["taskset", "--cpu-list", String(CPU), ...argv];
