import { spawn } from "node:child_process";
import { once } from "node:events";
import { findCommand } from "./command.mjs";

/**
 * Runs `work` while no other process on this host does so for the same folder. The kernel holds the lock, through a
 * child whose input ends with this process: nothing is written, and a killed process leaves nothing behind. Where
 * `flock` does not exist the work is done without.
 *
 * @template T
 * @param {string} folder
 * @param {() => Promise<T>} work
 * @param {{ onWait?: () => void, patienceMs?: number }} [options] `onWait` is called once if the lock is not had within `patienceMs`
 * @returns {Promise<T>}
 */
export async function withLock(folder, work, { onWait, patienceMs = 500 } = {}) {
  const flock = findCommand("flock");
  if (!flock) return work();
  const holder = spawn(flock, ["--exclusive", folder, "sh", "-c", "echo held; exec cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    // A Ctrl-C is for the work; the lock must outlive it until this process is gone.
    detached: true,
  });
  const ended = once(holder, "exit");
  const timer = setTimeout(() => onWait?.(), patienceMs);
  await Promise.race([once(holder.stdout, "data"), ended]);
  clearTimeout(timer);
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
