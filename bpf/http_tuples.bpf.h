/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * What is remembered of an address pair beside its connection: who opened it, that it is over, that it is another one
 * seen through a NAT. All of it only sharpens the judgement, so what leaves these tables is missed by nobody.
 */
#ifndef KERNELCAST_HTTP_TUPLES_BPF_H
#define KERNELCAST_HTTP_TUPLES_BPF_H

#include "http_head.bpf.h"

enum http_tuple_state {
	TUPLE_OPENED = 0, /* by a SYN, and the client's first byte has not been seen */
	TUPLE_BEGUN,	  /* it has been */
	TUPLE_ENDED,	  /* what was sent before end_seq and reply_seq is a retransmission */
	TUPLE_OPAQUE,	  /* a tunnel or an upgraded protocol */
	TUPLE_TRANSLATED, /* by a NAT, and read under its other name */
};

struct http_tuple {
	__u32 first_seq; /* of the client's first byte */
	__u32 end_seq;	 /* behind the client's last byte */
	__u32 reply_seq; /* of the server's first byte; of one that ended, behind its last byte */
	__u8 client;	 /* index into the key */
	__u8 state;	 /* enum http_tuple_state */
	__u8 accepted;	 /* reply_seq holds: something of the server was seen */
	__u8 pad;
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
	__u64 seen_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct http_first_key);
	__type(value, struct http_first);
} http_firsts SEC(".maps");

/*
 * Where the bytes of clients begin whose SYN was seen lately, by a hash of the address pair. Mostly this says at once that a
 * segment is not among the first of its connection.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8192);
	__type(key, __u32);
	__type(value, __u32);
} http_young SEC(".maps");

enum {
	YOUNG_MASK = 8191,
	/* So far a segment may be ahead of the client's first byte: the largest window without scaling. */
	YOUNG_BYTES = 65536,
	/* A packet is on its way through the host for less. */
	TRANSLATION_NS = 1000000000,
};

static __always_inline __u32 *http_young_first(const struct conn_key *key)
{
	__u64 mixed = load64(key->address[0] + 8) ^ load64(key->address[1] + 8) ^
		      (__u64)key->port[0] << 16 ^ key->port[1];
	__u32 slot = (mixed * 0x9e3779b97f4a7c15ull >> 40) & YOUNG_MASK;

	return bpf_map_lookup_elem(&http_young, &slot);
}

enum http_earliness {
	EARLY_UNKNOWN = 0,
	EARLY_FIRST,  /* the client's first byte is in it */
	EARLY_BEFORE, /* it came before that byte: *first says where that is */
};

/* Is this segment, of a connection that is not followed, among the client's first? Returns enum http_earliness. */
static __always_inline int http_tuple_earliness(const struct segment *segment, __u32 *first)
{
	__u32 *young = http_young_first(&segment->key);
	struct http_tuple *known;

	if (!young || segment->seq - *young >= YOUNG_BYTES)
		return EARLY_UNKNOWN;
	known = bpf_map_lookup_elem(&http_tuples, &segment->key);
	if (!known || known->state > TUPLE_BEGUN || known->first_seq != *young ||
	    (segment->from & 1) != known->client)
		return EARLY_UNKNOWN;
	if (segment->seq == known->first_seq) {
		known->state = TUPLE_BEGUN;
		return EARLY_FIRST;
	}
	/* The client has got bytes from the server, so the server got the client's first, and that was not seen. */
	if (known->state != TUPLE_OPENED || !known->accepted || segment->ack != known->reply_seq)
		return EARLY_UNKNOWN;
	*first = known->first_seq;
	return EARLY_BEFORE;
}

/* Takes a SYN of either side. Returns true when it opens a connection, false when it is one that was seen. */
__noinline int http_tuple_syn(const struct segment *segment)
{
	if (!segment)
		return false;
	struct http_tuple *known = bpf_map_lookup_elem(&http_tuples, &segment->key);
	struct http_tuple opened = {.first_seq = segment->seq, .client = segment->from & 1};
	bool same = known && known->client == opened.client;
	__u32 *young;

	if (segment->flags & TCP_ACK) {
		if (known && !same && known->state == TUPLE_OPENED) {
			known->reply_seq = segment->seq;
			known->accepted = 1;
		}
		return false;
	}
	if (same && known->first_seq == opened.first_seq)
		return false;
	bpf_map_update_elem(&http_tuples, &segment->key, &opened, BPF_ANY);
	young = http_young_first(&segment->key);
	if (young)
		*young = opened.first_seq;
	return true;
}

/* Notes what became of a connection. marked->first_seq is for one whose beginning was not seen. Returns 0. */
__noinline int http_tuple_mark(const struct conn_key *key, const struct http_tuple *marked)
{
	if (!key || !marked)
		return 0;
	struct http_tuple *known = bpf_map_lookup_elem(&http_tuples, key);

	if (known) {
		known->end_seq = marked->end_seq;
		known->reply_seq = marked->reply_seq;
		known->client = marked->client;
		known->state = marked->state;
		known->accepted = marked->accepted;
	} else {
		bpf_map_update_elem(&http_tuples, key, marked, BPF_ANY);
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
	bool by_client = known && (segment->from & 1) == known->client;

	if (known && known->state <= TUPLE_BEGUN) {
		if (!by_client)
			return false;
		if (segment->seq == known->first_seq)
			return true;
	} else if (known && known->state != TUPLE_ENDED) {
		return false;
	} else if (known && (by_client || known->accepted)) {
		__u32 end = by_client ? known->end_seq : known->reply_seq;

		if ((__s32)(segment->seq - end) < 0)
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
	return a->scope == b->scope;
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
