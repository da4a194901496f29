import { RawBatch, ringMemory } from "../../../ffi/batch.ts";
import {
  batch as Batch,
  http_event as Http,
  http_flags,
  http_outcome,
  tcp_event as Tcp,
} from "../../../ffi/layout.generated.ts";
import { http, tcp } from "../../../ffi/protocol.ts";

/** Where the batch lies in the memory made here: not at its start, so that an offset left out shows. */
const BATCH_AT = 64;

/** A string is written as UTF-8; bytes may be none. */
export type Text = string | Uint8Array;

export interface HttpFields {
  startNs?: bigint;
  firstByteNs?: bigint;
  endNs?: bigint;
  requestHeaderBytes?: number;
  requestBodyBytes?: bigint;
  responseHeaderBytes?: number;
  responseBodyBytes?: bigint;
  client?: Uint8Array;
  server?: Uint8Array;
  answered?: Uint8Array;
  clientPort?: number;
  serverPort?: number;
  answeredPort?: number;
  status?: number;
  version?: number;
  outcome?: number;
  truncated?: boolean;
  method?: Text;
  target?: Text;
  /** Bytes of target up to `?`; by default all. */
  pathLength?: number;
  host?: Text;
  userAgent?: Text;
  traceparent?: Text;
  tracestate?: Text;
}

export const OUTCOME = http_outcome;

/** Sixteen bytes of an address as the kernel writes them; IPv4 from its four numbers. */
export function ipv4(...numbers: [number, number, number, number]): Uint8Array {
  return Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...numbers]);
}

/** From eight groups. */
export function ipv6(...groups: number[]): Uint8Array {
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** A batch of HTTP events, each written field by field at the offsets of the generated layout. */
export function httpBatch(events: HttpFields[], { idx = 0n, cpu = 0, eventSize = Http.SIZE as number } = {}): RawBatch {
  return makeBatch({ idx, cpu, protocol: http.number, count: events.length, eventSize }, (view, bytes, at, index) => {
    const event = events[index] as HttpFields;
    const text = (field: number, lengthField: number, value: Text = "") => {
      const encoded = encodedText(value);
      bytes.set(encoded, at + field);
      view.setUint8(at + lengthField, encoded.length);
    };
    view.setBigUint64(at + Http.start_ns, event.startNs ?? 0n, true);
    view.setBigUint64(at + Http.end_ns, event.endNs ?? 0n, true);
    view.setBigUint64(at + Http.first_byte_ns, event.firstByteNs ?? 0n, true);
    view.setUint32(at + Http.request_header_bytes, event.requestHeaderBytes ?? 0, true);
    view.setBigUint64(at + Http.request_body_bytes, event.requestBodyBytes ?? 0n, true);
    view.setUint32(at + Http.response_header_bytes, event.responseHeaderBytes ?? 0, true);
    view.setBigUint64(at + Http.response_body_bytes, event.responseBodyBytes ?? 0n, true);
    bytes.set(event.answered ?? new Uint8Array(16), at + Http.answered_address);
    view.setUint16(at + Http.answered_port, event.answeredPort ?? 0, true);
    bytes.set(event.client ?? ipv4(127, 0, 0, 1), at + Http.client_address);
    bytes.set(event.server ?? ipv4(127, 0, 0, 1), at + Http.server_address);
    view.setUint16(at + Http.client_port, event.clientPort ?? 0, true);
    view.setUint16(at + Http.server_port, event.serverPort ?? 0, true);
    view.setUint16(at + Http.status, event.status ?? 0, true);
    view.setUint8(at + Http.version, event.version ?? 2);
    view.setUint8(at + Http.outcome, event.outcome ?? 0);
    view.setUint8(at + Http.flags, event.truncated ? http_flags.HTTP_PATH_TRUNCATED : 0);
    text(Http.method, Http.method_len, event.method);
    const target = encodedText(event.target ?? "");
    bytes.set(target, at + Http.target);
    view.setUint16(at + Http.target_len, target.length, true);
    text(Http.host, Http.host_len, event.host);
    text(Http.user_agent, Http.user_agent_len, event.userAgent);
    text(Http.traceparent, Http.traceparent_len, event.traceparent);
    text(Http.tracestate, Http.tracestate_len, event.tracestate);
    view.setUint16(at + Http.path_len, event.pathLength ?? target.length, true);
  });
}

const encodedText = (text: Text): Uint8Array => (typeof text === "string" ? Buffer.from(text) : text);

export interface TcpFields {
  startNs: bigint;
  endNs: bigint;
  bytesSent: bigint;
  bytesReceived: bigint;
  local: Uint8Array;
  remote: Uint8Array;
  localPort: number;
  remotePort: number;
  retransmits: number;
  role: number;
  outcome: number;
}

export function tcpBatch(event: TcpFields, cpu = 0): RawBatch {
  return makeBatch({ idx: 0n, cpu, protocol: tcp.number, count: 1, eventSize: Tcp.SIZE }, (view, bytes, at) => {
    view.setBigUint64(at + Tcp.start_ns, event.startNs, true);
    view.setBigUint64(at + Tcp.end_ns, event.endNs, true);
    view.setBigUint64(at + Tcp.bytes_sent, event.bytesSent, true);
    view.setBigUint64(at + Tcp.bytes_received, event.bytesReceived, true);
    bytes.set(event.local, at + Tcp.local_address);
    bytes.set(event.remote, at + Tcp.remote_address);
    view.setUint16(at + Tcp.local_port, event.localPort, true);
    view.setUint16(at + Tcp.remote_port, event.remotePort, true);
    view.setUint32(at + Tcp.retransmits, event.retransmits, true);
    view.setUint8(at + Tcp.role, event.role);
    view.setUint8(at + Tcp.outcome, event.outcome);
  });
}

interface BatchHead {
  idx: bigint;
  cpu: number;
  protocol: number;
  count: number;
  eventSize: number;
}

function makeBatch(
  { idx, cpu, protocol, count, eventSize }: BatchHead,
  write: (view: DataView, bytes: Uint8Array, at: number, index: number) => void,
): RawBatch {
  const memory = new ArrayBuffer(BATCH_AT + Batch.SIZE + count * Math.max(eventSize, Http.SIZE));
  const view = new DataView(memory);
  view.setBigUint64(BATCH_AT + Batch.idx, idx, true);
  view.setUint32(BATCH_AT + Batch.cpu, cpu, true);
  view.setUint16(BATCH_AT + Batch.protocol, protocol, true);
  view.setUint16(BATCH_AT + Batch.len, count, true);
  view.setUint16(BATCH_AT + Batch.event_size, eventSize, true);
  const bytes = new Uint8Array(memory);
  for (let index = 0; index < count; index++) write(view, bytes, BATCH_AT + Batch.SIZE + index * eventSize, index);
  return new RawBatch(ringMemory(memory), BATCH_AT);
}
