import type { RawHttpEvent, RecordOutput } from "./event.ts";
import { http_event as Event, http_flags, text_limits } from "./layout.generated.ts";

/** All members before the first text. */
const HEAD_BYTES = Event.method;
/** Where they are in the struct, and their lengths; in a record they follow the head in this order, the target behind them. */
const TEXTS = [
  { at: Event.method, length: Event.method_len },
  { at: Event.traceparent, length: Event.traceparent_len },
  { at: Event.tracestate, length: Event.tracestate_len },
  { at: Event.host, length: Event.host_len },
  { at: Event.user_agent, length: Event.user_agent_len },
] as const;
const TEXTS_MAX = Event.target - Event.method;
const COMMA = 44;
const TWO_TO_32 = 2 ** 32;
/** Of UTF-8, for each of a string's UTF-16 units. */
const BYTES_PER_UNIT_MAX = 3;
/** What the members that hold lengths can say. Only what redactions make longer comes near. */
const TARGET_BYTES_MAX = 0xffff;

/** at: where the event begins in its memory. See {@link RawHttpEvent.copyTo}. */
export function copyHttpRecord(event: RawHttpEvent, at: number, out: RecordOutput): void {
  const { words, bytes } = event;
  out.reserve(HEAD_BYTES + TEXTS_MAX + event.targetLength + 8);
  const from = at >> 2;
  const to = out.at >> 2;
  const copy = out.words;
  for (let word = 0; word < HEAD_BYTES >> 2; word++) copy[to + word] = words[from + word] as number;
  copyTimes(event, words, from, copy, to);
  let next = to + (HEAD_BYTES >> 2);
  for (let index = 0; index < TEXTS.length; index++) {
    const text = TEXTS[index] as (typeof TEXTS)[number];
    const length = bytes[at + text.length] as number;
    if (text.at !== Event.tracestate || length < text_limits.HTTP_TRACESTATE_MAX)
      next = copyWords(words, (at + text.at) >> 2, copy, next, length);
    else next = copyCutList(event, at, next, out);
  }
  if (event.isPathShown && event.targetLength === event.pathLength) {
    next = copyWords(words, event.targetAt >> 2, copy, next, event.targetLength);
    // A multiple of 8.
    if ((next & 1) !== 0) copy[next++] = 0;
    out.at = next << 2;
  } else copyTarget(event, next << 2, out);
}

function copyTimes(event: RawHttpEvent, words: Uint32Array, from: number, copy: Uint32Array, to: number): void {
  const start = Event.start_ns >> 2;
  const end = Event.end_ns >> 2;
  const first = Event.first_byte_ns >> 2;
  copy[to + start] = event.startLow;
  copy[to + start + 1] = event.startHigh;
  copy[to + end] = event.endLow;
  copy[to + end + 1] = event.endHigh;
  if (((words[from + first] as number) | (words[from + first + 1] as number)) === 0) return;
  const differenceLow = (words[from + first] as number) - (words[from + start] as number);
  const differenceHigh = (words[from + first + 1] as number) - (words[from + start + 1] as number);
  const sum = event.startLow + differenceLow;
  copy[to + first] = sum;
  copy[to + first + 1] = event.startHigh + differenceHigh + Math.floor(sum / TWO_TO_32);
}

/** The zeros behind a text come with it. Returns the word behind it. */
function copyWords(words: Uint32Array, from: number, copy: Uint32Array, to: number, length: number): number {
  const count = (length + 3) >> 2;
  for (let word = 0; word < count; word++) copy[to + word] = words[from + word] as number;
  return to + count;
}

/** Of a tracestate that was cut, what stands before its last comma. Returns the word behind it. */
function copyCutList({ words, bytes }: RawHttpEvent, at: number, to: number, out: RecordOutput): number {
  let length = text_limits.HTTP_TRACESTATE_MAX - 1;
  while (length > 0 && bytes[at + Event.tracestate + length] !== COMMA) length--;
  out.bytes[out.at + Event.tracestate_len] = length;
  const next = copyWords(words, (at + Event.tracestate) >> 2, out.words, to, length);
  out.bytes.fill(0, (to << 2) + length, next << 2);
  return next;
}

/** start: where the target goes. The head before it has been copied. */
function copyTarget(event: RawHttpEvent, start: number, out: RecordOutput): void {
  const { path } = event.path();
  const query = event.query();
  const target = query === undefined ? path : `${path}?${query}`;
  const head = out.at;
  const limit = Math.min(target.length * BYTES_PER_UNIT_MAX, TARGET_BYTES_MAX);
  out.reserve(start - head + limit + 8);
  const { bytes } = out;
  const targetLength = bytes.write(target, start, limit);
  const pathLength = Math.min(Buffer.byteLength(path), targetLength);
  bytes.writeUInt16LE(pathLength, head + Event.path_len);
  bytes.writeUInt16LE(targetLength, head + Event.target_len);
  if (pathLength < Buffer.byteLength(path)) bytes[head + Event.flags] = event.flags | http_flags.HTTP_PATH_TRUNCATED;
  const end = start + targetLength;
  out.at = (end + 7) & ~7;
  bytes.fill(0, end, out.at);
}
