/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What is remembered of one HTTP/1.x connection between its packets. */
#ifndef KERNELCAST_HTTP_CONN_BPF_H
#define KERNELCAST_HTTP_CONN_BPF_H

#include "events.h"
#include "segment.bpf.h"

enum http_limits {
	/* Bytes of an unfinished line kept for the next segment; of a longer line only its beginning is read. */
	HTTP_CARRY = 256,
	/* Of the end of a long request line, which the version may be, or a part of it. */
	HTTP_CARRY_END = 16,
	/* Fresh bytes looked at in one round. */
	HTTP_WINDOW = 1024,
	/* Loads go 8 bytes at a time and may reach past the end. */
	HTTP_SLACK = 16,
	/* One round reads a window of a head, a body, or a chunk; this bounds the work on one segment. */
	HTTP_ROUNDS = 256,
	/* A message head longer than this is not HTTP that we can follow. */
	HTTP_HEAD_MAX = 65536,
	/* Requests of one connection that wait for their responses. */
	HTTP_QUEUE_MAX = 128,
	/* Payload kept of a segment that came before its predecessor. */
	HTTP_HELD_BYTES = 2048,
	/* Such segments kept for one direction: more than a window that has not grown yet. */
	HTTP_HELD_MAX = 64,
};

/* Where a direction of the connection stands. */
enum http_flow_state {
	FLOW_START = 0, /* between messages */
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
	FLOW_BAD_LENGTH = 2,  /* a Content-Length that cannot be trusted */
	FLOW_CODED = 4,	      /* a Transfer-Encoding was read */
	FLOW_CHUNKED = 8,     /* ... whose last coding is chunked */
	FLOW_FIRST_LINE = 16, /* the start line has been read */
	FLOW_SKIP_LINE = 32,  /* inside a line whose beginning has been read */
	FLOW_LONG_LINE =
		64, /* ... which is a request line; what carry holds of its end has been read */
	FLOW_LINE_EMPTY = 64, /* in trailers: nothing but CR since the last LF */
};

enum http_role {
	ROLE_CLIENT = 0,
	ROLE_SERVER = 1,
};

/* Does a body follow that its sender may hold back? Expect: 100-continue, RFC 9110 section 10.1.1. */
enum http_expectation {
	EXPECT_NONE = 0,
	EXPECT_WAITS, /* for 100, or for the final status */
	EXPECT_REFUSED, /* the final status came first: the next request may come in place of the body */
};

struct http_flow {
	__u64 left;	  /* body or chunk bytes to come; in a head: the Content-Length read */
	__u32 next_seq;	  /* TCP sequence number of the first byte not read */
	__u32 head_bytes; /* of the present message's head, so far */
	__u32 fin_seq;	  /* of the FIN, when fin says so */
	__u32 held_seq;	  /* of the first segment held, when held is not 0 */
	__u16 status;	  /* of the response whose head is being read */
	__u16 carry_len;  /* bytes of the unfinished line that end carry */
	__u8 state;	  /* enum http_flow_state */
	__u8 flags;	  /* enum http_flow_flags */
	__u8 known;	  /* next_seq holds */
	__u8 lost;	  /* out of step: the next segment that begins a message is taken */
	__u8 stale;	  /* the response being read answers no transaction that is open */
	__u8 held;	  /* segments kept that came before their predecessors */
	__u8 fin;	  /* a FIN came, perhaps before its predecessors */
	__u8 expectation; /* enum http_expectation */
	__u32 held_end; /* behind the last byte held, or that would have been if there had been room */
	__u32 held_last; /* where the last segment held begins */
	__u32 pad;
	char carry[HTTP_CARRY];
};

enum http_transaction_flags {
	TRANSACTION_LINE =
		1, /* the request line has been read as far as it is needed: there is something to report */
	TRANSACTION_QUERY = 2,	/* the target's `?` has been passed */
	TRANSACTION_EXPECT = 4, /* Expect: 100-continue */
};

struct http_transaction {
	struct http_event event;
	__u32 flags; /* enum http_transaction_flags */
	__u32 pad;
};

enum http_conn_life {
	CONN_NEW = 0, /* as it was made */
	CONN_LIVE,
	CONN_GONE, /* about to leave the table */
};

/*
 * lock is held by whoever reads a segment of the connection, by compare-and-swap with its CPU plus 1: the two directions
 * may be met on two CPUs at once. A filter that holds it is never interrupted by another one on its own CPU: socket filters
 * and http_received run with softirqs off, http_sent with interrupts off.
 *
 * Transactions that wait for their response stand in a queue: the first one here, further ones in http_queue under
 * their numbers (first + 1 and so on).
 */
struct http_conn {
	__u32 lock;
	__u32 ports; /* of the key: an entry that was found, forgotten and given away again differs */
	__u64 last_ns;	   /* last segment with payload in either direction */
	__u64 response_ns; /* last segment with payload from the server since the first request */
	__u32 first;	   /* number of the first transaction */
	__u32 reply_seq;   /* where the first transaction's response begins */
	__u16 count;	   /* transactions, with the one whose request is being read */
	__u16 surplus;	   /* requests behind them that found no room */
	__u8 client;	   /* index into the key of the endpoint that sends requests */
	__u8 reading;	   /* the last transaction's request is being read */
	__u8 broken;	   /* the first transaction's response cannot be followed to its end */
	__u8 fin;	   /* bit per role: FIN read */
	__u8 seen;	   /* a transaction was followed on this connection */
	__u8 life;	   /* enum http_conn_life */
	__u8 pad[2];
	__u16 answered_port; /* of the server behind a destination NAT; 0: none seen */
	__u16 pad2;
	__u8 answered_address[16];
	struct http_flow flow[2]; /* by role of the sender */
	struct http_transaction transaction;
};

/* A range of the window; len 0: absent. */
struct span {
	__u32 at;
	__u32 len;
};

/* What one scan of a window found. Lines exclude CR and LF; field spans run from after the colon to the line's end. */
struct http_scan {
	struct span start_line;
	struct span host;
	struct span user_agent;
	struct span traceparent;
	struct span tracestate;
	struct span expect;
	struct span content_length;
	struct span other_length; /* a Content-Length before that one */
	struct span transfer_encoding;
	__u32 line;    /* in: where to begin; out: start of the line that is not finished */
	__u32 at;      /* how far it has been looked at */
	bool complete; /* the empty line was seen; line is the body's first byte */
	bool stopped;  /* SCAN_STEPS ran out: what follows line has not been looked at */
	__u8 flags;    /* enum scan_flags */
	bool begun; /* the start line is not finished, but longer than is kept: start_line is its beginning */
	__u8 pad[4];
};

/* Fresh bytes always begin at HTTP_CARRY; before them stands an unfinished line. */
struct http_window {
	char bytes[HTTP_CARRY + HTTP_WINDOW + HTTP_SLACK];
};

struct http_held_key {
	struct conn_key conn;
	__u32 seq;
	__u32 role;
};

/* Of one CPU. Not on the stack, which holds 512 bytes for all calls together. */
struct http_scratch {
	struct http_window window;
	struct http_scan scan;
	struct segment segment; /* that came just now */
	struct segment held;	/* that came before its predecessor */
	struct http_held_key held_key;
	__u32 held_end;	 /* behind that one, with what was not kept of it */
	__u32 first_seq; /* of a connection that begins: where the client's bytes are read from */
};

#endif
