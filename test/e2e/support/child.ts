import { attachFlags, leaveOwnCgroup } from "./attach.ts";

/** Processes that the tests start. Every one of them is known here until it has ended, so that none is left behind. */

const running = new Set<Child>();

/** Kills what is still running. Give it to `afterEach` or `afterAll`: it is also called when a test fails or hangs. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((child) => child.stop("SIGKILL")));
  leaveOwnCgroup();
}

interface Outcome {
  stdout: string;
  stderr: string;
  exitCode: number;
}

/** A process, its output by lines, and waits that end when the output or the end of the process decides them. */
export class Child {
  readonly argv: readonly string[];
  readonly exited: Promise<number>;
  stdout = "";
  stderr = "";
  readonly #process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  readonly #outputRead: Promise<unknown>;
  #watchers: (() => void)[] = [];
  #exitCode: number | undefined;
  #rest = "";

  /** @param onLine gets each line of standard output instead of `stdout` */
  constructor(argv: readonly string[], env: Record<string, string> = {}, onLine?: (line: string) => void) {
    this.argv = argv;
    attachFlags();
    // The kernel ends it if the test runner is killed.
    this.#process = Bun.spawn(["setpriv", "--pdeathsig", "KILL", "--", ...argv], {
      env: { PATH: `${process.env.PATH ?? ""}:/usr/sbin:/sbin`, ...env },
      stdin: "pipe",
      stdout: "pipe",
      stderr: "pipe",
    });
    running.add(this);
    this.#outputRead = Promise.all([
      this.#read(this.#process.stdout, (text) => {
        if (onLine === undefined) this.stdout += text;
        else this.#split(text, onLine);
      }),
      this.#read(this.#process.stderr, (text) => {
        this.stderr += text;
      }),
    ]);
    this.exited = this.#end();
  }

  get pid(): number {
    return this.#process.pid;
  }

  get ended(): boolean {
    return this.#exitCode !== undefined;
  }

  /** Runs to the end. */
  async outcome(): Promise<Outcome> {
    const exitCode = await this.exited;
    return { stdout: this.stdout, stderr: this.stderr, exitCode };
  }

  /** Resolves when `condition` holds; it is looked at after everything the process prints. Rejects when the process ends before. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.ended)
        throw new Error(`${this.argv.join(" ")} ended with ${this.#exitCode}:\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => this.#watchers.push(resolve));
    }
  }

  /** The first match in all that was printed, waiting for it. */
  async match(pattern: RegExp): Promise<RegExpMatchArray> {
    const find = () => this.stdout.match(pattern) ?? this.stderr.match(pattern);
    await this.until(() => find() !== null);
    return find() as RegExpMatchArray;
  }

  say(line: string): void {
    this.#process.stdin.write(`${line}\n`);
    this.#process.stdin.flush();
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Sends a signal and waits for the end. @returns the exit code */
  stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number> {
    if (!this.ended) this.signal(signal);
    return this.exited;
  }

  async #end(): Promise<number> {
    const exitCode = await this.#process.exited;
    // A grandchild may hold the pipes open.
    await Promise.race([this.#outputRead, Bun.sleep(1000)]);
    this.#exitCode = exitCode;
    running.delete(this);
    this.#wake();
    return exitCode;
  }

  async #read(stream: ReadableStream<Uint8Array>, take: (text: string) => void): Promise<void> {
    const decoder = new TextDecoder();
    for await (const bytes of stream) {
      take(decoder.decode(bytes, { stream: true }));
      this.#wake();
    }
  }

  #split(text: string, onLine: (line: string) => void): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) onLine(line);
  }

  #wake(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const wake of watchers) wake();
  }
}

/** Runs a command to its end. */
export function run(argv: readonly string[], env?: Record<string, string>): Promise<Outcome> {
  return new Child(argv, env).outcome();
}

/** Runs a command that must succeed. @returns its standard output */
export async function output(argv: readonly string[], env?: Record<string, string>): Promise<string> {
  const { stdout, stderr, exitCode } = await run(argv, env);
  if (exitCode !== 0) throw new Error(`${argv.join(" ")} ended with ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}
