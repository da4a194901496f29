import { join } from "node:path";
import type { Subprocess } from "bun";
import { end, startTalking } from "./children.ts";

/** A script of this folder as a process that says one thing at its start, and one in answer to each message. */
export class Talker {
  readonly #child: Subprocess;
  #heard = Promise.withResolvers<unknown>();

  constructor(script: string, args: string[]) {
    this.#child = startTalking(join(import.meta.dir, script), args, (message) => this.#heard.resolve(message));
    this.#child.exited.then((code) => this.#heard.reject(new Error(`${script} ended with exit code ${code}`)));
    this.#heard.promise.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it says next. @throws Error when it has ended instead */
  async hear<T>(): Promise<T> {
    const message = await this.#heard.promise;
    this.#heard = Promise.withResolvers();
    this.#heard.promise.catch(() => {});
    return message as T;
  }

  ask<T>(message: unknown): Promise<T> {
    this.#child.send(message);
    return this.hear<T>();
  }

  end(): Promise<void> {
    return end(this.#child);
  }
}
