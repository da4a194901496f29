import type { RawHttpEvent } from "../ffi/event.ts";
import { addPairs, type Pairs } from "./path-pairs.ts";
import { foldCase, headOf, tailOf } from "./text-ends.ts";

const NOTHING = Buffer.alloc(0);
const COLON = 58;
const ZERO = 48;
const NINE = 57;
/** What stands before the text is looked at, too. */
const ENCODED_AT = 4;

/** One raw HTTP event as filters look at it: what several of them need is worked out once, and only when one asks. */
class HttpSubject {
  event!: RawHttpEvent;
  /**
   * The path as it is reported, never as it was sent: what a redaction hides cannot be found out by asking for it. All of this
   * is of this event once {@link readPath} was called; a length below 0 says that it was not.
   */
  pathBytes: Uint8Array = NOTHING;
  pathAt = 0;
  pathLength = -1;
  pathHead = 0;
  pathTail = 0;
  /** Of the host without `:port`, once {@link readHost} was called. The ends are folded. */
  hostNameLength = -1;
  hostHead = 0;
  hostNameTail = 0;
  /** All of them until {@link readPathPairs} was called. */
  readonly pathPairs: Pairs = { low: -1, high: -1 };
  /** Of a path that is not reported as the kernel wrote it. */
  #encoded = textRoom(256);

  /** Turns to an event; nothing of the last one is left. */
  look(event: RawHttpEvent): void {
    this.event = event;
    this.pathPairs.low = -1;
    this.pathPairs.high = -1;
    this.pathLength = -1;
    this.hostNameLength = -1;
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
      const { bytes, words, targetAt, pathLength } = event;
      this.#setPath(bytes, words, targetAt, pathLength);
      return;
    }
    const { path } = event.path();
    // No character takes more than three bytes for each of its UTF-16 units.
    if (this.#encoded.bytes.length < ENCODED_AT + path.length * 3)
      this.#encoded = textRoom(ENCODED_AT + path.length * 3);
    const { bytes, words } = this.#encoded;
    this.#setPath(bytes, words, ENCODED_AT, bytes.write(path, ENCODED_AT));
  }

  readHost(): void {
    const { words, hostAt } = this.event;
    this.hostNameLength = nameLength(this.event);
    this.hostHead = foldCase(headOf(words, hostAt));
    this.hostNameTail = foldCase(tailOf(words, hostAt + this.hostNameLength));
  }

  #setPath(bytes: Uint8Array, words: Uint32Array, at: number, length: number): void {
    if (this.pathBytes !== bytes) this.pathBytes = bytes;
    this.pathAt = at;
    this.pathLength = length;
    this.pathHead = headOf(words, at);
    this.pathTail = tailOf(words, at + length);
  }
}

/** bytes: at least. */
const textRoom = (length: number): { bytes: Buffer; words: Uint32Array } => {
  const room = new ArrayBuffer((length + 3) & ~3);
  return { bytes: Buffer.from(room), words: new Uint32Array(room) };
};

const nameLength = ({ bytes, words, hostAt, hostLength }: RawHttpEvent): number => {
  // Most ports have four digits.
  const colon = hostLength - 5;
  if (colon > 0 && bytes[hostAt + colon] === COLON && areDigits(tailOf(words, hostAt + hostLength))) return colon;
  let end = hostAt + hostLength - 1;
  while (end > hostAt && (bytes[end] as number) >= ZERO && (bytes[end] as number) <= NINE) end--;
  return bytes[end] === COLON && end > hostAt ? end - hostAt : hostLength;
};

/** All four bytes of a word. */
const areDigits = (word: number): boolean =>
  (((word ^ 0x30303030) | ((word + 0x06060606) ^ 0x30303030)) & 0xf0f0f0f0) === 0;

export { HttpSubject };
