/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What is remembered of one HTTP/1.x connection between its packets. */
#ifndef KERNELCAST_HTTP_CONN_BPF_H
#define KERNELCAST_HTTP_CONN_BPF_H

#include "events.h"
#include "segment.bpf.h"

enum http_limits {
	/* Bytes of an unfinished line kept for the next segment; of a longer line only its beginning is read. */
	HTTP_CARRY = 256,
	/* Fresh bytes looked at in one round. */
	HTTP_WINDOW = 1024,
	/* Loads go 8 bytes at a time and may reach past the end. */
	HTTP_SLACK = 16,
	/* One round reads a window of a head, a body, or a chunk; this bounds the work on one segment. */
	HTTP_ROUNDS = 256,
	/* A message head longer than this is not HTTP that we can follow. */
	HTTP_HEAD_MAX = 65536,
};

/* Where a direction of the connection stands. */
enum http_flow_state {
	FLOW_START =
		0, /* between messages, or out of step: the next segment that begins a message is taken */
	FLOW_HEAD,
	FLOW_BODY, /* `left` bytes of a body of known length */
	FLOW_CHUNK_SIZE,
	FLOW_CHUNK_EXTENSION,
	FLOW_CHUNK_DATA, /* `left` bytes including the CRLF behind them */
	FLOW_TRAILER,
	FLOW_UNTIL_CLOSE, /* a response body that the connection's end delimits, RFC 9112 section 6.3 */
	FLOW_OPAQUE,	  /* not HTTP any more: a tunnel or an upgraded protocol */
};

enum http_flow_flags {
	FLOW_HAS_LENGTH = 1,
	FLOW_CHUNKED = 2,
	FLOW_FIRST_LINE = 4,  /* the start line has been read */
	FLOW_SKIP_LINE = 8,   /* inside a line whose beginning has been read */
	FLOW_LINE_EMPTY = 16, /* in trailers: nothing but CR since the last LF */
};

enum http_role {
	ROLE_CLIENT = 0,
	ROLE_SERVER = 1,
};

struct http_flow {
	__u64 left;	  /* body or chunk bytes to come; in a head: the Content-Length read */
	__u32 next_seq;	  /* TCP sequence number of the first byte not read */
	__u32 head_bytes; /* of the present message's head, so far */
	__u16 status;	  /* of the response whose head is being read */
	__u8 state;	  /* enum http_flow_state */
	__u8 flags;	  /* enum http_flow_flags */
	__u16 carry_len;  /* bytes of the unfinished line that end carry */
	__u8 known;	  /* next_seq holds: a segment of this direction was seen */
	__u8 stale;	  /* the response being read is of a transaction that has been ended */
	char carry[HTTP_CARRY];
};

/*
 * lock is held by whoever reads a segment of the connection, by compare-and-swap: the two directions may be met on two
 * CPUs at once. A holder is never interrupted by another one on its own CPU: socket filters run with softirqs off.
 */
struct http_conn {
	__u32 lock;
	__u8 client;		  /* index into the key of the endpoint that sends requests */
	__u8 open;		  /* a request has been seen whose end has not */
	__u8 fin;		  /* bit per role: FIN seen */
	__u8 seen;		  /* a transaction was followed on this connection */
	__u64 last_ns;		  /* last segment with payload in either direction */
	__u64 response_ns;	  /* last segment with payload from the server since the request */
	struct http_flow flow[2]; /* by role of the sender */
	struct http_event event;  /* the open transaction */
};

/* Scratch of one CPU: an unfinished line, then fresh bytes. Fresh bytes always begin at HTTP_CARRY. */
struct http_window {
	char bytes[HTTP_CARRY + HTTP_WINDOW + HTTP_SLACK];
};

#endif
