/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What is remembered of an address pair beside its connection: who opened it, that it is over, that it is another one
 * seen through a NAT. All of it only sharpens the judgement, so what leaves these tables is missed by nobody.
 */
#ifndef KERNELCAST_HTTP_TUPLES_BPF_H
#define KERNELCAST_HTTP_TUPLES_BPF_H

#include "http_head.bpf.h"

enum http_tuple_state {
	TUPLE_OPENED = 0, /* by a SYN */
	TUPLE_ENDED,	  /* what the client sent before end_seq is a retransmission */
	TUPLE_OPAQUE,	  /* a tunnel or an upgraded protocol */
	TUPLE_TRANSLATED, /* by a NAT, and read under its other name */
};

struct http_tuple {
	__u32 first_seq; /* of the client's first byte */
	__u32 end_seq;	 /* behind the client's last byte */
	__u8 client;	 /* index into the key */
	__u8 state;	 /* enum http_tuple_state */
	__u16 pad;
};

/* max_entries is set before load. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct conn_key);
	__type(value, struct http_tuple);
} http_tuples SEC(".maps");

/* A connection's first segment, by what no NAT changes. */
struct http_first_key {
	__u32 seq;
	__u32 ack;
	__u64 text[2];
};

struct http_first {
	struct conn_key conn;
	__u32 pad;
	__u64 seen_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct http_first_key);
	__type(value, struct http_first);
} http_firsts SEC(".maps");

enum {
	/* A packet is on its way through the host for less. */
	TRANSLATION_NS = 1000000000,
};

/* Takes a SYN. Returns true when it opens a connection, false when it is one that was seen. */
__noinline int http_tuple_open(const struct segment *segment)
{
	if (!segment)
		return false;
	const struct http_tuple *known = bpf_map_lookup_elem(&http_tuples, &segment->key);
	struct http_tuple opened = {.first_seq = segment->seq, .client = segment->from & 1};

	if (known && known->first_seq == opened.first_seq && known->client == opened.client)
		return false;
	bpf_map_update_elem(&http_tuples, &segment->key, &opened, BPF_ANY);
	return true;
}

/* Notes what became of a connection, as enum http_tuple_state. Returns 0. */
__noinline int http_tuple_mark(const struct conn_key *key, __u32 client, __u32 end_seq, __u32 state)
{
	if (!key)
		return 0;
	struct http_tuple *known = bpf_map_lookup_elem(&http_tuples, key);
	struct http_tuple marked = {.end_seq = end_seq, .client = client, .state = state};

	if (known) {
		known->end_seq = end_seq;
		known->client = client;
		known->state = state;
	} else {
		bpf_map_update_elem(&http_tuples, key, &marked, BPF_ANY);
	}
	return 0;
}

/* Are window[at, at + len) capital letters, as those are that nearly all methods begin with? */
static __always_inline bool http_is_capitals(const struct http_window *window, __u32 at, __u32 len)
{
	for (__u32 i = 0; i < HTTP_METHOD_MAX; i++) {
		char c = window_byte(window, at + i);

		if (i >= len || c == ' ')
			return true;
		if (c < 'A' || c > 'Z')
			return false;
	}
	return true;
}

/* May the client's next message begin with this segment, going by what is known of the address pair? */
static __always_inline bool http_tuple_allows(const struct segment *segment,
					      const struct http_window *window, __u32 at, __u32 len,
					      enum http_beginning begins)
{
	const struct http_tuple *known = bpf_map_lookup_elem(&http_tuples, &segment->key);

	if (known && known->state == TUPLE_OPENED) {
		if ((segment->from & 1) != known->client)
			return false;
		if (segment->seq == known->first_seq)
			return true;
	} else if (known && known->state != TUPLE_ENDED) {
		return false;
	} else if (known && (segment->from & 1) == known->client &&
		   (__s32)(segment->seq - known->end_seq) < 0) {
		return false;
	}
	return begins == BEGINS_MESSAGE || (len && http_is_capitals(window, at, len));
}

static __always_inline bool conn_key_equal(const struct conn_key *a, const struct conn_key *b)
{
	for (int i = 0; i < 2; i++)
		if (load64(a->address[i]) != load64(b->address[i]) ||
		    load64(a->address[i] + 8) != load64(b->address[i] + 8) ||
		    a->port[i] != b->port[i])
			return false;
	return true;
}

/*
 * Has this first segment, whose payload's beginning is in the window, come by under another address pair just now? Then
 * that one is written to *other.
 */
static __always_inline bool http_is_translated(const struct segment *segment,
					       const struct http_window *window,
					       struct conn_key *other)
{
	struct http_first_key key = {.seq = segment->seq,
				     .ack = segment->ack,
				     .text = {window_load(window, HTTP_CARRY),
					      window_load(window, HTTP_CARRY + 8)}};
	struct http_first first = {.conn = segment->key, .seen_ns = segment->now_ns};
	const struct http_first *known = bpf_map_lookup_elem(&http_firsts, &key);

	if (known && segment->now_ns - known->seen_ns < TRANSLATION_NS &&
	    !conn_key_equal(&known->conn, &segment->key)) {
		*other = known->conn;
		return true;
	}
	bpf_map_update_elem(&http_firsts, &key, &first, BPF_ANY);
	return false;
}

#endif
