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
  /** The selected events, at least one. The bytes are gone with the events, or with the next frame. */
  frame(chunk: Chunk, selection: Selection): Frame;
  control(message: Message): Payload;
}

interface Frame {
  readonly bytes: Buffer;
  /** Of a text. */
  readonly encoding?: "latin1" | "utf8" | undefined;
}

/** What a transport is given: a text as a string, the bytes of another as they are. */
const payloadOf = ({ bytes, encoding }: Frame): Payload => (encoding === undefined ? bytes : bytes.toString(encoding));

const BINARY_VERSION = 1;
/** `enum protocol` of `bpf/events.h`. */
const BINARY_HTTP = 1;

const TAIL = Buffer.from("]}");
const NOTHING = Buffer.alloc(0);
const heads = new Map<string, Buffer>();

const headOf = (protocol: string): Buffer => {
  let head = heads.get(protocol);
  if (head === undefined) {
    head = Buffer.from(`{"type":"batch","protocol":"${protocol}","events":[`);
    heads.set(protocol, head);
  }
  return head;
};

/** One JSON object a frame: `{"type":"batch","protocol":"http","events":[…]}`. */
const jsonFormat: Format = {
  name: "json",
  form: "json",
  frame(chunk, selection) {
    const { json, protocol } = chunk;
    return { bytes: json.framed(selection, headOf(protocol), TAIL), encoding: json.out.isAscii ? "latin1" : "utf8" };
  },
  control: (message) => JSON.stringify(message),
};

const recordHead = Buffer.alloc(FRAME_HEAD_BYTES);
recordHead[0] = BINARY_VERSION;
recordHead[1] = BINARY_HTTP;
recordHead.writeUInt16LE(FRAME_HEAD_BYTES, 2);

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
    recordHead.writeUInt32LE(selection.count, 4);
    return { bytes: chunk.records.framed(selection, recordHead, NOTHING) };
  },
  control: jsonFormat.control,
};

export type { Format, Frame };
export { binaryFormat, jsonFormat, payloadOf };
