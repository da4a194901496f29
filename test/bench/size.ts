/**
 * What it takes to have it, to start it, and to let it lie.
 * @module
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { output } from "./children.ts";
import type { Memory } from "./process-usage.ts";
import { Service } from "./service.ts";
import { type Spread, spreadOf } from "./statistics.ts";

export interface Install {
  /** From a fresh clone, with what the package manager has cached. */
  seconds: number;
  sourceMb: number;
  /** With what tests need. */
  modulesMb: number;
  /** Without. */
  runtimeModulesMb: number;
  /** Bun itself, which is part of both. */
  bunMb: number;
  /** Programs and libraries. */
  builtMb: number;
  /** Of it all, with one compiler after the other. */
  buildSeconds: number;
}

export interface SizeFigures {
  install?: Install;
  /** Why it was not measured. */
  installMissing?: string;
  /** From the command to the first answer of `GET /readyz`. */
  startMillis: Spread;
  startCpuMillis: Spread;
  idleCpuPercent: number;
  idleMemory: Memory;
}

export interface SizeOptions {
  starts: number;
  idleSeconds: number;
  quick: boolean;
  say(line: string): void;
}

const ROOT = join(import.meta.dir, "../..");
const READY_POLL_MILLIS = 5;

export async function sizes({ starts, idleSeconds, quick, say }: SizeOptions): Promise<SizeFigures> {
  const millis: number[] = [];
  const cpuMillis: number[] = [];
  for (let start = 0; start < starts; start++) {
    say(`start ${start + 1} of ${starts}`);
    const began = performance.now();
    const service = await Service.start();
    await ready(service.url);
    millis.push(performance.now() - began);
    cpuMillis.push(service.cpuSeconds() * 1000);
    await service.stop();
  }
  say("idle");
  const service = await Service.start();
  await ready(service.url);
  await Bun.sleep(1000);
  const before = service.cpuSeconds();
  await Bun.sleep(idleSeconds * 1000);
  const idleCpuPercent = ((service.cpuSeconds() - before) * 100) / idleSeconds;
  const idleMemory = service.memory();
  await service.stop();
  return {
    ...(quick ? { installMissing: "left out of the quick benchmark" } : await tryInstall(say)),
    startMillis: spreadOf(millis),
    startCpuMillis: spreadOf(cpuMillis),
    idleCpuPercent,
    idleMemory,
  };
}

async function ready(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/readyz`);
    if (response.ok) return;
    await Bun.sleep(READY_POLL_MILLIS);
  }
}

async function tryInstall(say: (line: string) => void): Promise<Pick<SizeFigures, "install" | "installMissing">> {
  const folder = mkdtempSync(join(tmpdir(), "kernelcast-clone-"));
  try {
    say("install, from a fresh clone");
    return { install: await install(folder) };
  } catch (error) {
    return { installMissing: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function install(folder: string): Promise<Install> {
  await output(["git", "clone", "--quiet", ROOT, folder]);
  rmSync(join(folder, ".git"), { recursive: true });
  const sourceMb = await megabytes(folder);
  // What `npm start` does before it starts.
  const seconds = await timed(["node", join(folder, "server/setup/prepare.mjs")]);
  const natives = ["bpf", "ffi"].map((name) => join(folder, name));
  const modules = join(folder, "node_modules");
  const built = natives.map((native) => join(native, ".output"));
  const builtMb = (await megabytes(built[0] ?? "")) + (await megabytes(built[1] ?? ""));
  for (const path of built) rmSync(path, { recursive: true });
  const make = natives.map((native) => `make --silent -C ${native}`).join(" && ");
  const buildSeconds = await timed(["env", `PATH=${join(modules, ".bin")}:${process.env.PATH}`, "sh", "-c", make]);
  const modulesMb = await megabytes(modules);
  const bunMb = (await megabytes(join(modules, "@oven"))) + (await megabytes(join(modules, "bun")));
  const bun = join(folder, "bun");
  await output(["cp", join(modules, ".bin", "bun"), bun]);
  rmSync(modules, { recursive: true });
  await output([bun, "install", "--cwd", folder, "--production", "--frozen-lockfile"]);
  return {
    seconds,
    sourceMb,
    modulesMb,
    runtimeModulesMb: bunMb + (await megabytes(modules)),
    bunMb,
    builtMb,
    buildSeconds,
  };
}

async function timed(command: string[]): Promise<number> {
  const began = performance.now();
  await output(command);
  return (performance.now() - began) / 1000;
}

/** On disk; a file with two names counts once. */
async function megabytes(path: string): Promise<number> {
  return (Number((await output(["du", "-sk", path])).split("\t")[0]) * 1024) / 1e6;
}
