import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { objectPath, PATH_MAX_DEFAULT } from "../../ffi/reader-options.ts";
import { describeKernel } from "../kernel.ts";
import { difference } from "./compare.ts";
import type { Conversation } from "./conversation.ts";
import { cutDeliveries, type Delivery, uncutDeliveries, wrappingDeliveries } from "./delivery.ts";
import { loadConversations } from "./parse.ts";
import { buildPlayers, Player, playerPath } from "./player.ts";

/**
 * The conversations of this folder through the parser that is compiled for user space, under sanitizers, and through the one
 * that the kernel has loaded: as written, and in every other way that their packets may come. real.test.ts is the third way.
 */

const BUILD_MILLIS = 120_000;
const LIMIT_MILLIS = 60_000;
/** BPF_PROG_TEST_RUN takes no larger packet than fits a page with what the kernel puts around it. */
const TEST_RUN_PAYLOAD_BYTES = 3328;
/** Enough of the differences to see what they have in common. */
const SHOWN = 4;

interface Way {
  /** Of this folder. */
  programs: string[];
  /** One of them and its arguments, for bytes kept of a path. */
  argv: (pathMax: number) => [string, ...string[]];
  /** Its clock is the encoder's. */
  timed: boolean;
  /** Bytes of the largest payload it takes. */
  payloadMax?: number;
}

function* deliveries(conversation: Conversation): Generator<Delivery> {
  yield* uncutDeliveries(conversation);
  yield* wrappingDeliveries(conversation);
  yield* cutDeliveries(conversation);
}

function suite({ programs, argv, timed, payloadMax }: Way): void {
  const players = new Map<string, Player>();

  beforeAll(() => buildPlayers(...programs), BUILD_MILLIS);
  afterAll(async () => {
    for (const player of players.values()) await player.close();
  });

  /** One for each setting; settings hold for the life of a program. */
  function playerFor({ options: { query, pathMax = PATH_MAX_DEFAULT } }: Conversation): Player {
    const [program, ...rest] = argv(pathMax);
    const line = [playerPath(program), query ? "1" : "0", String(pathMax), ...rest];
    const key = line.join(" ");
    const player = players.get(key) ?? new Player(line, payloadMax);
    players.set(key, player);
    return player;
  }

  for (const conversation of loadConversations()) {
    if (conversation.options.large && payloadMax !== undefined) continue;
    test(
      conversation.name,
      async () => {
        const differences: string[] = [];
        for await (const played of playerFor(conversation).play(conversation, deliveries(conversation))) {
          const one = difference(conversation, played, timed);
          if (one !== undefined) differences.push(one);
        }
        const shown = differences.slice(0, SHOWN).join("\n");
        expect(differences.length > SHOWN ? `${shown}\nand ${differences.length - SHOWN} more` : shown).toBe("");
      },
      LIMIT_MILLIS,
    );
  }
}

describe("compiled for user space", () => {
  suite({
    programs: ["native", "native.long"],
    argv: (pathMax) => [pathMax > PATH_MAX_DEFAULT ? "native.long" : "native"],
    timed: true,
  });
});
describeKernel("loaded into the kernel", () => {
  suite({
    programs: ["kernel"],
    argv: (pathMax) => ["kernel", objectPath("http", pathMax)],
    timed: false,
    payloadMax: TEST_RUN_PAYLOAD_BYTES,
  });
});
