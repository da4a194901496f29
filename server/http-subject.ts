import type { RawHttpEvent } from "../ffi/event.ts";
import { addPairs, type Pairs } from "./path-pairs.ts";

const NOTHING = Buffer.alloc(0);
const COLON = 58;
const ZERO = 48;
const NINE = 57;

/** One raw HTTP event as filters look at it: what several of them need is worked out once, and only when one asks. */
class HttpSubject {
  event!: RawHttpEvent;
  /**
   * The path as it is reported, never as it was sent: what a redaction hides cannot be found out by asking for it. All three
   * and its head are of this event once {@link readPath} was called; a length below 0 says that it was not.
   */
  pathBytes: Uint8Array = NOTHING;
  pathAt = 0;
  pathLength = -1;
  /** Its first four bytes, the first the lowest; zeros behind a path that is shorter. */
  pathHead = 0;
  /** All of them until {@link readPathPairs} was called. */
  readonly pathPairs: Pairs = { low: -1, high: -1 };
  #hostNameLength = -1;
  /** Of a path that is not reported as the kernel wrote it. */
  #encoded = Buffer.alloc(256);

  /** Turns to an event; nothing of the last one is left. */
  look(event: RawHttpEvent): void {
    this.event = event;
    this.pathPairs.low = -1;
    this.pathPairs.high = -1;
    this.pathLength = -1;
    this.#hostNameLength = -1;
  }

  /** Of the host without `:port`. */
  get hostNameLength(): number {
    if (this.#hostNameLength < 0) this.#hostNameLength = nameLength(this.event);
    return this.#hostNameLength;
  }

  /** Worth it when many filters are to look at the path. */
  readPathPairs(): void {
    if (this.pathLength < 0) this.readPath();
    this.pathPairs.low = 0;
    this.pathPairs.high = 0;
    addPairs(this.pathPairs, this.pathBytes, this.pathAt, this.pathLength);
  }

  readPath(): void {
    const { event } = this;
    if (event.isPathShown) {
      this.pathBytes = event.bytes;
      this.pathAt = event.targetAt;
      this.pathLength = event.pathLength;
      this.pathHead = firstBytes(event.words[event.targetAt >> 2] as number, event.pathLength);
      return;
    }
    const { path } = event.path();
    // No character takes more than three bytes for each of its UTF-16 units.
    if (this.#encoded.length < path.length * 3) this.#encoded = Buffer.alloc(path.length * 3);
    this.pathBytes = this.#encoded;
    this.pathAt = 0;
    this.pathLength = this.#encoded.write(path);
    this.pathHead = firstBytes(this.#encoded.readUInt32LE(), this.pathLength);
  }
}

const nameLength = ({ bytes, hostAt, hostLength }: RawHttpEvent): number => {
  let end = hostAt + hostLength - 1;
  while (end > hostAt && (bytes[end] as number) >= ZERO && (bytes[end] as number) <= NINE) end--;
  return bytes[end] === COLON && end > hostAt ? end - hostAt : hostLength;
};

const firstBytes = (word: number, length: number): number => (length >= 4 ? word : word & ((1 << (length * 8)) - 1));

export { HttpSubject };
