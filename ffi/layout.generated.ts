// Generated from BTF by ffi/generate-layout.ts; do not edit. Source: bpf/events.h, ffi/reader.h.
// A struct is { SIZE, member: byte offset }; an enum is { NAME: value }.

export const text_limits = {
  HTTP_TARGET_MAX: 224,
  HTTP_HOST_MAX: 64,
  HTTP_USER_AGENT_MAX: 88,
  HTTP_TRACEPARENT_MAX: 56,
  HTTP_TRACESTATE_MAX: 64,
  HTTP_METHOD_MAX: 24,
} as const;

export const protocol = {
  PROTOCOL_HTTP: 1,
  PROTOCOL_TCP: 2,
} as const;

export const http_outcome = {
  HTTP_OUTCOME_COMPLETE: 0,
  HTTP_OUTCOME_CLOSED: 1,
  HTTP_OUTCOME_RESET: 2,
  HTTP_OUTCOME_SUPERSEDED: 3,
  HTTP_OUTCOME_TIMEOUT: 4,
  HTTP_OUTCOME_UPGRADED: 5,
} as const;

export const http_flags = {
  HTTP_PATH_TRUNCATED: 1,
} as const;

export const drop_reason = {
  DROP_PAGES_FULL: 0,
  DROP_CONTENDED: 1,
  DROP_TABLE_FULL: 2,
  DROP_COPY_REFUSED: 3,
  DROP_REASONS: 4,
} as const;

export const refuse_reason = {
  REFUSED_START_LINE: 0,
  REFUSED_HEAD_TOO_LONG: 1,
  REFUSED_LENGTH: 2,
  REFUSED_CHUNK: 3,
  REFUSED_WORK: 4,
  REFUSE_REASONS: 5,
} as const;

export const wanted_limits = {
  WANTED_PORTS_MAX: 32,
  WANTED_NETS_MAX: 8,
  WANTED_SLOTS: 2,
} as const;

export const tcp_outcome = {
  TCP_OUTCOME_FIN: 0,
  TCP_OUTCOME_RESET: 1,
  TCP_OUTCOME_REFUSED: 2,
} as const;

export const tcp_role = {
  TCP_ROLE_CLIENT: 0,
  TCP_ROLE_SERVER: 1,
} as const;

export const http_wanted = {
  SIZE: 592,
  status_classes: 0,
  port_count: 4,
  client_net_count: 8,
  server_net_count: 12,
  ports: 16,
  client_nets: 80,
  server_nets: 336,
} as const;

export const http_net = {
  SIZE: 32,
  address: 0,
  mask: 16,
} as const;

export const batch = {
  SIZE: 24,
  idx: 0,
  cpu: 8,
  protocol: 12,
  len: 14,
  event_size: 16,
  pad: 18,
} as const;

export const counters = {
  SIZE: 192,
  observed: 0,
  enqueued: 8,
  flushed: 16,
  batches: 24,
  flush_refused: 32,
  barrier_again: 40,
  connection_busy: 48,
  gaps: 56,
  entries_made: 64,
  entries_gone: 72,
  filtered: 80,
  dropped: 88,
  refused: 120,
  pad: 160,
} as const;

export const http_event = {
  SIZE: 640,
  start_ns: 0,
  first_byte_ns: 8,
  end_ns: 16,
  request_body_bytes: 24,
  response_body_bytes: 32,
  request_header_bytes: 40,
  response_header_bytes: 44,
  client_address: 48,
  server_address: 64,
  answered_address: 80,
  client_port: 96,
  server_port: 98,
  answered_port: 100,
  status: 102,
  path_len: 104,
  target_len: 106,
  version: 108,
  outcome: 109,
  flags: 110,
  method_len: 111,
  host_len: 112,
  user_agent_len: 113,
  traceparent_len: 114,
  tracestate_len: 115,
  pad: 116,
  method: 120,
  traceparent: 144,
  tracestate: 200,
  host: 264,
  user_agent: 328,
  target: 416,
} as const;

export const tcp_event = {
  SIZE: 80,
  start_ns: 0,
  end_ns: 8,
  bytes_sent: 16,
  bytes_received: 24,
  local_address: 32,
  remote_address: 48,
  local_port: 64,
  remote_port: 66,
  retransmits: 68,
  role: 72,
  outcome: 73,
  pad: 74,
} as const;

export const barrier_limits = {
  BARRIER_MISSING_MAX: 12,
} as const;

export const record_kind = {
  RECORD_PAD: 0,
  RECORD_BATCH: 1,
  RECORD_BARRIER: 2,
  RECORD_STOPPED: 3,
  RECORD_ENDED: 4,
} as const;

export const cgroup_limits = {
  CGROUP_PATH_MAX: 1024,
} as const;

export const reader_attach = {
  ATTACH_SOCKET: 0,
  ATTACH_CGROUP: 1,
} as const;

export const replay_state = {
  REPLAY_READING: 0,
  REPLAY_ENDED: 1,
  REPLAY_BROKEN: 2,
} as const;

export const record = {
  SIZE: 8,
  kind: 0,
  size: 4,
} as const;

export const barrier_done = {
  SIZE: 32,
  ticket: 0,
  missing_count: 4,
  missing: 8,
} as const;

export const reader_stats = {
  SIZE: 128,
  batches: 0,
  events: 8,
  bytes: 16,
  wakes: 24,
  kicks: 32,
  barriers: 40,
  barrier_retries: 48,
  ring_full: 56,
  lost_records: 64,
  out_of_order: 72,
  malformed: 80,
  sockets: 88,
  sockets_refused: 96,
  pad: 104,
} as const;

export const reader_options = {
  SIZE: 1060,
  ring_bytes: 0,
  shared_ring_bytes: 4,
  watermark_bytes: 8,
  kick_millis: 12,
  connections_max: 16,
  idle_timeout_millis: 20,
  capture_query: 24,
  path_max: 28,
  attach: 32,
  cgroup: 36,
} as const;

export const replay_options = {
  SIZE: 16,
  speed: 0,
  loop: 8,
  pad: 12,
} as const;

export const replay_status = {
  SIZE: 576,
  packets: 0,
  packets_cut: 8,
  packets_unknown: 16,
  bytes: 24,
  first_ns: 32,
  last_ns: 40,
  rounds: 48,
  state: 56,
  unknown_link_type: 60,
  message: 64,
} as const;
