/** Conversations on the real kernel, in front of the running service. */
import type { HttpEvent } from "../../ffi/event.ts";
import { PATH_MAX_DEFAULT } from "../../ffi/reader-options.ts";
import type { Attach } from "../e2e/support/attach.ts";
import { Network } from "../e2e/support/network.ts";
import { Service } from "../e2e/support/service.ts";
import type { Conversation } from "./conversation.ts";
import { realDeliveries } from "./delivery.ts";
import { type Endpoints, IDLE_SECONDS } from "./encoder.ts";
import { endpointText } from "./frame.ts";
import { type Turn, turnsOf } from "./packets.ts";
import { Player, playerPath } from "./player.ts";
import { canTalk, Talker, waysToTalk } from "./talker.ts";

/** What is long for a conversation, and soon over for a test. */
const IDLE_TIMEOUT_SECONDS = 2;
const DEVICE = "wire0";
/** No frame of a conversation is larger. */
const DEVICE_MTU = 65_535;

/** One way in which a conversation was played, and all that was reported of it, in order. */
export interface RealRun {
  conversation: Conversation;
  name: string;
  expected: string[];
  endpoints: Endpoints;
  events: HttpEvent[];
}

interface Plan {
  conversation: Conversation;
  name: string;
  turns: Turn[];
  /** Plays turns and resolves, when they have been seen, to who talked. */
  play: (turns: Turn[]) => Promise<Endpoints>;
}

/** What a service must be told for a conversation; those with the same settings can be in front of one. */
export function settingsOf({ options, steps }: Conversation): string {
  const { query, pathMax = PATH_MAX_DEFAULT } = options;
  const isLong = steps.some((step) => step.kind === "silence" && step.seconds >= IDLE_SECONDS);
  return [
    `--path-max=${pathMax}`,
    ...(query ? ["--capture-query"] : []),
    ...(isLong ? [`--idle-timeout-seconds=${IDLE_TIMEOUT_SECONDS}`] : []),
  ].join(" ");
}

/** Plays conversations with the same settings: over sockets where these can, and as frames on a device where not. */
export async function playReal(conversations: readonly Conversation[], attach: Attach): Promise<RealRun[]> {
  const settings = settingsOf(conversations[0] as Conversation);
  const [network, outside] = await Promise.all([Network.open(), Network.open()]);
  await joinByWire(network, outside);
  const service = await Service.start(network, { flags: settings.split(" "), attach });
  const subscriber = await service.subscribe();
  await network.allWatched(attach);

  const talker = new Talker(network);
  const injector = new Player(outside.inside([playerPath("inject"), DEVICE]));
  const plans = conversations.flatMap((one) =>
    canTalk(one) ? plansToTalk(talker, one) : plansToInject(injector, one),
  );
  const endpoints = await playPhases(plans, async () => {
    // Until the time-out has passed for everything, and all that it ends has been ended.
    if (settings.includes("--idle")) while ((await service.stats()).following.http?.connections !== 0);
  });
  await nothingWasDropped(outside);
  const { id } = await service.sync();
  await subscriber.synced(id);
  const eventsOf = Map.groupBy(subscriber.events, ({ client, server }) => pairName([client, server]));
  await Promise.all([injector.close(), talker.close(), service.stop()]);
  return plans.map(({ conversation, name, turns }, index) => {
    const who = endpoints[index] as Endpoints;
    const events = eventsOf.get(pairName([endpointText(who.client), endpointText(who.server)])) ?? [];
    return {
      conversation,
      name,
      expected: turns.flatMap((turn) => turn.events.map(({ text }) => text)),
      endpoints: who,
      events,
    };
  });
}

/** A long silence in one conversation is one in all of them: all are played up to it, then nobody says anything. */
async function playPhases(plans: readonly Plan[], silence: () => Promise<void>): Promise<Endpoints[]> {
  const phases = plans.map(({ turns }) => phasesOf(turns));
  const endpoints: Endpoints[] = [];
  for (let phase = 0; phases.some((all) => all.length > phase); phase++) {
    for (const [index, { play }] of plans.entries()) {
      const turns = phases[index]?.[phase];
      if (turns !== undefined) endpoints[index] = await play(turns);
    }
    await silence();
  }
  return endpoints;
}

/** A turn with a long silence is the last of its phase. */
function phasesOf(turns: readonly Turn[]): Turn[][] {
  const phases: Turn[][] = [[]];
  for (const [index, turn] of turns.entries()) {
    phases.at(-1)?.push(turn);
    if (turn.silence >= IDLE_SECONDS && index < turns.length - 1) phases.push([]);
  }
  return phases;
}

function plansToTalk(talker: Talker, conversation: Conversation): Plan[] {
  // The kernel shakes hands.
  const turns = turnsOf(conversation, { handshake: false });
  return waysToTalk(conversation.options).map((way) => {
    const id = talker.newId();
    return { conversation, name: way.name, turns, play: (part) => talker.play(id, way, part) };
  });
}

function plansToInject(injector: Player, conversation: Conversation): Plan[] {
  return [...realDeliveries(conversation)].map((delivery) => {
    const { endpoints, add } = injector.begin(conversation, delivery);
    const play = async (turns: Turn[]) => {
      for (const turn of turns) add(turn);
      await injector.handOver();
      return endpoints;
    };
    return { conversation, name: `${delivery.name}, as frames`, turns: delivery.turns, play };
  });
}

async function joinByWire(network: Network, outside: Network): Promise<void> {
  await network.link(DEVICE, outside);
  for (const end of [network, outside]) {
    await end.output("ip", "link", "set", DEVICE, "mtu", String(DEVICE_MTU), "up");
  }
}

/** @throws Error when the device has lost a frame: then what was seen says nothing */
async function nothingWasDropped(outside: Network): Promise<void> {
  const [device] = JSON.parse(await outside.output("ip", "-s", "-j", "link", "show", DEVICE));
  const { dropped, errors } = device.stats64.tx;
  if (dropped + errors > 0) throw new Error(`${DEVICE} lost ${dropped + errors} frames`);
}

type NamedEndpoint = HttpEvent["client"];

/** Whoever of the two is the client. */
const pairName = (pair: NamedEndpoint[]): string =>
  pair
    .map(({ address, port }) => `${address} ${port}`)
    .toSorted()
    .join(" ");
