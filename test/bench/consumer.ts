/**
 * Consumers that do the least there is to do, in C and in Go: `consumer.c`, `consumer.go`.
 * @module
 */

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { findCommand } from "../../server/setup/command.mjs";
import { end, output, start } from "./children.ts";
import { OUTPUT } from "./output.ts";

/** What a consumer says of itself; all since it began. */
export interface ConsumerReading {
  /** Made in the kernel. */
  observed: number;
  /** Handed to the ring; the last page of a CPU may be open. */
  flushed: number;
  received: number;
  /** What they came in. */
  records: number;
  cpuSeconds: number;
}

export interface ConsumerOptions {
  /** Holds the stream; its socket filter is attached, if it has one. */
  object: string;
  stream: string;
  ringBytes: number;
  /** All its threads are held to it. */
  cpu?: string;
}

export const C_CONSUMER = join(OUTPUT, "consumer");
export const GO_CONSUMER = join(OUTPUT, "consumer-go");
const here = (name: string) => join(import.meta.dir, name);
/** Where Debian's golang-github-cilium-ebpf-dev puts it. */
const GO_PATH = "/usr/share/gocode";
const GO_LIBRARY = join(GO_PATH, "src/github.com/cilium/ebpf");
const SETTLE_MILLIS = 50;

export async function buildCConsumer(): Promise<void> {
  const sources = [here("consumer.c"), here("../../ffi/taps.c")];
  await output(["cc", "-O2", "-std=gnu11", "-Wall", "-Werror", "-o", C_CONSUMER, ...sources, "-lbpf"]);
}

/** @returns why there is none; undefined when it was built */
export async function buildGoConsumer(): Promise<string | undefined> {
  if (!findCommand("go")) return "Go is not installed (golang-go)";
  if (!existsSync(GO_LIBRARY)) return "cilium/ebpf is not installed (golang-github-cilium-ebpf-dev)";
  const variables = ["GO111MODULE=off", `GOPATH=${GO_PATH}`, `GOCACHE=${join(OUTPUT, "go")}`];
  try {
    await output(["env", ...variables, "go", "build", "-o", GO_CONSUMER, here("consumer.go")]);
    return undefined;
  } catch (error) {
    return `it does not build: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Runs until it is ended. */
export class NativeConsumer {
  readonly #child: Subprocess<"pipe" | "ignore", "pipe", "pipe">;
  readonly #lines: AsyncGenerator<string>;

  private constructor(child: Subprocess<"pipe" | "ignore", "pipe", "pipe">) {
    this.#child = child;
    this.#lines = linesOf(child.stdout);
  }

  /** @throws Error with what it said when it cannot */
  static async start(program: string, { object, stream, ringBytes, cpu }: ConsumerOptions): Promise<NativeConsumer> {
    const held = cpu === undefined ? [] : ["taskset", "--cpu-list", cpu];
    const child = start([...held, program, object, stream, String(ringBytes)]);
    const consumer = new NativeConsumer(child);
    const first = await consumer.#lines.next();
    if (first.value !== "ready") throw new Error(`${program} ended by itself:\n${await child.stderr.text()}`);
    return consumer;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** When nothing more comes. In Go what is below the watermark stays in the ring. */
  async read(): Promise<ConsumerReading> {
    for (let before = -1; ; ) {
      const reading = await this.#ask();
      if (reading.received === before || reading.received === reading.flushed) return reading;
      before = reading.received;
      await Bun.sleep(SETTLE_MILLIS);
    }
  }

  async #ask(): Promise<ConsumerReading> {
    const { stdin } = this.#child;
    if (!stdin) throw new Error("the consumer has no standard input");
    stdin.write("\n");
    await stdin.flush();
    const { value } = await this.#lines.next();
    const [observed = 0, flushed = 0, received = 0, records = 0, nanos = Number.NaN] = String(value)
      .split(" ")
      .map(Number);
    return { observed, flushed, received, records, cpuSeconds: nanos / 1e9 };
  }

  end(): Promise<void> {
    return end(this.#child);
  }
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    yield* lines;
  }
}
