import { end } from "./children.ts";
import type { Nginx } from "./nginx.ts";
import { startNoop } from "./noop.ts";
import { Service } from "./service.ts";
import type { Settings } from "./settings.ts";
import { Watch, type Window } from "./watched.ts";
import { type Load, type LoadResult, wrk } from "./wrk.ts";

export interface Round {
  unwatched: LoadResult;
  noop: LoadResult;
  /** Watched, and nobody subscribed. */
  alone: LoadResult;
  watched: Window;
}

const VARIANTS = "unwatched, do-nothing filter, watched without and with a subscriber";

/** Each variant once a round, warm and alone; each round begins with another, so that no drift favours one. */
export async function throughputRounds(
  nginx: Nginx,
  settings: Settings,
  say: (line: string) => void,
): Promise<Round[]> {
  const { connections, seconds, warmUpSeconds, rounds } = settings;
  const warmUp: Load = { url: nginx.url, connections, seconds: warmUpSeconds };
  const load: Load = { ...warmUp, seconds };
  const done: Round[] = [];
  for (let round = 0; round < rounds; round++) {
    const result: Partial<Round> = {};
    const variants = [
      async () => {
        await wrk(warmUp);
        result.unwatched = await wrk(load);
      },
      async () => {
        const noop = await startNoop();
        await wrk(warmUp);
        result.noop = await wrk(load);
        await end(noop);
      },
      async () => {
        const service = await Service.start();
        await wrk(warmUp);
        result.alone = await wrk(load);
        await service.stop();
      },
      async () => {
        const watch = await Watch.start(nginx);
        await wrk(warmUp);
        result.watched = await watch.measure(load);
        await watch.stop();
      },
    ];
    for (let turn = 0; turn < variants.length; turn++) await variants[(round + turn) % variants.length]?.();
    const { unwatched, noop, alone, watched } = result;
    if (!unwatched || !noop || !alone || !watched) throw new Error("a variant of the round gave no result");
    done.push({ unwatched, noop, alone, watched });
    const perSecond = [unwatched, noop, alone, watched.load].map((one) =>
      Math.round(one.perSecond).toLocaleString("en"),
    );
    say(`round ${round + 1} of ${rounds}: ${perSecond.join(", ")} requests/s (${VARIANTS})`);
  }
  return done;
}
