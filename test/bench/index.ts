/**
 * The benchmark: what watching costs, what it misses, how late it is. All in one run, so that ratios mean something.
 * @module
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { endAll } from "./children.ts";
import { idleSync, loadedSync, moderateDelay, quietDelay } from "./delay.ts";
import { fanOutCosts } from "./fan-out.ts";
import { buildFlood, floodRates } from "./flood.ts";
import { describeMachine } from "./machine.ts";
import { startNginx } from "./nginx.ts";
import { buildNoop } from "./noop.ts";
import { OUTPUT } from "./output.ts";
import { buildParser, parserCosts } from "./parser.ts";
import { pipeRates } from "./pipe.ts";
import { programCosts } from "./programs.ts";
import { report } from "./report.ts";
import { type Measured, summarize } from "./results.ts";
import { keepRunStats, restoreRunStats } from "./run-stats.ts";
import { readSettings, type Settings } from "./settings.ts";
import { spanRates } from "./span-rates.ts";
import { targetsOf } from "./targets.ts";
import { throughputRounds } from "./throughput.ts";
import { Watch } from "./watched.ts";
import { wrk } from "./wrk.ts";

const RESULTS = join(OUTPUT, "results.json");

let endedBySignal = false;
const say = (line: string) => console.error(line);

async function measure(settings: Settings): Promise<Measured> {
  await buildNoop();
  await buildFlood();
  await buildParser();
  const nginx = await startNginx();
  const machine = await describeMachine(nginx);
  keepRunStats(false);
  const rounds = await throughputRounds(nginx, settings, say);
  say("kernel time by program");
  const programs = await programCosts(nginx, settings);
  say("kernel time by kind of traffic");
  const parser = await parserCosts();

  const watch = await Watch.start(nginx);
  const { connections, warmUpSeconds, quietRequests, idleSeconds, syncCalls } = settings;
  await wrk({ url: nginx.url, connections, seconds: warmUpSeconds });
  say("delay of single requests");
  const quietMillis = await quietDelay(watch, nginx, quietRequests);
  say("delay at a moderate rate");
  const moderate = await moderateDelay(watch, nginx, settings);
  say("POST /sync");
  const sync = { idle: await idleSync(watch, syncCalls), loaded: await loadedSync(watch, nginx, settings) };
  say("idle CPU");
  const cpuBefore = watch.service.cpuSeconds();
  await Bun.sleep(idleSeconds * 1000);
  const idleCpuPercent = ((watch.service.cpuSeconds() - cpuBefore) * 100) / idleSeconds;
  const memory = watch.service.memory();
  const { clockErrorMillis } = watch.subscription;
  await watch.stop();
  const floods = await floodRates(settings.floodSeconds, say);
  const pipeRuns = await pipeRates({ seconds: settings.pipeSeconds, say });
  const fanOut = await fanOutCosts(settings.fanOutSeconds, say);
  const spanRounds = await spanRates({ rounds: settings.rounds, seconds: settings.spanSeconds }, say);
  const date = new Date().toISOString();
  return {
    date,
    machine,
    settings,
    rounds,
    programs,
    parser,
    quietMillis,
    moderate,
    sync,
    idleCpuPercent,
    memory,
    clockErrorMillis,
    floods,
    pipeRuns,
    fanOut,
    spanRounds,
  };
}

async function main(settings: Settings): Promise<void> {
  const measured = await measure(settings);
  const summary = summarize(measured);
  const targets = targetsOf(measured, summary);
  writeFileSync(RESULTS, `${JSON.stringify({ ...measured, summary, targets }, null, 2)}\n`);
  console.log(`\n${report(measured, summary, targets)}\n`);
  say("Every figure, round by round: test/bench/.output/results.json");
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
