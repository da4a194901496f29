import type { BatchKeeper } from "./delivery.ts";
import type { Sink, WantedTransactions } from "./event.ts";
import { Reader } from "./reader.ts";
import { objectPath, type ReaderOptions, sharedRingBytes } from "./reader-options.ts";
import { findStreams, StreamCapture } from "./stream-capture.ts";
import { TargetPolicy } from "./target-policy.ts";
import { WallClock } from "./wall-clock.ts";
import { encodeWanted, isCheckable } from "./wanted.ts";

export interface CaptureOptions extends Omit<ReaderOptions, "objectPaths"> {
  /** Of {@link STREAMS}. */
  protocols: readonly string[];
  /** What may be reported of request targets. */
  policy: TargetPolicy;
  history: BatchKeeper;
}

/** From the kernel. */
export class KernelCapture extends StreamCapture {
  readonly #reader: Reader;
  readonly #clock: WallClock;

  /** Loads the programs. @throws CaptureError when a protocol is unknown, or the kernel or this process may not */
  constructor(
    { protocols = ["http"], policy = new TargetPolicy(), history, ...options }: Partial<CaptureOptions>,
    sinks: readonly Sink[],
  ) {
    const streams = findStreams(protocols);
    const reader = new Reader({
      sharedRingBytes: sharedRingBytes(options.pathMax),
      ...options,
      objectPaths: protocols.map((name) => objectPath(name, options.pathMax)),
    });
    const clock = new WallClock();
    super({ reader, streams, clock: () => clock.offset, policy, sinks, history });
    this.#reader = reader;
    this.#clock = clock;
  }

  override async start(): Promise<void> {
    this.#clock.start();
    await super.start();
  }

  /** Leaves out the connections that this process accepts on a TCP port. */
  setListenPort(port: number): void {
    this.#reader.setListenPort(port);
  }

  override setWanted(wanted: WantedTransactions | undefined): boolean {
    const checkable = wanted === undefined || isCheckable(wanted);
    return this.#reader.setWanted(wanted === undefined || !checkable ? undefined : encodeWanted(wanted)) && checkable;
  }

  override close(): void {
    this.#clock.stop();
    super.close();
  }
}
