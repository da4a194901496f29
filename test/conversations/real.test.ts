import { afterAll, beforeAll, expect, test } from "bun:test";
import { endAll } from "../e2e/support/child.ts";
import { describeKernel } from "../kernel.ts";
import { seenText } from "./compare.ts";
import { loadConversations } from "./parse.ts";
import { buildPlayers } from "./player.ts";
import { playReal, type RealRun, settingsOf } from "./real.ts";
import { canTalk } from "./talker.ts";

/** The conversations of this folder on the real kernel, in front of the running service. See conversations.test.ts for the other ways. */

const LIMIT_MILLIS = 120_000;

for (const { attach, settings, conversations } of suites()) {
  describeKernel(`in front of the service with ${settings}, by ${attach}`, () => {
    let runs: RealRun[];

    beforeAll(async () => {
      buildPlayers("inject");
      runs = await playReal(conversations, attach);
    }, LIMIT_MILLIS);
    afterAll(endAll);

    for (const conversation of conversations) {
      test(conversation.name, () => {
        const seen = runs.filter((run) => run.conversation === conversation);
        const withNames = (texts: (run: RealRun) => string[]) => seen.map((run) => [run.name, ...texts(run)]);
        expect(seen.length).toBeGreaterThan(0);
        expect(withNames(({ events, endpoints }) => events.map((event) => seenText(event, endpoints)))).toEqual(
          withNames(({ expected }) => expected),
        );
      });
    }
  });
}

/** At sockets only what sockets say can be seen. */
function suites() {
  const groups = [...Map.groupBy(loadConversations(), settingsOf)];
  return (["socket", "cgroup"] as const).flatMap((attach) =>
    groups
      .map(([settings, all]) => ({ attach, settings, conversations: attach === "socket" ? all : all.filter(canTalk) }))
      .filter(({ conversations }) => conversations.length > 0),
  );
}
