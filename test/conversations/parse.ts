import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { NotationError, readBytes } from "./bytes.ts";
import {
  COUNTERS,
  type Conversation,
  type CounterName,
  type Options,
  type Segment,
  type Step,
} from "./conversation.ts";
import { readExpectation } from "./expectation.ts";

/** A text file that is not as README.md says. */
export class FormatError extends Error {
  override name = "FormatError";

  constructor(file: string, line: number, what: string) {
    super(`${file}:${line}: ${what}`);
  }
}

/** Every conversation of the text files beside this one, in the order of their names. @throws FormatError */
export function loadConversations(folder = import.meta.dir): Conversation[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".txt"));
  const all = files.toSorted().flatMap((file) => parse(file, readFileSync(join(folder, file), "utf8")));
  const names = new Map<string, Conversation>();
  for (const one of all) {
    const other = names.get(one.name);
    if (other) throw new FormatError(one.file, one.line, `${other.file}:${other.line} has this name already`);
    names.set(one.name, one);
  }
  return all;
}

/** @throws FormatError that names file and line */
export function parse(file: string, text: string): Conversation[] {
  const conversations: Conversation[] = [];
  const expectNothing = new Set<Conversation>();
  for (const { number, line } of logicalLines(file, text)) {
    const fail = (what: string): never => {
      throw new FormatError(file, number, what);
    };
    const current = conversations.at(-1);
    const name = line.match(/^== (.+)$/)?.[1];
    if (name !== undefined) {
      conversations.push({ file, line: number, name, options: defaults(), steps: [] });
    } else if (current === undefined) {
      fail("before the first line with == there are only comments");
    } else {
      try {
        readLine(current, line, number, expectNothing);
      } catch (error) {
        if (error instanceof NotationError) fail(error.message);
        throw error;
      }
    }
  }
  for (const one of conversations) check(one, expectNothing.has(one));
  return conversations;
}

const defaults = (): Options => ({
  query: false,
  large: false,
  uncut: false,
  smallestPiece: 1,
  uncounted: false,
  attached: false,
  handshake: false,
});

/** Lines without comments and empty ones; a line that begins with a blank goes on with the one before. */
function logicalLines(file: string, text: string): { number: number; line: string }[] {
  const lines: { number: number; line: string }[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const number = index + 1;
    if (/[ \t\r]$/.test(line)) throw new FormatError(file, number, "a blank ends the line; write \\x20");
    if (line === "" || line.startsWith("#")) continue;
    const last = lines.at(-1);
    if (!line.startsWith("  ")) lines.push({ number, line });
    else if (last && /^[<>=@]/.test(last.line)) last.line += (/^[=@]/.test(last.line) ? " " : "") + line.slice(2);
    else throw new FormatError(file, number, "there is nothing to go on with");
  }
  return lines;
}

function readLine(into: Conversation, line: string, number: number, expectNothing: Set<Conversation>): void {
  const [, sign = "", rest = ""] = line.match(/^(@|(?:=\d*|[<>!~])(?: |$))(.*)$/s) ?? [];
  const mark = sign.trim();
  if (mark === "")
    throw new NotationError("a line begins with one of == > < = ! ~ @ #, and a blank, except behind @ and #");
  if (mark === "@") {
    if (into.steps.length > 0) throw new NotationError("an option stands before the first segment");
    readOption(into.options, rest);
  } else if (mark === "=" && rest === "nothing") {
    expectNothing.add(into);
  } else {
    const times = Number(mark.match(/^=(\d+)$/)?.[1] ?? 1);
    const step = readStep(mark, rest, number);
    for (let time = 0; time < times; time++) into.steps.push(step);
  }
}

function readOption(options: Options, text: string): void {
  const [, name = "", rest = ""] = text.match(/^(\w+)(?: (.*))?$/s) ?? [];
  if (name === "nat") {
    const [, side, address, port] = rest.match(/^(client|server) (\S+):(\d+)$/) ?? [];
    if (side === undefined) throw new NotationError("expected: nat client|server ADDRESS:PORT");
    options.nat = { side: side as "client" | "server", address: address as string, port: Number(port) };
  } else if (name === "pathmax") {
    if (!/^\d+$/.test(rest)) throw new NotationError("expected: pathmax BYTES");
    options.pathMax = Number(rest);
  } else if (name === "pieces") {
    const size = rest.match(/^(\d+) ./)?.[1];
    if (size === undefined) throw new NotationError("expected: pieces BYTES, and a reason");
    options.smallestPiece = Number(size);
  } else if (name === "query") {
    options.query = true;
  } else if (
    name === "large" ||
    name === "uncut" ||
    name === "uncounted" ||
    name === "attached" ||
    name === "handshake"
  ) {
    if (rest === "") throw new NotationError(`${name} needs a reason behind it`);
    options[name] = true;
  } else {
    throw new NotationError(`there is no option ${name}`);
  }
}

function readStep(mark: string, rest: string, line: number): Step {
  if (mark.startsWith("=")) return { kind: "reported", line, ...readExpectation(rest) };
  if (mark === "!") {
    if (!COUNTERS.includes(rest as CounterName)) throw new NotationError(`${rest} is none of: ${COUNTERS.join(", ")}`);
    return { kind: "counted", line, counter: rest as CounterName };
  }
  if (mark === "~") {
    const seconds = rest.match(/^(\d+) s$/)?.[1];
    if (seconds === undefined) throw new NotationError("silence is written as ~ 60 s");
    return { kind: "silence", line, seconds: Number(seconds) };
  }
  return readSegment(mark, rest, line);
}

function readSegment(mark: string, rest: string, line: number): Segment {
  const [, marks, text = ""] = rest.match(/^(?:\[([^\]]*)\] ?)?(.*)$/s) ?? [];
  const segment: Segment = {
    kind: "segment",
    line,
    from: mark === ">" ? "client" : "server",
    ...readBytes(text),
    syn: false,
    fin: false,
    rst: false,
    lost: false,
    again: false,
  };
  const words = marks?.split(",").map((word) => word.trim()) ?? [];
  for (const word of words) readMark(segment, word);
  if (segment.bytes.length === 0 && words.length === 0) throw new NotationError("a segment without bytes and marks");
  if (segment.again && !segment.syn) throw new NotationError("again belongs to SYN; use at for other segments");
  return segment;
}

function readMark(segment: Segment, word: string): void {
  const at = word.match(/^at ([+-]?)(\d+)$/);
  const ack = word.match(/^ack (\d+)$/);
  if (word === "SYN") segment.syn = true;
  else if (word === "FIN") segment.fin = true;
  else if (word === "RST") segment.rst = true;
  else if (word === "lost") segment.lost = true;
  else if (word === "again") segment.again = true;
  else if (word === "ACK") return;
  else if (at)
    segment.at =
      at[1] === "" ? { from: "start", offset: Number(at[2]) } : { from: "next", offset: Number(`${at[1]}${at[2]}`) };
  else if (ack) segment.ack = Number(ack[1]);
  else throw new NotationError(`[${word}] is none of SYN, again, FIN, RST, ACK, lost, at N, at +N, at -N, ack N`);
}

function check({ file, line, steps }: Conversation, expectsNothing: boolean): void {
  const fail = (what: string): never => {
    throw new FormatError(file, line, what);
  };
  const reported = steps.some(({ kind }) => kind === "reported");
  if (steps[0]?.kind !== "segment") fail("a conversation begins with a segment");
  if (!reported && !expectsNothing) fail("no event is expected; if that is so, write = nothing");
  if (reported && expectsNothing) fail("it expects events, and nothing");
}
