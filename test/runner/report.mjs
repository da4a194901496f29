/**
 * What came of some tests.
 * @typedef {{ passed: number, failed: number, skipped: string[], problem?: string }} Outcome
 * `skipped` has one line for each skipped test or group; `problem` says why a run counts as failed besides its tests
 */

/**
 * Reads a run of `bun test`. Its closing lines are the authority on counts (the JUnit file leaves out errors outside a
 * test); the JUnit file names what was skipped. A run that crashed, or ran nothing, has failed.
 *
 * @param {{ code: number, output: string, junit: string }} run
 * @returns {Outcome}
 */
export function readBunRun({ code, output, junit }) {
  const closing = [...output.matchAll(/(?:^ *\d+ .*\n)+Ran \d+ tests? across \d+ files?/gm)].at(-1)?.[0] ?? "";
  const count = (/** @type {string} */ what) =>
    Number(closing.match(new RegExp(`^ *(\\d+) ${what}s?$`, "m"))?.[1] ?? 0);
  const passed = count("pass");
  const failed = count("fail");
  const errors = count("error");
  const skipped = skippedTests(junit);
  const tests = failed + passed;
  if (closing === "") {
    return { passed, failed: 1, skipped, problem: `bun test ended before its summary (exit code ${code})` };
  }
  if (code !== 0 && failed === 0) {
    const problem = errors > 0 ? `${errors} errors outside a test` : `bun test ended with exit code ${code}`;
    return { passed, failed: Math.max(errors, 1), skipped, problem };
  }
  if (tests === 0 && skipped.length === 0) return { passed, failed: 1, skipped, problem: "bun test ran no test" };
  return { passed, failed, skipped };
}

/**
 * @param {string} junit
 * @returns {string[]} skipped tests, those of one group and file together
 */
function skippedTests(junit) {
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const [, attributes = ""] of junit.matchAll(/<testcase ([^>]*[^/])>\s*<skipped/g)) {
    // JUnit's class name has the innermost group first.
    const path = attribute(attributes, "classname").split(" > ").filter(Boolean).reverse();
    const group = [attribute(attributes, "file"), ...path].join(" > ");
    groups.set(group, [...(groups.get(group) ?? []), attribute(attributes, "name")]);
  }
  return [...groups].map(([group, names]) => {
    return names.length === 1 ? `${group} > ${names[0]}` : `${group}: ${names.length} tests`;
  });
}

/** @param {string} attributes @param {string} name */
function attribute(attributes, name) {
  const raw = attributes.match(new RegExp(`(?:^| )${name}="([^"]*)"`))?.[1] ?? "";
  return raw
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, "&");
}

/**
 * @param {Outcome[]} outcomes
 * @returns {{ lines: string[], exitCode: number }} what to print at the end: the skipped, then the one line of counts
 */
export function summarize(outcomes) {
  const sum = (/** @type {(outcome: Outcome) => number} */ of) => outcomes.reduce((total, one) => total + of(one), 0);
  const failed = sum((one) => one.failed);
  const passed = sum((one) => one.passed);
  const skipped = outcomes.flatMap((one) => one.skipped);
  const lines = skipped.map((one) => `skipped: ${one}`);
  lines.push(`${passed} passed, ${failed} failed`);
  return { lines, exitCode: failed === 0 && passed > 0 ? 0 : 1 };
}
