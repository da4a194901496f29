import type { HttpEvent } from "../../ffi/event.ts";
import type { Conversation } from "./conversation.ts";
import type { Endpoints } from "./encoder.ts";
import { describeEvent } from "./expectation.ts";
import { endpointText } from "./frame.ts";
import type { Turn } from "./packets.ts";
import type { Look, Played } from "./player.ts";

/** @returns what is not as the conversation says, in a form to be read; undefined when all is */
export function difference(conversation: Conversation, played: Played): string | undefined {
  const { delivery, endpoints, looks } = played;
  const expected = delivery.turns.map((turn) => linesOf(turn, delivery.counted));
  const found = looks.map((look) => seenLines(look, endpoints, delivery.counted));
  if (expected.every((lines, index) => Bun.deepEquals(lines, found[index]))) return undefined;
  const list = (all: string[][]) =>
    all
      .flatMap((lines, index) => folded(lines).map((line) => `    ${delivery.turns[index]?.line}: ${line}`))
      .join("\n") || "    nothing";
  return `${conversation.file}:${conversation.line}, ${delivery.name}:\n  expected\n${list(expected)}\n  found\n${list(found)}`;
}

/** A line that comes several times in a row, once. */
function folded(lines: string[]): string[] {
  const starts = lines.flatMap((line, index) => (line === lines[index - 1] ? [] : [index]));
  return starts.map((start, index) => {
    const times = (starts[index + 1] ?? lines.length) - start;
    return `${lines[start]}${times > 1 ? ` (${times} times)` : ""}`;
  });
}

function linesOf({ events, counted }: Turn, withCounters: boolean): string[] {
  return [...events.map((text) => `= ${text}`), ...(withCounters ? counted.map((name) => `! ${name}`).toSorted() : [])];
}

function seenLines({ events, counted, dropped }: Look, endpoints: Endpoints, withCounters: boolean): string[] {
  return [
    ...events.map((event) => `= ${seenText(event, endpoints)}`),
    ...(withCounters ? counted.map((name) => `! ${name}`).toSorted() : []),
    ...(dropped > 0 ? [`! ${dropped} dropped`] : []),
  ];
}

/** As an expectation has it, and who talked to whom if it was not as it should be. */
export function seenText(event: HttpEvent, endpoints: Endpoints): string {
  const who = ({ client, server }: Pick<HttpEvent, "client" | "server">) =>
    `from ${client.address}:${client.port} to ${server.address}:${server.port}`;
  const expected = who({ client: endpointText(endpoints.client), server: endpointText(endpoints.server) });
  return who(event) === expected ? describeEvent(event) : `${describeEvent(event)} ${who(event)}`;
}
