import { join } from "node:path";
import type { Subprocess } from "bun";
import { end, startTalking } from "./children.ts";
import { cpuSeconds } from "./process-usage.ts";
import type { Answer, Question } from "./subscriber.ts";
import type { Report } from "./tally.ts";

const SCRIPT = join(import.meta.dir, "subscriber.ts");
const ANSWER_MILLIS = 30_000;

/** The one subscriber, seen from here. */
export class Subscription {
  readonly #child: Subprocess;
  #answer = Promise.withResolvers<Answer>();
  /** Of the clock that it times by. */
  clockErrorMillis = 0;

  private constructor(serviceUrl: string, watched: { address: string; port: number }) {
    const hear = (message: unknown) => this.#answer.resolve(message as Answer);
    this.#child = startTalking(SCRIPT, [serviceUrl, watched.address, String(watched.port)], hear);
    this.#child.exited.then((code) => this.#answer.reject(new Error(`the subscriber ended with exit code ${code}`)));
    this.#answer.promise.catch(() => {});
  }

  static async open(serviceUrl: string, watched: { address: string; port: number }): Promise<Subscription> {
    const subscription = new Subscription(serviceUrl, watched);
    const ready = await subscription.#next();
    if (ready.say === "ready") subscription.clockErrorMillis = ready.clockErrorMillis;
    return subscription;
  }

  /** Counts anew. @param every one transaction in so many is timed */
  begin(every: number): void {
    this.#ask({ ask: "begin", every });
  }

  /** What came since `begin`. @param afterSync waits until the frame of this barrier has come; 0: what came so far */
  async report(afterSync: number): Promise<Report> {
    this.#ask({ ask: "report", afterSync });
    const answer = await this.#next();
    if (answer.say !== "report") throw new Error("the subscriber answered what it was not asked");
    return answer.report;
  }

  cpuSeconds(): number {
    return cpuSeconds(this.#child.pid);
  }

  async close(): Promise<void> {
    await end(this.#child);
  }

  #ask(question: Question): void {
    this.#child.send(question);
  }

  async #next(): Promise<Answer> {
    const tooLate = setTimeout(
      () => this.#answer.reject(new Error(`the subscriber did not answer within ${ANSWER_MILLIS / 1000} s`)),
      ANSWER_MILLIS,
    );
    const answer = await this.#answer.promise;
    clearTimeout(tooLate);
    this.#answer = Promise.withResolvers();
    this.#answer.promise.catch(() => {});
    return answer;
  }
}
