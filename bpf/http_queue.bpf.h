/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The transactions of a connection whose end has not been seen, in the order of their requests. Responses come in that
 * order (RFC 9112 section 9.3.2), so the first is the one that is being answered. It stands in the connection's entry;
 * only pipelining needs further ones, and they have a map of their own.
 */
#ifndef KERNELCAST_HTTP_QUEUE_BPF_H
#define KERNELCAST_HTTP_QUEUE_BPF_H

#include "http_conn.bpf.h"
#include "http_wanted.bpf.h"

struct http_queue_key {
	struct conn_key conn;
	__u32 number;
};

/* max_entries is set before load. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 16384);
	__type(key, struct http_queue_key);
	__type(value, struct http_transaction);
} http_queue SEC(".maps");

static const struct http_transaction http_transaction_empty;

enum {
	OUTCOME_UNSEEN = -1 /* nothing is reported, nothing was observed */
};

/*
 * The transaction whose request is being read, NULL if that belongs to none: it found no room, or was answered and ended
 * before its request was whole.
 */
static __always_inline struct http_transaction *http_last(struct http_conn *conn,
							  const struct conn_key *key)
{
	if (!conn->reading)
		return NULL;
	if (conn->count == 1)
		return &conn->transaction;

	struct http_queue_key at = {.conn = *key, .number = conn->first + conn->count - 1};

	return bpf_map_lookup_elem(&http_queue, &at);
}

/* Takes the last transaction back: its request was none, or nothing is known of it. Returns 0. */
__noinline int http_discard_last(struct http_conn *conn, const struct conn_key *key)
{
	if (!conn || !key || !conn->reading)
		return 0;
	struct http_queue_key at = {.conn = *key, .number = conn->first + conn->count - 1};

	bpf_map_delete_elem(&http_queue, &at);
	conn->count--;
	conn->reading = 0;
	if (!conn->count) {
		conn->broken = 0;
		conn->response_ns = 0;
	}
	return 0;
}

/*
 * Ends the first transaction: reports it, once, unless there is nothing to report, and moves the next one up. outcome:
 * enum http_outcome, or OUTCOME_UNSEEN. Returns 0.
 */
__noinline int http_end(struct http_conn *conn, const struct conn_key *key, int outcome,
			__u64 end_ns)
{
	if (!conn || !key || !conn->count)
		return 0;
	if (outcome != OUTCOME_UNSEEN && conn->transaction.flags & TRANSACTION_LINE) {
		conn->transaction.event.outcome = outcome;
		conn->transaction.event.end_ns = end_ns;
		if (!http_wanted_slot || http_is_wanted(&conn->transaction.event))
			http_batch_enqueue(&conn->transaction.event);
		else
			http_unwanted();
	}
	conn->count--;
	conn->first++;
	conn->broken = 0;
	conn->response_ns = 0;
	conn->transaction.flags = 0;
	if (!conn->count) {
		conn->reading = 0;
		return 0;
	}
	struct http_queue_key next = {.conn = *key, .number = conn->first};
	struct http_transaction *following = bpf_map_lookup_elem(&http_queue, &next);

	if (following)
		memory_copy(&conn->transaction, sizeof(conn->transaction), following);
	bpf_map_delete_elem(&http_queue, &next);
	return 0;
}

/* Ends the first transaction before its response is whole: at its last response segment, or now if there was none. */
static __always_inline void http_end_early(struct http_conn *conn, const struct conn_key *key,
					   int outcome, __u64 now_ns)
{
	http_end(conn, key, outcome, conn->response_ns ?: now_ns);
}

/* Ends them all. Returns 0. */
__noinline int http_end_all(struct http_conn *conn, const struct conn_key *key, int outcome,
			    __u64 now_ns)
{
	if (!conn || !key)
		return 0;
	for (int i = 0; i < HTTP_QUEUE_MAX && conn->count; i++)
		http_end_early(conn, key, outcome, now_ns);
	conn->surplus = 0;
	return 0;
}

/*
 * A request begins. Returns the transaction to read it into, NULL when it found no room, which is counted: then those
 * behind it find none either until all have been answered, so that answers go on matching.
 */
static __always_inline struct http_transaction *http_queue_add(struct http_conn *conn,
							       const struct segment *segment)
{
	struct http_queue_key at = {.conn = segment->key, .number = conn->first + conn->count};
	struct http_transaction *transaction = &conn->transaction;

	conn->reading = 0;
	if (conn->count) {
		transaction = NULL;
		if (!conn->surplus && conn->count < HTTP_QUEUE_MAX &&
		    !bpf_map_update_elem(&http_queue, &at, &http_transaction_empty, BPF_NOEXIST))
			transaction = bpf_map_lookup_elem(&http_queue, &at);
		if (!transaction) {
			conn->surplus++;
			http_no_room();
			return NULL;
		}
	}
	conn->count++;
	conn->reading = 1;
	return transaction;
}

#endif
