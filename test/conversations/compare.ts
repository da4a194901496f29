import type { HttpEvent } from "../../ffi/event.ts";
import type { Conversation, CounterName } from "./conversation.ts";
import { AS_WRITTEN } from "./delivery.ts";
import type { Endpoints } from "./encoder.ts";
import { describeEvent } from "./expectation.ts";
import { endpointText } from "./frame.ts";
import type { Turn } from "./packets.ts";
import type { Look, Played } from "./player.ts";

/**
 * @param timed the player goes by the encoder's clock, so that times can be compared
 * @returns what is not as the conversation says, in a form to be read; undefined when all is
 */
export function difference({ file, line }: Conversation, played: Played, timed: boolean): string | undefined {
  const { delivery, looks } = played;
  const withTimes = timed && delivery.name === AS_WRITTEN;
  const expected = delivery.turns.map((turn) => expectedLines(turn, delivery.counted, withTimes));
  const found = looks.map((look, index) => {
    const wanted = delivery.turns[index]?.events.map(({ segments }) => withTimes && segments !== undefined) ?? [];
    return foundLines(look, played, wanted);
  });
  if (expected.every((lines, index) => Bun.deepEquals(lines, found[index]))) return undefined;
  const list = (all: string[][]) =>
    all
      .flatMap((lines, index) => folded(lines).map((one) => `    ${delivery.turns[index]?.line}: ${one}`))
      .join("\n") || "    nothing";
  return `${file}:${line}, ${delivery.name}:\n  expected\n${list(expected)}\n  found\n${list(found)}`;
}

/** A line that comes several times in a row, once. */
function folded(lines: string[]): string[] {
  const starts = lines.flatMap((line, index) => (line === lines[index - 1] ? [] : [index]));
  return starts.map((start, index) => {
    const times = (starts[index + 1] ?? lines.length) - start;
    return `${lines[start]}${times > 1 ? ` (${times} times)` : ""}`;
  });
}

function expectedLines({ events, counted }: Turn, withCounters: boolean, withTimes: boolean): string[] {
  return [
    ...events.map(({ text, segments }) => `= ${text}${withTimes && segments ? ` segments=${segments}` : ""}`),
    ...countedLines(counted, withCounters),
  ];
}

/** @param timed of which events the times are wanted */
function foundLines({ events, counted }: Look, { delivery, endpoints, segmentAt }: Played, timed: boolean[]): string[] {
  const lines = events.map((event, index) => {
    const times = timed[index] ? ` segments=${segmentsOf(event, segmentAt)}` : "";
    return `= ${seenText(event, endpoints)}${times}`;
  });
  return [...lines, ...countedLines(counted, delivery.counted)];
}

const countedLines = (counted: CounterName[], wanted: boolean) =>
  wanted ? counted.map((name) => `! ${name}`).toSorted() : [];

function segmentsOf(event: HttpEvent, segmentAt: Played["segmentAt"]): string {
  const { startTimeUnixNano, timeToFirstByteNano, durationNano } = event;
  const after = (nanoseconds: number) => segmentAt.get(Number(startTimeUnixNano) + nanoseconds) ?? "?";
  const first = timeToFirstByteNano === undefined ? [] : [after(timeToFirstByteNano)];
  return [after(0), ...first, after(durationNano)].join("/");
}

/** As an expectation has it, and who talked to whom if it was not as it should be. */
export function seenText(event: HttpEvent, endpoints: Endpoints): string {
  const who = ({ client, server }: Pick<HttpEvent, "client" | "server">) =>
    `from ${client.address}:${client.port} to ${server.address}:${server.port}`;
  const expected = who({ client: endpointText(endpoints.client), server: endpointText(endpoints.server) });
  return who(event) === expected ? describeEvent(event) : `${describeEvent(event)} ${who(event)}`;
}
