import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, output } from "../e2e/support/child.ts";

const OUTPUT = join(import.meta.dir, ".output");
const SOURCES_MAX = 1024;

/** What became of the events of one source, as the programs that made them noted it themselves. */
export interface SourceReport {
  context: string;
  cpu: number;
  attempted: number;
  /** Their enqueue returned 0. */
  accepted: number;
  pagesFull: number;
  contended: number;
  other: number;
  /** Runs out of turn or on another CPU: the load is broken, not what it tests. */
  misplaced: number;
}

export function objectPath(pageEvents: 1 | 64): string {
  return join(OUTPUT, `pages-of-${pageEvents}`, "torture.bpf.o");
}

export async function build(): Promise<void> {
  await output(["make", "--silent", "-C", import.meta.dir]);
}

/** Threads on all CPUs that make the torture stream's programs enqueue events from every context. */
export class Load {
  readonly #child: Child;
  readonly #folder: string;
  readonly #progress: BigUint64Array;

  /** Runs until one of the limits is reached. The programs are those that this process has loaded. */
  constructor({ seconds, events, perSecond }: { seconds: number; events: number; perSecond: number }) {
    this.#folder = mkdtempSync(join(tmpdir(), "kernelcast-torture-"));
    const progress = join(this.#folder, "progress");
    writeFileSync(progress, new Uint8Array(SOURCES_MAX * 8));
    this.#progress = new BigUint64Array(Bun.mmap(progress).buffer);
    const limits = [process.pid, seconds, events, perSecond].map(String);
    this.#child = new Child([join(OUTPUT, "load"), ...limits, progress, this.#bitsPath]);
  }

  async running(): Promise<void> {
    await this.#child.match(/running/);
  }

  /** By source: events whose enqueue has returned 0, as the source last looked. */
  accepted(): number[] {
    return Array.from(this.#progress, Number);
  }

  /** Resolves when every thread has ended and every packet was seen. */
  async reports(): Promise<SourceReport[]> {
    const { exitCode, stdout, stderr } = await this.#child.outcome();
    if (exitCode !== 0) throw new Error(`the load ended with ${exitCode}: ${stderr}${stdout}`);
    return stdout
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => JSON.parse(line) as SourceReport);
  }

  /** After its end: a bit for each event of each source whose enqueue returned 0, lowest bit first. */
  acceptedBits(sources: number): Uint8Array[] {
    const all = readFileSync(this.#bitsPath);
    const each = all.length / sources;
    return Array.from({ length: sources }, (_, source) => all.subarray(source * each, (source + 1) * each));
  }

  async close(): Promise<void> {
    await this.#child.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #bitsPath(): string {
    return join(this.#folder, "bits");
  }
}
