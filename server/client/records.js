/** @import { HttpEvent, HttpOutcome } from "./index.d.ts" */

/** `enum http_outcome`, `enum http_flags` and `version` of `bpf/events.h`. */
export const OUTCOMES = /** @type {const} */ (["complete", "closed", "reset", "superseded", "timeout", "upgraded"]);
export const PATH_TRUNCATED = 1;
const VERSION_1_0 = 1;

/** Of `server/format.ts` and `server/record.ts`. */
const FRAME_VERSION = 1;
const RECORD_HEAD_BYTES = 16;
const QUESTION_MARK_BYTES = 1;

const decoder = new TextDecoder();

/**
 * The events of a binary frame, as JSON would have given them.
 *
 * @param {ArrayBuffer} frame
 * @param {Record<string, number>} layout of the hello frame
 * @returns {HttpEvent[]}
 */
export const readRecords = (frame, layout) => {
  const view = new DataView(frame);
  if (view.getUint8(0) !== FRAME_VERSION) throw new Error(`a frame of version ${view.getUint8(0)} is not known here`);
  /** @type {HttpEvent[]} */
  const events = [];
  for (let at = view.getUint16(2, true); at < frame.byteLength; at += view.getUint32(at, true))
    events.push(readRecord(view, at, layout));
  return events;
};

/** @param {DataView} view @param {number} start @param {Record<string, any>} at @returns {HttpEvent} */
const readRecord = (view, start, at) => {
  const from = start + RECORD_HEAD_BYTES;
  const u8 = (/** @type {number} */ member) => view.getUint8(from + member);
  const u16 = (/** @type {number} */ member) => view.getUint16(from + member, true);
  const u32 = (/** @type {number} */ member) => view.getUint32(from + member, true);
  const u64 = (/** @type {number} */ member) => view.getBigUint64(from + member, true);
  let next = from + at.method;
  const text = (/** @type {number} */ length) => {
    const value = decoder.decode(new Uint8Array(view.buffer, next, length));
    next += (length + 3) & ~3;
    return value;
  };
  const [method, traceparent, tracestate, host, userAgent] = [
    text(u8(at.method_len)),
    text(u8(at.traceparent_len)),
    text(u8(at.tracestate_len)),
    text(u8(at.host_len)),
    text(u8(at.user_agent_len)),
  ];
  const targetAt = next;
  const slice = (/** @type {number} */ begin, /** @type {number} */ length) =>
    decoder.decode(new Uint8Array(view.buffer, begin, length));
  const [pathLength, targetLength] = [u16(at.path_len), u16(at.target_len)];
  const templateLength = view.getUint16(start + 6, true);
  const templateAt = start + ((targetAt + targetLength - start + 7) & ~7);
  const endpoint = (/** @type {number} */ address, /** @type {number} */ port) => ({
    address: formatAddress(view, from + address),
    port: u16(port),
  });
  const [startNano, firstByteNano] = [u64(at.start_ns), u64(at.first_byte_ns)];
  return {
    protocol: "http",
    seq: Number(view.getBigUint64(start + 8, true)),
    cpu: view.getUint16(start + 4, true),
    startTimeUnixNano: String(startNano),
    durationNano: Number(u64(at.end_ns) - startNano),
    client: endpoint(at.client_address, at.client_port),
    server: endpoint(at.server_address, at.server_port),
    method,
    path: slice(targetAt, pathLength),
    pathTruncated: (u8(at.flags) & PATH_TRUNCATED) !== 0,
    requestHeaderBytes: u32(at.request_header_bytes),
    requestBodyBytes: Number(u64(at.request_body_bytes)),
    status: u16(at.status),
    version: u8(at.version) === VERSION_1_0 ? "1.0" : "1.1",
    outcome: /** @type {HttpOutcome} */ (OUTCOMES[u8(at.outcome)] ?? "complete"),
    ...(firstByteNano > 0n && {
      timeToFirstByteNano: Number(firstByteNano - startNano),
      responseHeaderBytes: u32(at.response_header_bytes),
      responseBodyBytes: Number(u64(at.response_body_bytes)),
    }),
    ...((u64(at.answered_address) | u64(at.answered_address + 8)) !== 0n && {
      answeredBy: endpoint(at.answered_address, at.answered_port),
    }),
    ...(templateLength > 0 && { template: slice(templateAt, templateLength) }),
    ...(targetLength > pathLength && {
      query: slice(targetAt + pathLength + QUESTION_MARK_BYTES, targetLength - pathLength - QUESTION_MARK_BYTES),
    }),
    ...(host !== "" && { host }),
    ...(userAgent !== "" && { userAgent }),
    ...(traceparent !== "" && { traceparent }),
    ...(tracestate !== "" && { tracestate }),
  };
};

/** 16 bytes; IPv6 as RFC 5952 has it. @param {DataView} view @param {number} at */
const formatAddress = (view, at) => {
  const groups = Array.from({ length: 8 }, (_, index) => view.getUint16(at + index * 2));
  if (groups[5] === 0xffff && groups.slice(0, 5).every((group) => group === 0))
    return Array.from({ length: 4 }, (_, index) => view.getUint8(at + 12 + index)).join(".");
  const { begin, length } = longestZeros(groups);
  const text = (/** @type {number[]} */ some) => some.map((group) => group.toString(16)).join(":");
  if (length < 2) return text(groups);
  return `${text(groups.slice(0, begin))}::${text(groups.slice(begin + length))}`;
};

/** The first of the longest. @param {number[]} groups */
const longestZeros = (groups) => {
  let longest = { begin: 0, length: 0 };
  for (let begin = 0; begin < groups.length; begin++) {
    let length = 0;
    while (groups[begin + length] === 0) length++;
    if (length > longest.length) longest = { begin, length };
  }
  return longest;
};
