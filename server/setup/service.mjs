import { spawn } from "node:child_process";
import { findCommand } from "./command.mjs";

/** A terminal sends Ctrl-C to npm and to us, and npm passes its own on: within this time it is the same one. */
const SAME_SIGNAL_MS = 500;

/** What is sent to us, and what the service then gets. */
const FORWARDED = /** @type {const} */ ({ SIGINT: "SIGINT", SIGTERM: "SIGTERM", SIGHUP: "SIGTERM" });

/**
 * Runs the service in our place: same folder, same standard streams, its exit code as ours. It gets each signal sent to
 * us once, and its ordered shutdown is awaited. It leads a session of its own, so that a terminal's Ctrl-C reaches it
 * through us alone; if we are killed, the kernel ends it (SIGTERM).
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<number>} its exit code; does not return if it was ended by a signal: then so are we
 */
export function runService(command, args) {
  const setpriv = findCommand("setpriv");
  const [file = command, ...rest] = setpriv ? [setpriv, "--pdeathsig", "TERM", command, ...args] : [command, ...args];
  const child = spawn(file, rest, { stdio: "inherit", detached: true });

  /** @type {Map<string, number>} */
  const lastSent = new Map();
  const handlers = Object.entries(FORWARDED).map(([received, sent]) => {
    const forward = () => {
      const now = Date.now();
      if (now - (lastSent.get(sent) ?? 0) < SAME_SIGNAL_MS) return;
      lastSent.set(sent, now);
      child.kill(sent);
    };
    process.on(received, forward);
    return { received, forward };
  });

  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) => {
      for (const { received, forward } of handlers) process.off(received, forward);
      if (signal) process.kill(process.pid, signal);
      else resolve(code ?? 1);
    });
  });
}
