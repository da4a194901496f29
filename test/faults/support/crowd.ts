import { expect } from "bun:test";
import type { Child } from "../../e2e/support/child.ts";
import { ownProgram } from "./own.ts";
import type { CrowdReport } from "./programs/crowd.ts";

/** Runs a program and hears each of its lines. */
type Start = (argv: string[], onLine: (line: string) => void) => Child;

/** 500 subscribers, each with another filter, of which 50 read nothing and 50 come and go, and one that records all. */
export class Crowd {
  readonly #process: Child;
  readonly #said: string[] = [];

  private constructor(start: Start, url: string) {
    this.#process = start([process.execPath, ownProgram("crowd"), url], (line) => this.#said.push(line));
  }

  /** Resolves when all are greeted. */
  static async gather(start: Start, url: string): Promise<Crowd> {
    const crowd = new Crowd(start, url);
    await crowd.#process.until(() => crowd.#said.includes("ready"));
    return crowd;
  }

  /** Nobody breaks off any more, and everybody reads. */
  async stop(): Promise<void> {
    this.#process.say("stop");
    await this.#process.until(() => this.#said.includes("stopped"));
  }

  /** What they have seen up to a barrier that was announced. */
  async report(barrier: number): Promise<CrowdReport> {
    this.#process.say(`settle ${barrier}`);
    const find = () => this.#said.find((line) => line.startsWith("{"));
    await this.#process.until(() => find() !== undefined);
    return JSON.parse(find() as string) as CrowdReport;
  }
}

/**
 * Each saw exactly what its filter selects, but for what it was told is missing; and there was enough of both.
 * @param delivered events, by the service's word
 * @param numbered those of them that whoever made them has numbered
 */
export function expectAllToldAll(report: CrowdReport, delivered: number, numbered: number): void {
  expect(report.faults).toEqual([]);
  expect(report.subscribers).toBe(501);
  expect(report.events).toBe(delivered);
  expect(report.numbered).toBe(numbered);
  expect(report.announcedToStalled).toBeGreaterThan(10_000);
  expect(report.reconnects).toBeGreaterThan(100);
  expect(report.resumed).toBeGreaterThan(100);
}
