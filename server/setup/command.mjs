import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { constants as osConstants } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** Where tools may lie that an ordinary user's PATH leaves out (bpftool, nginx), and this Node's own npx. */
const EXTRA_PATH = [dirname(process.execPath), "/usr/local/sbin", "/usr/sbin", "/sbin"];

/** @returns {string} PATH with the folders of system tools at its end */
export function toolPath(path = process.env.PATH ?? "") {
  return [path, ...EXTRA_PATH].filter(Boolean).join(delimiter);
}

/**
 * @param {string} name
 * @param {string} [path]
 * @returns {string | undefined} the file that running `name` would run
 */
export function findCommand(name, path = toolPath()) {
  for (const folder of path.split(delimiter)) {
    const file = join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** @type {Set<import("node:child_process").ChildProcess>} */
const captured = new Set();

/** Ends what `capture` started and is still running. */
export function endCaptured() {
  for (const child of captured) child.kill("SIGTERM");
}

/**
 * Runs a command to its end with its output kept, not shown. Never throws: a command that could not be started has
 * code 127, one ended by a signal 128 + its number as shells report it.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number, output: string }>} output is what it wrote to either stream, in order
 */
export function capture(command, args, { cwd, env } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, PATH: toolPath(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    captured.add(child);
    let output = "";
    const keep = (/** @type {Buffer} */ chunk) => {
      output += chunk;
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const end = (/** @type {{ code: number, output: string }} */ result) => {
      captured.delete(child);
      resolve(result);
    };
    child.on("error", (error) => end({ code: 127, output: `${command}: ${error.message}\n` }));
    child.on("close", (code, signal) =>
      end({ code: code ?? 128 + (signal ? osConstants.signals[signal] : 0), output }),
    );
  });
}

/**
 * @param {string} output
 * @param {number} [count]
 * @returns {string} the last lines of a command's output, indented for a message
 */
export function lastLines(output, count = 15) {
  const lines = output.trimEnd().split("\n").slice(-count);
  return lines.map((line) => `  ${line}`).join("\n");
}
