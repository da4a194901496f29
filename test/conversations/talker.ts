/** The other end of talk.ts. */
import type { Child } from "../e2e/support/child.ts";
import type { Network } from "../e2e/support/network.ts";
import type { Conversation } from "./conversation.ts";
import type { Endpoints } from "./encoder.ts";
import { FIN, type Packet, RST, type Turn } from "./packets.ts";
import type { Part, Ports, Talk } from "./talk.ts";

const LOCALHOST = {
  "127.0.0.1": Uint8Array.from([127, 0, 0, 1]),
  "::1": Uint8Array.from([...Array<number>(15).fill(0), 1]),
};
/** Of a segment's bytes, at most. */
const PIECES = 400;

export type Way = Pick<Part, "host" | "pieces" | "smallestPiece"> & { name: string };

/** Can it be said over sockets, where the kernel's own TCP makes the segments? */
export function canTalk({ options, steps }: Conversation): boolean {
  if (options.attached || options.nat) return false;
  const closed = { client: false, server: false };
  return steps.every((step) => {
    if (step.kind !== "segment") return true;
    const { from, bytes, syn, fin, rst, lost, at, ack } = step;
    const isPlain = !syn && !lost && at === undefined && ack === undefined;
    const isEnd = fin || rst;
    if (!isPlain || closed[from] || isEnd === bytes.length > 0) return false;
    if (isEnd) closed[from] = true;
    if (rst) closed.client = closed.server = true;
    return true;
  });
}

/** In which a conversation is played over sockets. */
export function waysToTalk({ uncut, smallestPiece }: Conversation["options"]): Way[] {
  const ways: Way[] = [
    { name: "over sockets", host: "127.0.0.1", pieces: 1, smallestPiece },
    { name: "over sockets of IPv6", host: "::1", pieces: 1, smallestPiece },
  ];
  if (!uncut) ways.push({ name: "over sockets in pieces", host: "127.0.0.1", pieces: PIECES, smallestPiece });
  return ways;
}

export class Talker {
  readonly #process: Child;
  readonly #answers: Ports[] = [];
  #ids = 0;
  #asked = 0;

  constructor(network: Network) {
    // On one CPU, so that all is seen in the order in which it was said.
    const argv = ["taskset", "--cpu-list", "0", process.execPath, `${import.meta.dir}/talk.ts`];
    this.#process = network.start(argv, {}, (line) => this.#answers.push(JSON.parse(line) as Ports));
  }

  newId(): number {
    return ++this.#ids;
  }

  /** Says the turns on connection `id`. */
  async play(id: number, { name: _, ...way }: Way, turns: readonly Turn[]): Promise<Endpoints> {
    const steps = turns.flatMap(({ packets }) => packets.map(talkOf));
    this.#process.say(JSON.stringify({ id, steps, ...way } satisfies Part));
    const asked = ++this.#asked;
    await this.#process.until(() => this.#answers.length >= asked);
    const { clientPort, serverPort } = this.#answers[asked - 1] as Ports;
    const address = LOCALHOST[way.host];
    return { client: { address, port: clientPort }, server: { address, port: serverPort } };
  }

  async close(): Promise<void> {
    await this.#process.stop();
  }
}

function talkOf({ from, flags, payload }: Packet): Talk {
  const then = flags & RST ? "reset" : flags & FIN ? "end" : undefined;
  return { from, bytes: Buffer.from(payload).toString("base64"), ...(then && { then }) };
}
