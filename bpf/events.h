/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The contract between kernel and user space: every type that crosses, and nothing else.
 *
 * - Fixed-width members, explicit padding (-Wpadded -Werror), sizes asserted below.
 * - Shared numbers are enums, because BTF carries enums and not macros.
 * - ffi/layout.generated.ts is made from this file's BTF (ffi/generate-layout.ts) and a test fails when it is stale.
 * - All integers are in host byte order, also ports; addresses are 16 bytes in network order, IPv4 as ::ffff:a.b.c.d.
 *
 * A perf record is larger than the struct it carries (by up to 7 bytes) and only 4-byte aligned: a reader checks
 * `size >= sizeof(struct batch)`, takes the length from the batch itself and copies before it reads wide fields.
 */
#ifndef KERNELCAST_EVENTS_H
#define KERNELCAST_EVENTS_H

#include <linux/types.h>

/* A build of http.bpf.c that keeps more of long targets sets it; an event is then larger, and its batch says how large. */
#ifndef HTTP_TARGET_BYTES
#define HTTP_TARGET_BYTES 224
#endif

/* Bytes kept of a text; a longer one is cut and its length says so (see struct http_event). */
enum text_limits {
	HTTP_TARGET_MAX = HTTP_TARGET_BYTES,
	HTTP_HOST_MAX = 64,
	HTTP_USER_AGENT_MAX = 88,
	HTTP_TRACEPARENT_MAX = 56,
	HTTP_TRACESTATE_MAX = 64,
	HTTP_METHOD_MAX = 24, /* the longest registered one has 17 */
};

enum protocol {
	PROTOCOL_HTTP = 1,
	PROTOCOL_TCP = 2,
};

/* How a transaction ended. */
enum http_outcome {
	HTTP_OUTCOME_COMPLETE = 0,   /* the response is whole */
	HTTP_OUTCOME_CLOSED = 1,     /* the server's FIN came first */
	HTTP_OUTCOME_RESET = 2,	     /* RST came first */
	HTTP_OUTCOME_SUPERSEDED = 3, /* the next request came first */
	HTTP_OUTCOME_TIMEOUT = 4,    /* the connection was silent for the idle time-out */
	HTTP_OUTCOME_UPGRADED = 5,   /* 101: the bytes that follow are not HTTP */
};

enum http_flags {
	HTTP_PATH_TRUNCATED = 1, /* the path went on after its last stored byte */
};

/* Why an observed event was not enqueued; index into struct counters.dropped. */
enum drop_reason {
	DROP_PAGES_FULL = 0,   /* every page of the CPU was waiting to be flushed */
	DROP_CONTENDED = 1,    /* the CPU's cursor moved under BATCH_TRIES attempts in a row */
	DROP_TABLE_FULL = 2,   /* no room for a new connection in the in-flight table */
	DROP_COPY_REFUSED = 3, /* a page or its slot was out of reach: a bug, never seen */
	DROP_REASONS = 4,
};

/* Why a message that began as HTTP was given up; index into struct counters.refused. */
enum refuse_reason {
	REFUSED_START_LINE = 0, /* no request line or status line of HTTP/1.x after all */
	REFUSED_HEAD_TOO_LONG = 1,
	REFUSED_LENGTH = 2, /* a Content-Length that is no number, or two that differ */
	REFUSED_CHUNK = 3,  /* a chunk size that is no number */
	REFUSED_WORK = 4,   /* more steps in one segment than are allowed */
	REFUSE_REASONS = 5,
};

/*
 * Head of each record on a perf ring, followed by len events of event_size bytes.
 * idx rises by one per record of a protocol and CPU, so a reader sees a lost, repeated or reordered batch at once.
 */
struct batch {
	__u64 idx;
	__u32 cpu;
	__u16 protocol;
	__u16 len;
	__u16 event_size;
	__u16 pad[3];
};

/*
 * One CPU's counters of one protocol; user space maps them and may read at any moment. Each rises only.
 * observed = enqueued + filtered + sum(dropped) and enqueued - flushed = events in pages, at every quiescent moment.
 */
struct counters {
	__u64 observed;
	__u64 enqueued;
	__u64 flushed;	       /* events handed to the ring */
	__u64 batches;	       /* records handed to the ring */
	__u64 flush_refused;   /* the ring refused a record; it was kept and sent again later */
	__u64 barrier_again;   /* a barrier met an enqueue half-way and asked to be run again */
	__u64 connection_busy; /* a packet met another CPU on its connection, for too long or as it was forgotten, and was not read */
	__u64 gaps;	       /* bytes that were needed to follow a message were never seen */
	__u64 entries_made; /* entries of the in-flight table; made - gone of all CPUs are in it now */
	__u64 entries_gone;
	__u64 filtered; /* observed, and wanted by nobody: see struct http_wanted */
	__u64 dropped[DROP_REASONS];
	__u64 refused[REFUSE_REASONS]; /* messages; not part of observed */
	__u64 pad[4];
};

/*
 * One transaction. Texts are cut at their limit, not terminated, and zero after their length.
 * target holds the path and, only when the query is captured, `?` and the query behind it. It is the last member, so that
 * everything before it lies alike in every build.
 */
struct http_event {
	__u64 start_ns;	     /* CLOCK_MONOTONIC of the first request packet */
	__u64 first_byte_ns; /* of the first packet of the final response; 0 if none came */
	__u64 end_ns;	     /* of the last response packet, or of what ended the transaction */
	__u64 request_body_bytes;
	__u64 response_body_bytes;
	__u32 request_header_bytes;
	__u32 response_header_bytes;
	__u8 client_address[16];
	__u8 server_address[16]; /* as the client used it */
	__u8 answered_address
		[16]; /* of the server behind a destination NAT; zero: no NAT was seen */
	__u16 client_port;
	__u16 server_port;
	__u16 answered_port;
	__u16 status;	  /* 0: no response was seen */
	__u16 path_len;	  /* bytes of target up to `?` */
	__u16 target_len; /* bytes of target */
	__u8 version;	  /* minor version of HTTP/1.x plus 1; 0: unknown */
	__u8 outcome;	  /* enum http_outcome */
	__u8 flags;	  /* enum http_flags */
	__u8 method_len;
	__u8 host_len;
	__u8 user_agent_len;
	__u8 traceparent_len;
	__u8 tracestate_len;
	__u8 pad[4];
	char method[HTTP_METHOD_MAX];
	char traceparent[HTTP_TRACEPARENT_MAX];
	char tracestate[HTTP_TRACESTATE_MAX];
	char host[HTTP_HOST_MAX];
	char user_agent[HTTP_USER_AGENT_MAX];
	char target[HTTP_TARGET_MAX];
};

enum wanted_limits {
	WANTED_PORTS_MAX = 32,
	WANTED_NETS_MAX = 8,
	WANTED_SLOTS = 2,
};

/* Addresses that equal this one under the mask, both as 16 bytes in network order. */
struct http_net {
	__u64 address[2];
	__u64 mask[2];
};

/*
 * What anybody wants of the transactions that ended, as far as the kernel looks at it: all conditions hold, and of a list
 * any; an empty list is no condition. Written by user space into a slot that is not in use, then chosen.
 */
struct http_wanted {
	__u32 status_classes; /* bit 0: no response, bit 1: 1xx, ... bit 5: 5xx and above; 0: any */
	__u32 port_count;     /* of the server */
	__u32 client_net_count;
	__u32 server_net_count;
	__u16 ports[WANTED_PORTS_MAX];
	struct http_net client_nets[WANTED_NETS_MAX];
	struct http_net server_nets[WANTED_NETS_MAX];
};

/* How a TCP connection ended, as its socket on this host saw it. */
enum tcp_outcome {
	TCP_OUTCOME_FIN = 0,	 /* in order */
	TCP_OUTCOME_RESET = 1,	 /* by RST, received or sent */
	TCP_OUTCOME_REFUSED = 2, /* it was never established */
};

enum tcp_role {
	TCP_ROLE_CLIENT = 0, /* this socket connected */
	TCP_ROLE_SERVER = 1, /* this socket was accepted */
};

/* One socket's whole life; both ends on one host are two events. */
struct tcp_event {
	__u64 start_ns;	      /* CLOCK_MONOTONIC of connect() or of the accepted handshake */
	__u64 end_ns;	      /* of the change to TCP_CLOSE */
	__u64 bytes_sent;     /* payload, each byte once */
	__u64 bytes_received; /* payload */
	__u8 local_address[16];
	__u8 remote_address[16];
	__u16 local_port;
	__u16 remote_port;
	__u32 retransmits; /* segments */
	__u8 role;	   /* enum tcp_role */
	__u8 outcome;	   /* enum tcp_outcome */
	__u8 pad[6];
};

/* Which sockets are Kernelcast's own. Written by user space: at open, and the listener once the server listens. */
struct own_process {
	__u64 pidns_dev;
	__u64 pidns_ino;
	__u32 tgid; /* in that PID namespace */
	__u32 netns_ino;
	__u32 listen_port; /* 0: none yet */
	__u32 pad;
	__u64 listen_address[2]; /* network order, IPv4 mapped; zero: any */
};

_Static_assert(sizeof(struct tcp_event) == 80, "struct tcp_event is part of the contract");
_Static_assert(sizeof(struct own_process) == 48, "struct own_process is part of the contract");
_Static_assert(sizeof(struct batch) == 24, "struct batch is part of the contract");
_Static_assert(sizeof(struct counters) == 192, "one CPU's counters fill whole cache lines");
_Static_assert(sizeof(struct http_event) == 416 + HTTP_TARGET_BYTES && HTTP_TARGET_BYTES % 8 == 0,
	       "struct http_event is part of the contract");

#endif
