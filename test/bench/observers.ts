/**
 * Everyone who is measured side by side: nobody, a filter that does nothing, Kernelcast by each way of attaching, the peers.
 * @module
 */

import { end } from "./children.ts";
import type { Nginx } from "./nginx.ts";
import { startNoop } from "./noop.ts";
import { PEERS, type Peer } from "./peers.ts";
import { PeerRun, type Shown, whyMissing } from "./peers-run.ts";
import { ATTACH } from "./service.ts";
import { SETTLE_MILLIS, Watch, type Window } from "./watched.ts";
import type { LoadResult } from "./wrk.ts";

export const UNWATCHED = "unwatched";
export const NOOP = "do-nothing filter";

export interface Observer {
  name: string;
  what: string;
  ours: boolean;
  /** Not in quick runs. */
  fullOnly?: boolean;
  /** Why it cannot run here. */
  missing?: string;
  version?: string[];
  /** @throws Error when it cannot watch */
  start(nginx: Nginx): Promise<Watching>;
}

/** An observer at work. */
export interface Watching {
  /** Runs a load, and waits until what it brought has been worked off. */
  lap(run: () => Promise<LoadResult>): Promise<LapSeen>;
  /** @returns what it has shown in its life, if only then that is known */
  stop(paths: readonly string[]): Promise<Shown | undefined>;
}

export interface LapSeen {
  load: LoadResult;
  /** Of its own processes, and of its subscriber. */
  cpuSeconds?: number;
  subscriberCpuSeconds?: number;
  /** Where it is us. */
  window?: Window;
}

const settled = async (run: () => Promise<LoadResult>): Promise<LapSeen> => {
  const load = await run();
  await Bun.sleep(SETTLE_MILLIS);
  return { load };
};

const unwatched: Observer = {
  name: UNWATCHED,
  what: "nobody looks",
  ours: false,
  start: async () => ({ lap: settled, stop: async () => undefined }),
};

const noop: Observer = {
  name: NOOP,
  what: "a socket filter that drops every packet at its first instruction, attached as Kernelcast attaches its own",
  ours: false,
  async start() {
    const child = await startNoop();
    return {
      lap: settled,
      async stop() {
        await end(child);
        return undefined;
      },
    };
  },
};

function ours(name: string, what: string, settings: readonly string[]): Observer {
  return {
    name,
    what,
    ours: true,
    async start(nginx) {
      const watch = await Watch.start(nginx, settings);
      return {
        async lap(run) {
          const window = await watch.observe(run);
          const { load, serviceCpuSeconds: cpuSeconds, subscriberCpuSeconds } = window;
          return { load, cpuSeconds, subscriberCpuSeconds, window };
        },
        async stop() {
          await watch.stop();
          return undefined;
        },
      };
    },
  };
}

/** Starting each takes its time: of the peers a quick run has the one that misses least. */
const QUICK_PEERS = ["httpry"];

function peer(peer: Peer): Observer {
  const missing = whyMissing(peer);
  return {
    name: peer.name,
    what: peer.what,
    ours: false,
    fullOnly: !QUICK_PEERS.includes(peer.name),
    ...(missing ? { missing } : {}),
    ...(peer.version ? { version: peer.version } : {}),
    async start(nginx) {
      const run = await PeerRun.start(peer, nginx.port);
      return {
        async lap(load) {
          const before = run.cpuSeconds();
          const result = await load();
          await run.settle();
          return { load: result, cpuSeconds: run.cpuSeconds() - before };
        },
        stop: (paths) => run.stop(paths),
      };
    },
  };
}

const WHOLE = "every transaction paired and decoded, as JSON to one subscriber";

/** In the order in which they are shown. */
export function observers(quick: boolean): Observer[] {
  const kernelcast = ATTACH.map((way) => ours(`Kernelcast, ${way}`, `${WHOLE}; --attach=${way}`, [`--attach=${way}`]));
  const all = [unwatched, noop, ...kernelcast, ...PEERS.map(peer)];
  return quick ? all.filter(({ fullOnly }) => !fullOnly) : all;
}
