/**
 * How long after the fact a subscriber hears of it, and how long a barrier takes.
 * @module
 */

import type { Nginx } from "./nginx.ts";
import type { Synced } from "./service.ts";
import type { Settings } from "./settings.ts";
import { type Percentiles, percentilesOf } from "./statistics.ts";
import type { Watch, Window } from "./watched.ts";
import { wrk } from "./wrk.ts";

const QUIET_MILLIS = 400;
const OVERDUE_MILLIS = 5000;
/** About 20,000 requests/s. */
const MODERATE = { connections: 64, pauseMillis: [1, 5] } as const;
const SYNC_EVERY_MILLIS = 20;

/** Single requests, with nothing before or after that could carry them along: no traffic, no barrier. */
export async function quietDelay(
  { service, subscription }: Watch,
  nginx: Nginx,
  requests: number,
): Promise<Percentiles> {
  const millis: number[] = [];
  for (let request = 0; request < requests; request++) {
    const { receipt } = await service.sync();
    await subscription.report(receipt.id);
    subscription.begin(1);
    await Bun.sleep(QUIET_MILLIS);
    await (await fetch(nginx.url)).text();
    await Bun.sleep(QUIET_MILLIS);
    let { latency } = await subscription.report(0);
    if (latency.count === 0) {
      await Bun.sleep(OVERDUE_MILLIS);
      latency = (await subscription.report(0)).latency;
    }
    millis.push(latency.count === 0 ? OVERDUE_MILLIS : latency.max);
  }
  return percentilesOf(millis);
}

export function moderateDelay(watch: Watch, nginx: Nginx, { seconds }: Settings): Promise<Window> {
  return watch.measure({ url: nginx.url, seconds, ...MODERATE });
}

/** As its caller waited, and as the service itself timed it. */
export interface SyncDelay {
  caller: Percentiles;
  service: Percentiles;
}

export async function idleSync({ service }: Watch, calls: number): Promise<SyncDelay> {
  const synced: Synced[] = [];
  for (let call = 0; call < calls; call++) synced.push(await service.sync());
  return syncDelay(synced);
}

export async function loadedSync({ service }: Watch, nginx: Nginx, settings: Settings): Promise<SyncDelay> {
  const { connections, seconds } = settings;
  const synced: Synced[] = [];
  let over = false;
  const load = wrk({ url: nginx.url, connections, seconds }).finally(() => {
    over = true;
  });
  while (!over) {
    synced.push(await service.sync());
    await Bun.sleep(SYNC_EVERY_MILLIS);
  }
  await load;
  return syncDelay(synced);
}

function syncDelay(synced: readonly Synced[]): SyncDelay {
  return {
    caller: percentilesOf(synced.map(({ millis }) => millis)),
    service: percentilesOf(synced.map(({ receipt }) => receipt.durationMs)),
  };
}
