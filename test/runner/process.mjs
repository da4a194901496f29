import { spawn } from "node:child_process";
import { toolPath } from "../../server/setup/command.mjs";

const TERM_TO_KILL_MS = 3_000;

/** @type {Set<number>} process groups that are running, by their leader */
const groups = new Set();

/**
 * Runs a command in a process group of its own, so that it and whatever it started can be ended together.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, show?: boolean, env?: Record<string, string> }} options `show`: its output is passed on as it comes
 * @returns {Promise<{ code: number, output: string }>} code is 128 if it was ended by a signal
 */
export function run(command, args, { cwd, show = false, env }) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      detached: true,
      env: { ...process.env, PATH: toolPath(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (child.pid) groups.add(child.pid);
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (chunk) => {
        output += chunk;
        if (show) process.stderr.write(chunk);
      });
    }
    child.on("error", (error) => resolve({ code: 127, output: `${command}: ${error.message}\n` }));
    // Not "close": a process that a test left behind may hold the pipes for ever, and must not hold us.
    child.on("exit", (code) => {
      setImmediate(() => {
        endGroup(child.pid ?? 0, "SIGKILL");
        groups.delete(child.pid ?? 0);
        resolve({ code: code ?? 128, output });
      });
    });
  });
}

/** Ends everything that `run` started: asked first, then killed. */
export async function endRunning() {
  const ending = [...groups];
  for (const leader of ending) endGroup(leader, "SIGTERM");
  const deadline = Date.now() + TERM_TO_KILL_MS;
  while (groups.size > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const leader of ending) endGroup(leader, "SIGKILL");
}

/** @param {number} leader @param {NodeJS.Signals} signal */
function endGroup(leader, signal) {
  if (leader <= 1) return;
  try {
    process.kill(-leader, signal);
  } catch {
    // Nobody is left in it.
  }
}
