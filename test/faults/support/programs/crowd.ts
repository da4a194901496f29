/**
 * Hundreds of subscribers in one process: one that records everything, many that filter, some that read nothing until they are
 * told to, and some that break off again and again and come back for what they missed. Prints `ready` when all are greeted,
 * after a line of input `settle ID` waits until each has heard of barrier ID, and prints what each has seen of what it should.
 */
import { createInterface } from "node:readline";
import type { ObservedEvent } from "../../../../ffi/event.ts";
import type { Filter } from "../../../../server/filter.ts";
import { FrameCutter } from "../../../bench/frames.ts";
import type { SeenFrame } from "../../../server/fake.ts";
import { Audit } from "../../../server/support/audit.ts";
import { referenceSelects } from "../../../server/support/reference-filter.ts";
import { Numbering } from "../numbering.ts";

export interface CrowdReport {
  subscribers: number;
  /** That the recorder has seen, and those of them that have a number of their maker's. */
  events: number;
  numbered: number;
  /** By all, with what was received again by nobody. */
  received: number;
  announced: number;
  announcedToStalled: number;
  reconnects: number;
  resumed: number;
  /** What should not have been, of the first few subscribers where it was. */
  faults: string[];
}

type Role = "recorder" | "reader" | "stalled" | "restless";

const READERS = 400;
const STALLED = 50;
const RESTLESS = 50;
const LETTERS = ["a", "b", "c", "d", "e"];
/** Beside a path. */
const CONDITIONS = ["", "&method=GET", "&status=!404", "&port=8080"];
const TEXT = 1;
const FAULTS_SHOWN = 10;

const { host, hostname, port } = new URL(process.argv[2] ?? "");
const random = (below: number) => Math.floor(Math.random() * below);

/** What tells events apart here; all with the same words are one object, so that filters need look at each but once. */
const kinds = new Map<string, ObservedEvent>();

function kindOf(event: ObservedEvent): ObservedEvent {
  if (event.protocol !== "http") throw new Error("only HTTP is watched");
  const key = `${event.method} ${event.status} ${event.server.port} ${event.path}`;
  let kind = kinds.get(key);
  if (kind === undefined) {
    kind = event;
    kinds.set(key, kind);
  }
  return kind;
}

class Member {
  readonly role: Role;
  readonly query: string;
  readonly frames: SeenFrame[] = [];
  readonly numbering = new Numbering();
  reconnects = 0;
  syncId = 0;
  isGreeted = false;
  #run = "";
  #position = 0;
  #socket: Bun.Socket | undefined;
  #isSettling = false;

  constructor(role: Role, query: string) {
    this.role = role;
    this.query = query;
  }

  async connect(): Promise<void> {
    const cutter = new FrameCutter();
    let head = "";
    let isOpen = false;
    const since = this.#run === "" ? "" : `&since=${this.#position - 1}@${this.#run}`;
    const request = [
      `GET /ws?${this.query}${since} HTTP/1.1`,
      `Host: ${host}`,
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ];
    this.#socket = await Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => void socket.write(`${request.join("\r\n")}\r\n\r\n`),
        data: (socket, chunk) => {
          if (this.#socket !== undefined && socket !== this.#socket) return;
          let bytes = chunk;
          if (!isOpen) {
            head += chunk.toString("latin1");
            const end = head.indexOf("\r\n\r\n");
            if (end < 0) return;
            if (!head.startsWith("HTTP/1.1 101")) throw new Error(head);
            isOpen = true;
            bytes = Buffer.from(head.slice(end + 4), "latin1");
          }
          cutter.push(bytes, (opcode, payload) => {
            if (opcode === TEXT) this.#take(JSON.parse(payload.toString()));
          });
          if (this.role === "stalled" && this.isGreeted && !this.#isSettling) socket.pause();
        },
        close: (socket) => {
          if (socket === this.#socket && this.role !== "restless") throw new Error(`${this.query}: closed`);
        },
      },
    });
  }

  breakOff(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.terminate();
  }

  settle(): void {
    this.#isSettling = true;
    if (this.role === "stalled") this.#socket?.resume();
  }

  #take(frame: SeenFrame & { run?: string }): void {
    if (frame.type === "hello") {
      this.isGreeted = true;
      this.#run = frame.run ?? "";
      this.#position = frame.nextSeq ?? 0;
    }
    if (frame.type === "sync") this.syncId = frame.id ?? 0;
    if (frame.type === "heartbeat") this.#position = frame.nextSeq ?? 0;
    if (frame.type === "gap") this.#position = (frame.toSeq ?? 0) + 1;
    if (frame.type === "batch") {
      this.#position = (frame.events?.at(-1)?.seq ?? 0) + 1;
      if (this.role === "recorder") for (const event of frame.events ?? []) this.numbering.take(event);
      const events = frame.events?.map((event) => ({ seq: event.seq, kind: kindOf(event) }));
      this.frames.push({ ...frame, events: events as never });
    } else this.frames.push(frame);
    wake();
  }
}

function membersOf(): Member[] {
  const readers = Array.from({ length: READERS }, (_, index) => {
    const path = `path=/${LETTERS[index % LETTERS.length]}/${Math.floor(index / LETTERS.length)}/*`;
    return new Member("reader", path + CONDITIONS[index % CONDITIONS.length]);
  });
  const stalled = Array.from({ length: STALLED }, (_, index) => new Member("stalled", `path=!/*/${index}/*`));
  const restless = Array.from({ length: RESTLESS }, (_, index) => new Member("restless", `path=/*/${index}/*`));
  return [new Member("recorder", ""), ...readers, ...stalled, ...restless];
}

/** Breaks off and comes back, until it is told to stop. */
async function fret(member: Member, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await Bun.sleep(300 + random(1500));
    if (isOver()) return;
    member.breakOff();
    await Bun.sleep(random(1000));
    await member.connect();
    member.reconnects++;
  }
}

const watchers: (() => void)[] = [];
function wake(): void {
  for (const watcher of watchers.splice(0)) watcher();
}
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise<void>((resolve) => watchers.push(resolve));
}

function audit(members: readonly Member[]): CrowdReport {
  const [recorder] = members;
  const events: { seq: number; kind: ObservedEvent }[] = [];
  const { numbered = 0, faults: misnumbered = [] } = recorder?.numbering ?? {};
  const faults = [...misnumbered];
  for (const frame of recorder?.frames ?? []) {
    if (frame.type === "gap") faults.push("the recorder has a gap");
    for (const event of frame.events ?? []) events.push(event as never);
  }
  const first = events[0]?.seq ?? 1;
  // What came before the first subscription belongs to no one.
  const all = [...new Array<(typeof events)[number] | undefined>(first - 1), ...events];
  const report = { received: 0, announced: 0, announcedToStalled: 0, reconnects: 0, resumed: 0 };
  for (const member of members) {
    const selected = new Map<ObservedEvent, boolean>();
    const isSelected = (filter: Filter, event: ObservedEvent | undefined): boolean => {
      const { kind } = (event ?? {}) as { kind?: ObservedEvent };
      if (kind === undefined) return false;
      let is = selected.get(kind);
      if (is === undefined) {
        is = referenceSelects(filter, kind);
        selected.set(kind, is);
      }
      return is;
    };
    const one = new Audit(all as never, isSelected as never);
    try {
      for (const frame of member.frames) one.take(frame);
      one.expectComplete();
    } catch (error) {
      faults.push(`${member.role} ?${member.query}: ${(error as Error).message}`);
    }
    report.received += one.received;
    report.announced += one.announced;
    if (member.role === "stalled") report.announcedToStalled += one.announced;
    report.reconnects += member.reconnects;
    report.resumed += member.frames.filter(({ type, resumed }) => type === "hello" && resumed).length;
  }
  const counts = { subscribers: members.length, events: events.length, numbered };
  return { ...counts, ...report, faults: faults.slice(0, FAULTS_SHOWN) };
}

const members = membersOf();
for (const member of members) await member.connect();
await until(() => members.every(({ isGreeted }) => isGreeted));
let isOver = false;
const fretting = members.filter(({ role }) => role === "restless").map((member) => fret(member, () => isOver));
console.log("ready");
for await (const line of createInterface(process.stdin)) {
  const [word, id] = line.split(" ");
  if (word === "stop") {
    isOver = true;
    await Promise.all(fretting);
    for (const member of members) member.settle();
    console.log("stopped");
  }
  if (word === "settle") {
    await until(() => members.every(({ syncId }) => syncId >= Number(id)));
    console.log(JSON.stringify(audit(members)));
  }
}
