import { end } from "./children.ts";
import type { Nginx } from "./nginx.ts";
import { startNoop } from "./noop.ts";
import { keepRunStats, type RunTime, runTimes } from "./run-stats.ts";
import { ATTACH } from "./service.ts";
import type { Settings } from "./settings.ts";
import { Watch } from "./watched.ts";
import { type Load, wrk } from "./wrk.ts";

/** What a program took of each transaction that nginx served. */
export interface ProgramCost {
  program: string;
  nanosPerTransaction: number;
  runsPerTransaction: number;
}

export interface ProgramCosts {
  noop: ProgramCost[];
  /** By the way in which it was attached; one that this host does not offer is left out. */
  service: { attach: string; programs: ProgramCost[] }[];
}

export async function programCosts(nginx: Nginx, settings: Settings): Promise<ProgramCosts> {
  const { connections, seconds, warmUpSeconds } = settings;
  const warmUp: Load = { url: nginx.url, connections, seconds: warmUpSeconds };
  const measure = async (pid: number) => {
    await wrk(warmUp);
    const before = await runTimes(pid);
    const servedBefore = await nginx.count();
    await wrk({ ...warmUp, seconds });
    const served = (await nginx.count()) - servedBefore;
    return costs(before, await runTimes(pid), served);
  };
  keepRunStats(true);
  const noopChild = await startNoop();
  const noop = await measure(noopChild.pid);
  await end(noopChild);
  const service: ProgramCosts["service"] = [];
  for (const attach of ATTACH) {
    const watch = await Watch.start(nginx, [`--attach=${attach}`]).catch(() => undefined);
    if (!watch) continue;
    service.push({ attach, programs: await measure(watch.service.pid) });
    await watch.stop();
  }
  keepRunStats(false);
  return { noop, service };
}

/** The dearest first; those that never ran are left out. */
function costs(before: Map<string, RunTime>, after: Map<string, RunTime>, served: number): ProgramCost[] {
  return [...after]
    .map(([program, { nanos, runs }]) => ({
      program,
      nanosPerTransaction: (nanos - (before.get(program)?.nanos ?? 0)) / served,
      runsPerTransaction: (runs - (before.get(program)?.runs ?? 0)) / served,
    }))
    .filter(({ runsPerTransaction }) => runsPerTransaction > 0)
    .sort((a, b) => b.nanosPerTransaction - a.nanosPerTransaction);
}
