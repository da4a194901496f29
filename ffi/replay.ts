import { clockOffset } from "./clock.ts";
import type { BatchKeeper } from "./delivery.ts";
import type { CaptureStats, Sink } from "./event.ts";
import { Reader } from "./reader.ts";
import type { ReaderOptions } from "./reader-options.ts";
import { type ReplayOptions, ReplaySource, type ReplayStatus } from "./replay-source.ts";
import { findStreams, StreamCapture } from "./stream-capture.ts";
import { TargetPolicy } from "./target-policy.ts";

export type { ReplayStatus };

export interface ReplayCaptureOptions
  extends ReplayOptions,
    Partial<
      Pick<ReaderOptions, "sharedRingBytes" | "connectionsMax" | "idleTimeoutMillis" | "captureQuery" | "pathMax">
    > {
  /** What may be reported of request targets. */
  policy?: TargetPolicy;
  history?: BatchKeeper;
}

/** A packet's time is the wall clock's already. */
const CAPTURE_CLOCK = clockOffset(0n);
/** More would only be memory: whoever fills it waits. */
const SHARED_RING_BYTES = 1024 * 1024;

/**
 * From a capture file, through the same programs as from the kernel. It waits for its sinks, so that nothing is lost,
 * unless it loops: then it is played as if it happened now.
 */
export class ReplayCapture extends StreamCapture {
  readonly #reader: Reader;
  readonly #source: ReplaySource;

  /** Opens the file. @throws CaptureError naming the file, what was expected and what was found */
  constructor(
    { path, speed, loop, policy = new TargetPolicy(), history, ...options }: ReplayCaptureOptions,
    sinks: readonly Sink[],
  ) {
    const source = new ReplaySource({ path, speed, loop });
    const reader = new Reader({ sharedRingBytes: SHARED_RING_BYTES, ...options }, source);
    super({
      reader,
      streams: findStreams(["http"]),
      clock: () => CAPTURE_CLOCK,
      policy,
      sinks,
      history,
      patient: !loop,
    });
    this.#reader = reader;
    this.#source = source;
  }

  /** Lets the replay begin; call it after `start`. A second call does nothing. */
  play(): void {
    this.#source.play();
  }

  /** Resolves when all that the capture holds has been handed to the sinks. Never, when it loops. */
  get ended(): Promise<void> {
    return this.#reader.ended;
  }

  /** With what has been read of the file among the reader's counters. */
  override stats(): CaptureStats {
    const stats = super.stats();
    const { packets, cutPackets, unknownPackets, bytes } = this.status();
    Object.assign(stats.reader, {
      replay_packets: packets,
      replay_packets_cut: cutPackets,
      replay_packets_unknown: unknownPackets,
      replay_bytes: bytes,
    });
    return stats;
  }

  /** What has been read so far. */
  status(): ReplayStatus {
    return this.#source.status();
  }
}
