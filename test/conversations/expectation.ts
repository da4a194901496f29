/**
 * An event in one line, as the text files have it:
 * `GET /a 200 complete head=27/38 body=0/5 host=x`.
 */
import type { HttpEvent } from "../../ffi/event.ts";
import { NotationError, readBytes, writeText } from "./bytes.ts";
import type { Expected } from "./conversation.ts";

/** What is compared of an event: everything but its times, and its endpoints, which whoever plays it compares. */
export type EventFields = Omit<
  HttpEvent,
  "protocol" | "seq" | "cpu" | "startTimeUnixNano" | "durationNano" | "timeToFirstByteNano" | "client" | "server"
>;

const OUTCOMES: readonly HttpEvent["outcome"][] = ["complete", "closed", "reset", "superseded", "timeout", "upgraded"];

/** One event, one text: two events are equal when their texts are. */
export function describeEvent(event: EventFields): string {
  const words = [writeText(event.method), writeText(event.path), String(event.status), event.outcome];
  const add = (name: string, value: string | undefined) => {
    if (value !== undefined) words.push(`${name}=${writeText(value)}`);
  };
  if (event.version !== "1.1") add("version", event.version);
  if (event.pathTruncated) words.push("truncated");
  add("query", event.query);
  add("head", pair(event.requestHeaderBytes, event.responseHeaderBytes));
  add("body", pair(event.requestBodyBytes, event.responseBodyBytes));
  add("host", event.host);
  add("userAgent", event.userAgent);
  add("traceparent", event.traceparent);
  add("tracestate", event.tracestate);
  const answered = event.answeredBy;
  add("answeredBy", answered && `${answered.address}:${answered.port}`);
  return words.join(" ");
}

const pair = (request: number, response: number | undefined) =>
  response === undefined ? String(request) : `${request}/${response}`;

/** Reads a line and writes it anew, as `describeEvent` would. @throws NotationError */
export function readExpectation(line: string): Expected {
  const [method, path, status, outcome, ...rest] = wordsOf(line);
  if (method === undefined || path === undefined || status === undefined || outcome === undefined) {
    throw new NotationError("an event begins with METHOD PATH STATUS OUTCOME");
  }
  if (!/^\d{1,3}$/.test(status)) throw new NotationError(`${status} is no status`);
  const known = OUTCOMES.find((one) => one === outcome);
  if (known === undefined) throw new NotationError(`${outcome} is none of ${OUTCOMES.join(" ")}`);
  const named = new Map<string, string>();
  for (const word of rest) {
    const [, name = word, value = ""] = word.match(/^([a-zA-Z]+)(?:=(.*))?$/s) ?? [];
    if (named.has(name)) throw new NotationError(`${name} is given twice`);
    named.set(name, value);
  }
  const take = (name: string) => {
    const value = named.get(name);
    named.delete(name);
    return value;
  };
  const bytes = (name: string): [number, number?] => {
    const [, request, response] = take(name)?.match(/^(\d+)(?:\/(\d+))?$/) ?? [];
    if (request === undefined) throw new NotationError(`${name}=REQUEST/RESPONSE, or ${name}=REQUEST, is missing`);
    return response === undefined ? [Number(request)] : [Number(request), Number(response)];
  };
  const [requestHeaderBytes, responseHeaderBytes] = bytes("head");
  const [requestBodyBytes, responseBodyBytes] = bytes("body");
  const segments = take("segments");
  if (segments !== undefined && !/^\d+\/\d+(\/\d+)?$/.test(segments)) {
    throw new NotationError("segments=START/FIRST/END, or segments=START/END without a response");
  }
  const answered = take("answeredBy")?.match(/^(.*):(\d+)$/);
  const event: EventFields = {
    method,
    path,
    status: Number(status),
    outcome: known,
    version: take("version") ?? "1.1",
    pathTruncated: take("truncated") !== undefined,
    requestHeaderBytes,
    requestBodyBytes,
    ...(responseHeaderBytes !== undefined && { responseHeaderBytes }),
    ...(responseBodyBytes !== undefined && { responseBodyBytes }),
    ...optional("query", take("query")),
    ...optional("host", take("host")),
    ...optional("userAgent", take("userAgent")),
    ...optional("traceparent", take("traceparent")),
    ...optional("tracestate", take("tracestate")),
    ...(answered && { answeredBy: { address: answered[1] as string, port: Number(answered[2]) } }),
  };
  const unknown = [...named.keys()][0];
  if (unknown !== undefined) throw new NotationError(`an event has no ${unknown}`);
  return { text: describeEvent(event), ...(segments !== undefined && { segments }) };
}

const optional = (name: string, value: string | undefined) => (value === undefined ? {} : { [name]: value });

/** Blanks part words, but not inside quotes. */
function wordsOf(line: string): string[] {
  const quotes = line.replace(/\\./g, "").match(/"/g)?.length ?? 0;
  if (quotes % 2 === 1) throw new NotationError("a quote is not closed");
  const words = line.match(/(?:"(?:\\.|[^"\\])*"|\\\{(?:\\.|[^}])*\}|\\.|[^\s"\\])+/g) ?? [];
  return words.map((word) => readBytes(word.replace(/(?<!\\)"/g, "")).bytes.toString("utf8"));
}
