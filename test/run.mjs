// `npm test`: sets up, builds, then runs every check in order and closes with one line of counts.
// With arguments (`npm test -- test/server/hub.test.ts`) only `bun test` runs, with these.
import { prepare, ROOT, runMain } from "../server/setup/prepare.mjs";
import { bunTests, staticChecks } from "./runner/checks.mjs";
import { endRunning } from "./runner/process.mjs";
import { summarize } from "./runner/report.mjs";

const LIMIT_MINUTES = 26;

/** @type {import("./runner/report.mjs").Outcome[]} */
const outcomes = [];

let givenUp = false;

/** @param {string} problem that ends the run before its checks are through */
async function giveUp(problem) {
  if (givenUp) return;
  givenUp = true;
  outcomes.push({ passed: 0, failed: 1, skipped: [], problem });
  process.stderr.write(`\n${problem}\n`);
  await endRunning();
  finish();
  process.exit();
}

function finish() {
  const { lines, exitCode } = summarize(outcomes);
  process.stdout.write(`\n${lines.join("\n")}\n`);
  process.exitCode = exitCode;
}

setTimeout(
  () => giveUp(`The tests took longer than ${LIMIT_MINUTES} minutes and were ended.`),
  LIMIT_MINUTES * 60_000,
).unref();

await runMain(async () => {
  const bun = await prepare({ tests: true });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => giveUp(`Ended by ${signal}.`));
  const args = process.argv.slice(2);
  const tests = bunTests(ROOT, bun, args);
  for (const check of args.length > 0 ? [tests] : [...staticChecks(ROOT), tests]) {
    const started = Date.now();
    const outcome = await check.run();
    // The check was ended along with the run, which is reported elsewhere.
    if (givenUp) return new Promise(() => {});
    outcomes.push(outcome);
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    if (outcome.passed + outcome.failed === 0 && !outcome.problem) continue;
    process.stderr.write(`${outcome.failed === 0 ? "ok    " : "FAILED"} ${check.name} (${seconds} s)\n`);
    if (outcome.problem) process.stderr.write(`${outcome.problem}\n`);
  }
  finish();
  return Number(process.exitCode ?? 1);
});

// Set-up itself failed, and has said why.
if (outcomes.length === 0) {
  outcomes.push({ passed: 0, failed: 1, skipped: [] });
  finish();
}
