/**
 * Raw HTTP events as the records of binary frames: little-endian, each a multiple of 8 bytes.
 *
 *      0  u32  size of the record, with this head
 *      4  u16  cpu
 *      6  u16  bytes of the path template
 *      8  u64  seq
 *     16       `struct http_event` of `bpf/events.h` up to its first text; the hello frame says where its members are
 *              method, traceparent, tracestate, host, user agent and target, in this order and each of the length that a
 *              member says, with zeros up to a multiple of 4, and of 8 behind the last
 *              the path template, with zeros up to a multiple of 8
 *
 * Times are Unix times in nanoseconds, addresses 16 bytes in network order, IPv4 as ::ffff:a.b.c.d.
 * @module
 */

import type { RawHttpEvent } from "../ffi/event.ts";
import type { Writer } from "./writer.ts";

/** Room for the head of a frame, in front of the first record; `format.ts` writes it. */
const FRAME_HEAD_BYTES = 8;
const HEAD_BYTES = 16;
const TWO_TO_32 = 2 ** 32;
const U16_MAX = 0xffff;

/** Appends the event to `out`. */
const writeRecord = (event: RawHttpEvent, out: Writer): void => {
  out.reserve(HEAD_BYTES);
  const start = out.at;
  out.at += HEAD_BYTES;
  event.copyTo(out);
  const template = event.isPathShown ? undefined : event.path().template;
  const templateBytes = template === undefined ? 0 : writeTemplate(template, out);
  const { words } = out;
  const head = start >> 2;
  words[head] = out.at - start;
  words[head + 1] = (event.cpu & U16_MAX) | (templateBytes << 16);
  words[head + 2] = event.seq;
  words[head + 3] = event.seq / TWO_TO_32;
};

/** Returns its bytes, without the zeros. */
const writeTemplate = (template: string, out: Writer): number => {
  const start = out.at;
  out.text(template);
  const length = Math.min(out.at - start, U16_MAX);
  out.at = start + length;
  out.reserve(8);
  const end = start + ((length + 7) & ~7);
  out.bytes.fill(0, out.at, end);
  out.at = end;
  return length;
};

export { FRAME_HEAD_BYTES, writeRecord };
