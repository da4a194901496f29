/**
 * Every process that the benchmark starts. Each ends by its own id: at the end of its part, with the benchmark, or, if that
 * is killed, by the kernel.
 * @module
 */

import type { Subprocess } from "bun";
import { findCommand, toolPath } from "../../server/setup/command.mjs";

type Child = Subprocess<"pipe" | "ignore", "pipe", "pipe">;

const TERM_TO_KILL_MILLIS = 4000;
const env = { ...process.env, PATH: toolPath() };

const running = new Set<Subprocess>();
let held: string[] = [];
const ending = new WeakSet<Subprocess>();

/** From here on what is started runs on these CPUs alone (`0`, `0,1`); undefined: on all. */
export function holdTo(cpus: string | undefined): void {
  held = cpus === undefined ? [] : ["taskset", "--cpu-list", cpus];
}

/** @param command looked for on PATH, and where system tools lie */
export function start(command: string[], options: { env?: Record<string, string | undefined> } = {}): Child {
  const child: Child = Bun.spawn(endsWithUs(command), {
    env: { ...env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  return watched(child);
}

/** A Bun script that answers messages. */
export function startTalking(script: string, args: string[], hear: (message: unknown) => void): Subprocess {
  return watched(
    Bun.spawn(endsWithUs([process.execPath, "--no-env-file", script, ...args]), {
      env,
      stdio: ["ignore", "inherit", "inherit"],
      ipc: hear,
    }),
  );
}

/** Runs to its end. @throws Error with what it said, if that is not 0 */
export async function output(command: string[]): Promise<string> {
  const child = start(command);
  child.stdin?.end();
  const [text, complaint, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${command.join(" ")}: exit code ${code}\n${complaint}${text}`.trimEnd());
  return text;
}

/** Resolves when it has ended. @param signal that it ends upon in order */
export async function end(child: Subprocess, signal: "SIGTERM" | "SIGINT" = "SIGTERM"): Promise<void> {
  ending.add(child);
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal);
    const kill = setTimeout(() => child.kill("SIGKILL"), TERM_TO_KILL_MILLIS);
    await child.exited;
    clearTimeout(kill);
  }
  running.delete(child);
}

/** The newest first, since those are clients of the older. */
export async function endAll(): Promise<void> {
  for (const child of [...running].reverse()) await end(child);
}

/**
 * @returns the first group of `pattern` in what it prints; its output is read on, so that it never waits for us
 * @throws Error with what it said if it ends before
 */
export function firstMatch(child: Child, pattern: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const complaint = child.stderr.text();
  const read = async () => {
    const decoder = new TextDecoder();
    let text = "";
    for await (const chunk of child.stdout) {
      text += decoder.decode(chunk, { stream: true });
      const found = text.match(pattern);
      if (found) resolve(found[1] ?? found[0]);
    }
    const last = `${child.pid} ended by itself:\n${text}${await complaint}`.trimEnd();
    if (!ending.has(child)) console.error(last);
    reject(new Error(last));
  };
  read().catch(reject);
  return promise;
}

function watched<C extends Subprocess>(child: C): C {
  running.add(child);
  child.exited.then(() => running.delete(child));
  return child;
}

function endsWithUs(command: string[]): string[] {
  const setpriv = findCommand("setpriv");
  return setpriv ? [setpriv, "--pdeathsig", "TERM", ...held, ...command] : [...held, ...command];
}
