import type { HttpEvent } from "../../../ffi/event.ts";
import type { Child } from "./child.ts";
import type { Network } from "./network.ts";

/** A frame as it came, or what the subscriber's own process has to say: that the connection was closed. */
type Frame =
  | { type: "hello"; version: number; nextSeq: number }
  | { type: "batch"; protocol: string; events: HttpEvent[] }
  | { type: "gap"; dropped: number; fromSeq: number; toSeq: number }
  | { type: "sync"; id: number; missingCpus?: number[] }
  | { type: "error"; message: string }
  | { type: "close"; code: number; reason: string };

/** A WebSocket subscriber, a process of its own, of which every frame is kept. */
export class Subscriber {
  readonly frames: Frame[] = [];
  readonly #process: Child;

  private constructor(network: Network, url: string, query: string) {
    this.#process = network.program("subscriber", [`${url.replace("http", "ws")}/ws${query}`], (line) => {
      this.frames.push(JSON.parse(line) as Frame);
    });
  }

  /** Resolves when the subscription has begun: every later event will come. */
  static async start(network: Network, url: string, query = ""): Promise<Subscriber> {
    const subscriber = new Subscriber(network, url, query);
    await subscriber.until((frame) => frame.type === "hello");
    return subscriber;
  }

  get events(): HttpEvent[] {
    return this.frames.flatMap((frame) => (frame.type === "batch" ? frame.events : []));
  }

  /** By the time of their starts: the order of arrival holds within a CPU only. */
  get eventsByStart(): HttpEvent[] {
    const start = ({ startTimeUnixNano }: HttpEvent) => BigInt(startTimeUnixNano);
    return this.events.sort((a, b) => Number(start(a) - start(b)));
  }

  get gaps(): Frame[] {
    return this.frames.filter(({ type }) => type === "gap");
  }

  /** The first frame that satisfies, waiting for it. */
  async until<F extends Frame>(wanted: (frame: Frame) => frame is F): Promise<F>;
  async until(wanted: (frame: Frame) => boolean): Promise<Frame>;
  async until(wanted: (frame: Frame) => boolean): Promise<Frame> {
    let seen = 0;
    await this.#process.until(() => {
      while (seen < this.frames.length && !wanted(this.frames[seen] as Frame)) seen++;
      return seen < this.frames.length;
    });
    return this.frames[seen] as Frame;
  }

  /** Everything that barrier `id` covers has been received. */
  async synced(id: number): Promise<void> {
    await this.until((frame) => frame.type === "sync" && frame.id >= id);
  }

  /** Its process does nothing any more, as one that hangs. */
  stall(): void {
    this.#process.signal("SIGSTOP");
  }

  async closed(): Promise<{ code: number; reason: string }> {
    return this.until((frame) => frame.type === "close");
  }
}

/** What a subscriber that only counts has counted up to a barrier. */
export interface CounterReport {
  type: "hello" | "sync";
  id?: number;
  /** By server port; `answered` had status 200. */
  ports: Record<number, { events: number; answered: number; outcomes: Record<string, number> }>;
  gaps: unknown[];
  /** Events whose `seq` was not the one after the last. */
  disorder: number;
  lastSeq: number;
}

/** A WebSocket subscriber, a process of its own, that keeps nothing and so hardly slows down who produces. */
export class Counter {
  readonly #reports: CounterReport[] = [];
  readonly #process: Child;

  private constructor(network: Network, url: string) {
    this.#process = network.program("counter", [`${url.replace("http", "ws")}/ws`], (line) => {
      this.#reports.push(JSON.parse(line) as CounterReport);
    });
  }

  static async start(network: Network, url: string): Promise<Counter> {
    const counter = new Counter(network, url);
    await counter.#process.until(() => counter.#reports.length > 0);
    return counter;
  }

  /** Everything that barrier `id` covers. */
  async report(id: number): Promise<CounterReport> {
    const find = () => this.#reports.find((report) => (report.id ?? 0) >= id);
    await this.#process.until(() => find() !== undefined);
    return find() as CounterReport;
  }
}
