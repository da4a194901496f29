import { readFileSync } from "node:fs";
import { release } from "node:os";
import { type Check, causes, diagnose, type Facts, render } from "./diagnosis.ts";

/** Prints what works on this machine, what does not, why, and what to do. @returns the exit code: 2 if serving would fail */
export async function doctor(): Promise<number> {
  const checks = diagnose(await gatherFacts());
  console.log(render(checks));
  return checks.some(({ state }) => state === "no") ? 2 : 0;
}

/** What keeps Kernelcast from watching in this way, causes before their consequences; empty when nothing does. */
export async function failures(attach: "socket" | "cgroup" = "socket"): Promise<Check[]> {
  return causes(diagnose(await gatherFacts(), attach));
}

async function gatherFacts(): Promise<Facts> {
  return {
    kernelRelease: release(),
    capabilities: BigInt(`0x${field("/proc/self/status", /^CapEff:\s*(\w+)$/m) ?? "0"}`),
    memlockLimitBytes: numberOf(field("/proc/self/limits", /^Max locked memory\s+(\w+)/m)),
    perfEventParanoid: setting("kernel/perf_event_paranoid"),
    unprivilegedBpfDisabled: setting("kernel/unprivileged_bpf_disabled"),
    optmemMaxBytes: setting("net/core/optmem_max"),
    probes: await tryEverything(),
  };
}

/** Loaded only here and now, since a missing libbpf is one of the things to report. */
async function tryEverything(): Promise<Facts["probes"]> {
  try {
    const { probe } = await import("../ffi/probe.ts");
    return probe();
  } catch (error) {
    return { failure: error instanceof Error ? error.message : String(error) };
  }
}

function setting(name: string): number | undefined {
  return numberOf(field(`/proc/sys/${name}`, /^(-?\d+)/));
}

function field(file: string, pattern: RegExp): string | undefined {
  try {
    return readFileSync(file, "utf8").match(pattern)?.[1];
  } catch {
    return undefined;
  }
}

function numberOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || Number.isNaN(value) ? undefined : value;
}
