import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./process.mjs";
import { readBunRun } from "./report.mjs";

/** @typedef {import("./report.mjs").Outcome} Outcome */
/** @typedef {{ name: string, run: () => Promise<Outcome> }} Check */

/** For a test that names no limit of its own; a slow machine is no failure. */
const TEST_TIMEOUT_MS = 20_000;

const C_FOLDERS = ["bpf", "ffi", "test"];

/**
 * Everything about the source that needs no test to run, and the tests in C. Each counts as one test.
 * @param {string} root
 * @returns {Check[]}
 */
export function staticChecks(root) {
  const tool = (/** @type {string} */ name) => join(root, "node_modules", ".bin", name);
  const sources = C_FOLDERS.flatMap((folder) => cSources(join(root, folder)));
  return [
    one("format of C", root, "clang-format", ["--dry-run", "-Werror", ...sources]),
    one("format and lint of TypeScript", root, tool("biome"), ["check", "--error-on-warnings", "."]),
    one("types", root, tool("tsc"), ["-p", "."]),
    ...["bpf", "ffi"].map((folder) => unitTestsInC(root, folder)),
  ];
}

/** @param {string} name @param {string} root @param {string} command @param {string[]} args @returns {Check} */
function one(name, root, command, args) {
  return { name, run: async () => outcomeOf(await run(command, args, { cwd: root })) };
}

/** @param {string} root @param {string} folder @returns {Check} `make test` there, if there is such a target */
function unitTestsInC(root, folder) {
  const make = ["--silent", "-C", folder, "test"];
  const name = `C tests of ${folder}/`;
  return {
    name,
    run: async () => {
      const dry = await run("make", ["--dry-run", ...make], { cwd: root });
      if (/No rule to make target .test'/.test(dry.output)) return { passed: 0, failed: 0, skipped: [] };
      return outcomeOf(await run("make", make, { cwd: root }));
    },
  };
}

/** @param {{ code: number, output: string }} result @returns {Outcome} */
function outcomeOf({ code, output }) {
  if (code === 0) return { passed: 1, failed: 0, skipped: [] };
  return { passed: 0, failed: 1, skipped: [], problem: output.trimEnd() };
}

/** @param {string} folder @returns {string[]} its .c and .h files, those that were built aside */
function cSources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === ".output" ? [] : cSources(path);
    return /\.[ch]$/.test(entry.name) ? [path] : [];
  });
}

/**
 * @param {string} root
 * @param {string} bun
 * @param {string[]} args passed on
 * @returns {Check} every test under test/, shown as it goes
 */
export function bunTests(root, bun, args) {
  return {
    name: "bun test",
    run: async () => {
      const folder = mkdtempSync(join(tmpdir(), "kernelcast-test-"));
      const junitFile = join(folder, "junit.xml");
      try {
        const flags = [`--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${junitFile}`];
        const { code, output } = await run(bun, ["test", ...flags, ...args], { cwd: root, show: true });
        return readBunRun({ code, output, junit: readIfThere(junitFile) });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** @param {string} file */
function readIfThere(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
