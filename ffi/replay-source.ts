import { replay_options as Options, replay_status as Status } from "./layout.generated.ts";
import type { ReaderSource } from "./reader.ts";
import { PATH_MAX_DEFAULT, type ReaderOptions } from "./reader-options.ts";
import { cstring, longReplaySymbols, type Pointer, replaySymbols, toArrayBuffer } from "./symbols.ts";

/** What has been read of a capture; `replay.h` says more. */
export interface ReplayStatus {
  state: "reading" | "ended" | "broken";
  /** Why the capture was not read to its end; empty when it was, or has not been yet. */
  message: string;
  packets: number;
  /** Of which bytes are missing. */
  cutPackets: number;
  /** Of a link type that is not known; passed over. */
  unknownPackets: number;
  unknownLinkType: number;
  bytes: number;
  /** When the first packet was captured, and the last one so far: nanoseconds since the Unix epoch. */
  firstNs: bigint;
  lastNs: bigint;
}

export interface ReplayOptions {
  /** Of the capture file; `-` is standard input. */
  path: string;
  /** 1: as captured; 2: in half the time; 0: as fast as the sinks take it. */
  speed: number;
  /** Begins again at the end, with present times. */
  loop: boolean;
}

const STATES = ["reading", "ended", "broken"] as const;

/** A reader's batches from a capture file. */
export class ReplaySource implements ReaderSource {
  readonly #options: ReplayOptions;
  #symbols: ReturnType<typeof replaySymbols> | undefined;
  #handle: Pointer | undefined;
  /** As it was when the reader was closed. */
  #last: ReplayStatus | undefined;

  constructor(options: ReplayOptions) {
    this.#options = options;
  }

  symbols({ pathMax }: ReaderOptions): ReturnType<typeof replaySymbols> {
    this.#symbols = pathMax > PATH_MAX_DEFAULT ? longReplaySymbols() : replaySymbols();
    return this.#symbols;
  }

  open(_options: ReaderOptions, encoded: Buffer, error: Buffer): Pointer | null {
    const { path, speed, loop } = this.#options;
    const options = Buffer.alloc(Options.SIZE);
    options.writeDoubleLE(speed, Options.speed);
    options.writeUInt32LE(loop ? 1 : 0, Options.loop);
    const handle = this.#symbols?.replay_open(cstring(path), encoded, options, error, error.length) as Pointer | null;
    this.#handle = handle ?? undefined;
    return handle;
  }

  /** Lets the replay begin. */
  play(): void {
    if (this.#handle !== undefined) this.#symbols?.replay_play(this.#handle);
  }

  status(): ReplayStatus {
    if (this.#handle === undefined) {
      if (this.#last === undefined) throw new TypeError("a replay has no status before it is opened");
      return this.#last;
    }
    // A copy: the memory goes with the reader.
    return decodeStatus(Buffer.from(this.#memory(this.#handle)));
  }

  release(): void {
    this.#last = this.status();
    this.#handle = undefined;
  }

  #memory(handle: Pointer): Uint8Array {
    const at = this.#symbols?.replay_status(handle);
    return new Uint8Array(toArrayBuffer(at as Pointer, 0, Status.SIZE));
  }
}

function decodeStatus(bytes: Buffer): ReplayStatus {
  const count = (offset: number) => Number(bytes.readBigUInt64LE(offset));
  const message = bytes.subarray(Status.message);
  return {
    state: STATES[bytes.readUInt32LE(Status.state)] ?? "broken",
    message: message.toString("utf8", 0, message.indexOf(0)),
    packets: count(Status.packets),
    cutPackets: count(Status.packets_cut),
    unknownPackets: count(Status.packets_unknown),
    unknownLinkType: bytes.readUInt32LE(Status.unknown_link_type),
    bytes: count(Status.bytes),
    firstNs: bytes.readBigUInt64LE(Status.first_ns),
    lastNs: bytes.readBigUInt64LE(Status.last_ns),
  };
}
