/**
 * A peer at work: its standard output in a file in memory, which nobody reads before it has ended.
 * @module
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { findCommand } from "../../server/setup/command.mjs";
import { end, start } from "./children.ts";
import { familyCpuSeconds } from "./cpu-shares.ts";
import { scratchFolder } from "./output.ts";
import type { Peer } from "./peers.ts";
import { packetSockets } from "./wrk.ts";

/** What it has shown in its life. */
export interface Shown {
  /** By the path that was asked for; nothing if it does not look at HTTP. */
  requests?: Record<string, number>;
  responses?: number;
  /** Packets, by its own word. */
  missed?: number;
}

const READY_MILLIS = 15_000;
/** Between its socket and its filter. */
const ATTACH_MILLIS = 200;
const QUIET_MILLIS = 200;
const QUIET_CPU_SECONDS = 0.02;
/** What a tool has not worked off so long after the load is left for later, or lost. */
const LATE_MILLIS = 2000;
const MEMORY = "/dev/shm";

/** @returns why it cannot run here; undefined if it can */
export function whyMissing({ program, package: name }: Peer): string | undefined {
  if (name === undefined || findCommand(program)) return undefined;
  return `${program} is not installed: apt-get install ${name}`;
}

export class PeerRun {
  readonly #peer: Peer;
  readonly #child: Subprocess;
  readonly #folder: string;
  readonly #complaint: Promise<string>;

  private constructor(peer: Peer, port: number) {
    this.#peer = peer;
    this.#folder = mkdtempSync(join(memoryFolder(), "peer-"));
    const inFile = ["sh", "-c", 'exec "$@" >"$0"', this.#outputFile, ...peer.command(port)];
    // tshark keeps what it has not yet looked at there.
    const child = start(inFile, { env: { TMPDIR: this.#folder } });
    this.#child = child;
    this.#complaint = child.stderr.text();
  }

  /** @throws Error with what it said, if it does not come to watch */
  static async start(peer: Peer, port: number): Promise<PeerRun> {
    const sockets = packetSockets();
    const run = new PeerRun(peer, port);
    try {
      await run.#ready(() => (peer.ready ? run.#text().includes(peer.ready) : packetSockets() > sockets));
    } catch (error) {
      await run.stop([]);
      throw error;
    }
    return run;
  }

  cpuSeconds(): number {
    return familyCpuSeconds(this.#child.pid);
  }

  /** Resolves when it has nothing left to do, or would take too long over it. */
  async settle(): Promise<void> {
    const deadline = Date.now() + LATE_MILLIS;
    for (;;) {
      const before = this.cpuSeconds();
      await Bun.sleep(QUIET_MILLIS);
      if (this.cpuSeconds() - before <= QUIET_CPU_SECONDS || Date.now() > deadline) return;
    }
  }

  /** Ends it. @param paths that were asked for */
  async stop(paths: readonly string[]): Promise<Shown> {
    await end(this.#child, "SIGINT");
    const { counts, missed } = this.#peer;
    const shown: Shown = {};
    if (counts) {
      const text = this.#text();
      shown.requests = Object.fromEntries(paths.map((path) => [path, counts.requests(text, path)]));
      shown.responses = counts.responses(text);
    }
    const found = missed && (await this.#complaint).match(missed)?.[1];
    if (found !== undefined) shown.missed = Number(found);
    rmSync(this.#folder, { recursive: true, force: true });
    return shown;
  }

  get #outputFile(): string {
    return join(this.#folder, "output");
  }

  #text(): Buffer {
    return existsSync(this.#outputFile) ? readFileSync(this.#outputFile) : Buffer.alloc(0);
  }

  async #ready(watches: () => boolean): Promise<void> {
    const deadline = Date.now() + READY_MILLIS;
    while (!watches()) {
      if (this.#child.exitCode !== null) throw new Error(lastLine(await this.#complaint));
      if (Date.now() > deadline) throw new Error(`it did not begin to watch within ${READY_MILLIS / 1000} s`);
      await Bun.sleep(20);
    }
    await Bun.sleep(ATTACH_MILLIS);
    if (this.#child.exitCode !== null) throw new Error(lastLine(await this.#complaint));
  }
}

let memory: string | undefined;

function memoryFolder(): string {
  memory ??= existsSync(MEMORY) ? scratchFolder(MEMORY) : scratchFolder();
  return memory;
}

const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) || "it ended by itself";
