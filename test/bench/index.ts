/**
 * The benchmark: what watching costs, what it misses, how late it is. All in one run, so that ratios mean something.
 * @module
 */

import { endAll } from "./children.ts";
import { describeMachine } from "./machine.ts";
import { startNginx } from "./nginx.ts";
import { type Measured, report } from "./report.ts";
import { write } from "./results.ts";
import { keepRunStats, restoreRunStats } from "./run-stats.ts";
import { SECTIONS } from "./sections.ts";
import { readSettings, type Settings } from "./settings.ts";

let endedBySignal = false;
const say = (line: string) => console.error(line);

async function main(settings: Settings): Promise<void> {
  const date = new Date().toISOString();
  const nginx = await startNginx();
  const circumstances = { date, machine: await describeMachine(nginx), settings };
  keepRunStats(false);
  const measured: Measured[] = [];
  for (const section of sectionsOf(settings)) {
    const began = performance.now();
    const figures = await section.run({ nginx, settings, say });
    measured.push({ section, figures });
    say(`${section.title}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  const results = report(circumstances, measured);
  console.log(`\n${results.markdown}`);
  for (const file of write(circumstances, measured, results)) say(`written: ${file}`);
}

/** @throws TypeError if one is asked for that is not there */
function sectionsOf({ quick, only }: Settings) {
  const unknown = only.find((name) => !SECTIONS.some((section) => section.name === name));
  if (unknown) {
    const names = SECTIONS.map(({ name }) => name).join(", ");
    throw new TypeError(`--only: expected one of ${names}, got "${unknown}"`);
  }
  if (only.length > 0) return SECTIONS.filter(({ name }) => only.includes(name));
  return SECTIONS.filter(({ fullOnly }) => !(quick && fullOnly));
}

async function leave(code: number): Promise<never> {
  await endAll();
  restoreRunStats();
  process.exit(code);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (endedBySignal) return;
    endedBySignal = true;
    say(`${signal}: ending what was started`);
    leave(130);
  });
}

try {
  const settings = readSettings(process.argv.slice(2));
  if (settings) await main(settings);
  await leave(0);
} catch (error) {
  // What fails while everything is being ended is no news.
  if (!endedBySignal) {
    say(`bench: ${error instanceof TypeError ? error.message : Bun.inspect(error)}`);
    await leave(1);
  }
}
