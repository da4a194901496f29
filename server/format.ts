/**
 * The forms that frames have on the wire. A new one is an object of {@link Format}.
 * @module
 */

import type { Chunk, Selection } from "./chunk.ts";
import type { Message, Payload } from "./frame.ts";
import { FRAME_HEAD_BYTES } from "./record.ts";

interface Format {
  /** Subscribers whose formats have the same name share their frames. */
  readonly name: string;
  /** What its frames of raw events are cut from. */
  readonly form: "json" | "records";
  /** The selected events, at least one. Bytes may be those of the chunk, which are gone with its events. */
  frame(chunk: Chunk, selection: Selection): Payload;
  control(message: Message): Payload;
}

const BINARY_VERSION = 1;
/** `enum protocol` of `bpf/events.h`. */
const BINARY_HTTP = 1;

/** One JSON object a frame: `{"type":"batch","protocol":"http","events":[…]}`. */
const jsonFormat: Format = {
  name: "json",
  form: "json",
  frame({ protocol, json }, selection) {
    const runs: string[] = [];
    json.forRuns(selection, (start, end) => runs.push(json.out.read(start, end)));
    return `{"type":"batch","protocol":"${protocol}","events":[${runs.join(",")}]}`;
  },
  control: (message) => JSON.stringify(message),
};

/**
 * HTTP events as records, all else as JSON. Little-endian:
 *
 *     0  u8   version of this layout
 *     1  u8   protocol: 1, HTTP
 *     2  u16  where the first record begins
 *     4  u32  number of records
 */
const binaryFormat: Format = {
  name: "binary",
  form: "records",
  frame(chunk, selection) {
    if (chunk.isDecoded) return jsonFormat.frame(chunk, selection);
    const { records } = chunk;
    const frame =
      selection.count === chunk.length ? records.out.bytes.subarray(0, records.out.at) : cut(chunk, selection);
    frame[0] = BINARY_VERSION;
    frame[1] = BINARY_HTTP;
    frame.writeUInt16LE(FRAME_HEAD_BYTES, 2);
    frame.writeUInt32LE(selection.count, 4);
    return frame;
  },
  control: jsonFormat.control,
};

/** With room for the head. */
const cut = ({ records }: Chunk, selection: Selection): Buffer => {
  const frame = Buffer.allocUnsafeSlow(FRAME_HEAD_BYTES + records.bytesOf(selection));
  let at = FRAME_HEAD_BYTES;
  records.forRuns(selection, (start, end) => {
    at += records.out.bytes.copy(frame, at, start, end);
  });
  return frame;
};

export type { Format };
export { binaryFormat, jsonFormat };
