/**
 * `url.path`, `url.query` and `url.full` of events whose target is in origin form, from the kernel's bytes where these may be
 * reported as they are and are text, which is nearly always.
 * @module
 */
import type { RawHttpEvent, ReportedPath } from "../ffi/event.ts";
import type { ByteWriter } from "./byte-writer.ts";
import { TextAttribute } from "./field-encoding.ts";
import * as semconv from "./semconv.ts";

const PATH = new TextAttribute(semconv.ATTR_URL_PATH);
const QUERY = new TextAttribute(semconv.ATTR_URL_QUERY);
const FULL = new TextAttribute(semconv.ATTR_URL_FULL);

/** What the path takes besides its bytes; with a word, since it is copied by words. */
const URL_BYTES_MAX = FULL.bytesMax + 4;

const NON_ASCII = 0x8080_8080;

/** reported: what a policy left of the path; undefined: it is shown as it is. There is room for {@link URL_BYTES_MAX} and the path. */
function writePathAndQuery(event: RawHttpEvent, reported: ReportedPath | undefined, out: ByteWriter): void {
  if (reported !== undefined || !copyPath(event, out)) PATH.write(out, (reported ?? event.path()).path);
  const query = queryOf(event);
  if (query) QUERY.write(out, query);
}

/** beginning: scheme and authority, for which there is room, too. */
function writeUrl(
  event: RawHttpEvent,
  reported: ReportedPath | undefined,
  beginning: Uint8Array,
  out: ByteWriter,
): void {
  const query = queryOf(event);
  const before = out.at;
  if (reported === undefined && !query) {
    FULL.begin(out, beginning.length + event.pathLength);
    out.put(beginning);
    if (copyAscii(event.words, event.targetAt, event.pathLength, out)) return;
    out.at = before;
  }
  const { path } = reported ?? event.path();
  const rest = query ? `${path}?${query}` : path;
  const length = beginning.length + Buffer.byteLength(rest);
  out.reserve(FULL.bytesMax + length);
  FULL.begin(out, length);
  out.put(beginning);
  out.text(rest);
}

function queryOf(event: RawHttpEvent): string | undefined {
  return event.targetLength > event.pathLength ? event.query() : undefined;
}

/** False, and nothing is written, when the path is not ASCII. */
function copyPath(event: RawHttpEvent, out: ByteWriter): boolean {
  const before = out.at;
  PATH.begin(out, event.pathLength);
  if (copyAscii(event.words, event.targetAt, event.pathLength, out)) return true;
  out.at = before;
  return false;
}

/**
 * Copies a text that lies at a multiple of 4, into room that is there for all of its words. False: some byte of them is not
 * ASCII, and nothing counts as written.
 */
function copyAscii(words: Uint32Array, from: number, length: number, out: ByteWriter): boolean {
  const first = from >> 2;
  const count = (length + 3) >> 2;
  const { view, at } = out;
  let bits = 0;
  for (let i = 0; i < count; i++) {
    const word = words[first + i] as number;
    bits |= word;
    view.setUint32(at + (i << 2), word, true);
  }
  out.at = at + length;
  return (bits & NON_ASCII) === 0;
}

export { URL_BYTES_MAX, writePathAndQuery, writeUrl };
