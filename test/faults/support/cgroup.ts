import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";

const ROOT = "/sys/fs/cgroup/memory";

/** Why no cgroup with a memory limit can be made; undefined if one can. */
export function cgroupSkipReason(): string | undefined {
  return existsSync(`${ROOT}/memory.limit_in_bytes`) ? undefined : "the memory controller of cgroup v1 is not mounted";
}

/** A memory cgroup with a hard limit: whoever exceeds it is killed. There is no swap in it. */
export class MemoryCgroup {
  readonly #folder: string;

  constructor(name: string, limitMib: number) {
    this.#folder = `${ROOT}/${name}`;
    mkdirSync(this.#folder);
    writeFileSync(`${this.#folder}/memory.limit_in_bytes`, String(limitMib * 1024 * 1024));
  }

  /** A command line that runs `argv` in here, from its first page on. */
  inside(argv: readonly string[]): string[] {
    return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', this.#folder, ...argv];
  }

  /** Times that the limit was met, and memory had to be reclaimed. */
  get limitMet(): number {
    return this.#number("memory.failcnt");
  }

  /** Processes killed for want of memory. */
  get kills(): number {
    return Number(readFileSync(`${this.#folder}/memory.oom_control`, "utf8").match(/oom_kill (\d+)/)?.[1]);
  }

  /** Every process in it must have ended. */
  remove(): void {
    rmdirSync(this.#folder);
  }

  #number(file: string): number {
    return Number(readFileSync(`${this.#folder}/${file}`, "utf8"));
  }
}
