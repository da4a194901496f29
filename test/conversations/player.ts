/** The other end of player.c: conversations go in as packets, events come out through the decoder that the service has. */
import { EventBatch, RawBatch, ringMemory } from "../../ffi/batch.ts";
import { decodeHttpEvent } from "../../ffi/decode.ts";
import type { HttpEvent } from "../../ffi/event.ts";
import { http } from "../../ffi/protocol.ts";
import { TargetPolicy } from "../../ffi/target-policy.ts";
import { COUNTERS, type Conversation, type CounterName } from "./conversation.ts";
import type { Delivery } from "./delivery.ts";
import { type Encoded, Encoder } from "./encoder.ts";

const ANSWER_BYTES = 32;
/** Commands are handed over in parts of about so many bytes. */
const PART_BYTES = 4 << 20;
/** Times are left as the player had them. */
const MONOTONIC = { seconds: 0, nanoseconds: 0 };

/** What was seen of one delivery. */
export interface Played extends Encoded {
  delivery: Delivery;
  /** One for each turn. */
  looks: Look[];
}

export interface Look {
  events: HttpEvent[];
  counted: CounterName[];
}

/** @param names of programs @throws Error when make fails */
export function buildPlayers(...names: string[]): void {
  const targets = names.map((name) => `.output/${name}`);
  const { exitCode, stderr } = Bun.spawnSync(["make", "--silent", "-C", import.meta.dir, ...targets]);
  if (exitCode !== 0) throw new Error(`the players could not be built: ${stderr}`);
}

/** Where a program of this folder is. */
export const playerPath = (name: string): string => `${import.meta.dir}/.output/${name}`;

/** One running program of this folder. */
export class Player {
  readonly #process: Bun.Subprocess<"pipe", "pipe", "inherit">;
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #encoder: Encoder;
  #rest: Uint8Array = new Uint8Array();

  /** @param argv a command line that runs a program of this folder; payloadMax: see Encoder */
  constructor(argv: readonly string[], payloadMax?: number) {
    this.#encoder = new Encoder(payloadMax);
    // The kernel ends it if the test runner is killed.
    this.#process = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", ...argv], {
      stdin: "pipe",
      stdout: "pipe",
      stderr: "inherit",
    });
    this.#chunks = this.#process.stdout[Symbol.asyncIterator]();
  }

  /** Plays a conversation in each way given, and yields what was seen, in their order. */
  async *play(conversation: Conversation, deliveries: Iterable<Delivery>): AsyncGenerator<Played> {
    let waiting: Omit<Played, "looks">[] = [];
    for (const delivery of deliveries) {
      waiting.push({ delivery, ...this.#encoder.add(conversation, delivery) });
      if (this.#encoder.length < PART_BYTES) continue;
      yield* this.#lookAt(waiting);
      waiting = [];
    }
    yield* this.#lookAt(waiting);
  }

  /** As `Encoder.begin`, for a caller that hands over turn by turn. */
  begin(conversation: Conversation, delivery: Delivery): ReturnType<Encoder["begin"]> {
    return this.#encoder.begin(conversation, delivery);
  }

  /** Resolves when all that was encoded has been played. */
  async handOver(): Promise<void> {
    this.#encoder.look();
    this.#write();
    await this.#look();
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await this.#process.exited;
  }

  #write(): void {
    this.#process.stdin.write(this.#encoder.take());
    this.#process.stdin.flush();
  }

  async *#lookAt(waiting: Omit<Played, "looks">[]): AsyncGenerator<Played> {
    this.#write();
    for (const one of waiting) {
      const looks: Look[] = [];
      for (const _ of one.delivery.turns) looks.push(await this.#look());
      yield { ...one, looks };
    }
  }

  async #look(): Promise<Look> {
    const answer = await this.#read(ANSWER_BYTES);
    const numbers = new Uint32Array(answer.buffer);
    const [batchBytes = 0, ...times] = numbers;
    const counted = COUNTERS.flatMap((name, index) => Array<CounterName>(times[index] ?? 0).fill(name));
    return { events: decodeBatches(await this.#read(batchBytes)), counted };
  }

  /** @returns memory of its own, aligned */
  async #read(size: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(size);
    for (let have = 0; have < size; ) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#chunks.next();
        if (done) throw new Error(`${this.#process.exitCode ?? "the player"}: it ended in the middle of an answer`);
        this.#rest = value;
      }
      const part = this.#rest.subarray(0, size - have);
      bytes.set(part, have);
      have += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return bytes;
  }
}

function decodeBatches(bytes: Uint8Array<ArrayBuffer>): HttpEvent[] {
  const events: HttpEvent[] = [];
  const memory = ringMemory(bytes.buffer);
  for (let offset = 0; offset < bytes.length; ) {
    const raw = new RawBatch(memory, offset);
    const batch = new EventBatch(raw, http.viewOf);
    for (const view of batch) events.push(decodeHttpEvent(view, events.length + 1, MONOTONIC, new TargetPolicy()));
    offset = raw.eventOffset(raw.length);
  }
  return events;
}
