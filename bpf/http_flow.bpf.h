/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Follows the messages of one direction (RFC 9112) and joins requests with responses. Heads are read once; after that
 * the TCP sequence number tells where a message ends, so body bytes are never looked at, except chunk-size lines.
 *
 * The includer defines, before this file:
 *   int http_batch_enqueue(const struct http_event *)   takes a finished transaction
 *   struct http_scratch *http_scratch_get(void)         memory that nothing else uses meanwhile
 *   void http_refused(enum refuse_reason)               counts a message that is no HTTP/1.x after all
 *   void http_missed(void)                              counts bytes that were needed and never seen
 *   void http_unwanted(void)                            counts a transaction that nobody would take
 *   void http_no_room(void)                             counts a transaction that the queue could not take
 * and the settings that http_head.bpf.h names.
 */
#ifndef KERNELCAST_HTTP_FLOW_BPF_H
#define KERNELCAST_HTTP_FLOW_BPF_H

#include "http_head.bpf.h"
#include "http_held.bpf.h"
#include "http_queue.bpf.h"

enum http_round_result {
	ROUND_MORE = 0, /* go on with the same segment */
	ROUND_SKIP,	/* the rest of the segment is of no use */
	ROUND_UNSEEN, /* the rest of the segment is not at hand, as in a capture that was cut: a gap */
	ROUND_END,    /* the message ends here */
	ROUND_REFUSED, /* the rest of the segment is of no use, because it is not HTTP; plus enum refuse_reason */
};

static __always_inline __u8 http_role_of(const struct http_conn *conn,
					 const struct segment *segment)
{
	return (segment->from & 1) == conn->client ? ROLE_CLIENT : ROLE_SERVER;
}

static __always_inline void flow_expect_message(struct http_flow *flow)
{
	flow->state = FLOW_START;
	flow->flags = 0;
	flow->carry_len = 0;
	flow->left = 0;
	flow->head_bytes = 0;
	flow->status = 0;
	flow->stale = 0;
	flow->expectation = EXPECT_NONE;
}

/* May what is read of the server's message be added to the first transaction? */
static __always_inline bool http_answers(const struct http_conn *conn)
{
	return conn->count && !conn->flow[ROLE_SERVER].stale;
}

/* Adds to the body of the request that is being read. Returns 0. */
__noinline int http_count_request_body(struct http_conn *conn, const struct conn_key *key,
				       __u64 bytes)
{
	if (!conn || !key)
		return 0;
	struct http_transaction *last = http_last(conn, key);

	if (last)
		last->event.request_body_bytes += bytes;
	return 0;
}

/* Adds to the body that is being read in this direction. */
static __always_inline void http_count_body(struct http_conn *conn, const struct conn_key *key,
					    __u8 role, __u64 bytes)
{
	if (role == ROLE_CLIENT)
		http_count_request_body(conn, key, bytes);
	else if (http_answers(conn))
		conn->transaction.event.response_body_bytes += bytes;
}

static __always_inline void http_message_end(struct http_conn *conn, const struct conn_key *key,
					     __u8 role, __u64 now_ns)
{
	struct http_flow *request = &conn->flow[ROLE_CLIENT];
	bool answers = http_answers(conn);

	flow_expect_message(&conn->flow[role & 1]);
	if (role == ROLE_CLIENT) {
		conn->reading = 0;
		return;
	}
	if (conn->count == 1 && conn->reading && request->expectation == EXPECT_WAITS)
		request->expectation = EXPECT_REFUSED;
	if (answers)
		http_end(conn, key, HTTP_OUTCOME_COMPLETE, now_ns);
	else if (!conn->count && conn->surplus)
		conn->surplus--;
	/* All that was asked is answered, so the client's next byte begins a request. */
	if (!conn->count && !conn->surplus && request->lost)
		request->lost = 0;
}

/* What was announced of a chunk and has not come. */
static __always_inline __u64 flow_missing(const struct http_flow *flow)
{
	return flow->state == FLOW_CHUNK_DATA && flow->left > 2 ? flow->left - 2 : 0;
}

/* Notes of a message that ends too early how far it came. Returns 0. */
__noinline int http_settle(struct http_conn *conn, const struct conn_key *key, __u32 role)
{
	if (!conn || !key)
		return 0;
	const struct http_flow *flow = &conn->flow[role & 1];

	if (role == ROLE_CLIENT) {
		struct http_transaction *last = http_last(conn, key);

		if (!last)
			return 0;
		if (flow->state == FLOW_HEAD)
			last->event.request_header_bytes = flow->head_bytes;
		last->event.request_body_bytes -= flow_missing(flow);
	} else if (http_answers(conn)) {
		struct http_event *event = &conn->transaction.event;

		if (flow->state == FLOW_HEAD && flow->status >= 200) {
			event->status = flow->status;
			event->response_header_bytes = flow->head_bytes;
		}
		event->response_body_bytes -= flow_missing(flow);
	}
	return 0;
}

/* Ends all transactions with what is known of them. Returns 0. */
__noinline int http_finish(struct http_conn *conn, const struct conn_key *key, int outcome,
			   __u64 now_ns)
{
	if (!conn || !key)
		return 0;
	http_settle(conn, key, ROLE_CLIENT);
	http_settle(conn, key, ROLE_SERVER);
	return http_end_all(conn, key, outcome, now_ns);
}

/*
 * Bytes pass that cannot be followed while the direction is out of step. From the server they answer the first transaction,
 * or end what was answered before it: which of the two the ACK of the next request tells.
 */
static __always_inline void http_pass_lost(struct http_conn *conn, __u8 role, __u32 seq)
{
	if (role == ROLE_CLIENT || !conn->count || conn->broken)
		return;
	conn->broken = 1;
	conn->reply_seq = seq;
}

/*
 * The direction cannot be followed from here until a message begins. What is known of the message stays, if anything
 * is: a request waits for its response, a response is over when something else shows it.
 */
__noinline int http_lose(struct http_conn *conn, const struct conn_key *key, __u32 role)
{
	if (!conn || !key)
		return 0;
	struct http_flow *flow = &conn->flow[role & 1];

	http_settle(conn, key, role);
	if (role == ROLE_CLIENT) {
		struct http_transaction *last = http_last(conn, key);

		if (last && !(last->flags & TRANSACTION_LINE))
			http_discard_last(conn, key);
		conn->reading = 0;
	} else if (http_answers(conn)) {
		if (flow->state == FLOW_START)
			conn->reply_seq = flow->next_seq;
		conn->broken = 1;
	}
	flow_expect_message(flow);
	flow->lost = 1;
	return 0;
}

/*
 * A request begins. A response that only the connection's end would end, or that was lost sight of, is over if the
 * client has got some of it before it sent this. Returns 0.
 */
__noinline int http_request_begin(struct http_conn *conn, const struct segment *segment)
{
	if (!conn || !segment)
		return 0;
	struct http_flow *reply = &conn->flow[ROLE_SERVER];
	bool endless = reply->state == FLOW_UNTIL_CLOSE;
	__u32 client = segment->from & 1, server = client ^ 1;
	struct http_transaction *transaction;

	if ((conn->broken || endless) && segment->flags & TCP_ACK &&
	    (__s32)(segment->ack - conn->reply_seq) > 0) {
		if (conn->broken || !reply->stale)
			http_end_early(conn, &segment->key, HTTP_OUTCOME_SUPERSEDED,
				       segment->now_ns);
		if (endless) {
			flow_expect_message(reply);
			reply->lost = 1;
		}
	}
	/* Where its response will begin, if nothing else is open. */
	if (!conn->count)
		conn->reply_seq = segment->ack;
	transaction = http_queue_add(conn, segment);
	if (!transaction)
		return 0;
	/* More than 1024 bytes are too many stores for the compiler. */
	if (sizeof(*transaction) <= 1024)
		__builtin_memset(transaction, 0, sizeof(*transaction));
	else
		memory_copy(transaction, sizeof(*transaction), &http_transaction_empty);
	struct http_event *event = &transaction->event;
	event->start_ns = segment->now_ns;
	__builtin_memcpy(event->client_address, segment->key.address[client], 16);
	__builtin_memcpy(event->server_address, segment->key.address[server], 16);
	event->client_port = segment->key.port[client];
	event->server_port = segment->key.port[server];
	__builtin_memcpy(event->answered_address, conn->answered_address, 16);
	event->answered_port = conn->answered_port;
	return 0;
}

/* A response begins at the segment's pos. Returns false when what looks like one is inside a body. */
static __always_inline bool http_response_begin(struct http_conn *conn, struct http_flow *flow,
						const struct segment *segment)
{
	if (conn->broken && conn->count + conn->surplus > 1) {
		http_end_early(conn, &segment->key, HTTP_OUTCOME_SUPERSEDED, segment->now_ns);
	} else if (conn->broken) {
		/* The only one. Of its response the head was read, or what was lost came before it. */
		if (conn->transaction.event.status)
			return false;
		conn->broken = 0;
	}
	flow_expect_message(flow);
	flow->lost = 0;
	flow->stale = !conn->count || !(conn->transaction.flags & TRANSACTION_LINE);
	conn->reply_seq = segment->seq + segment->pos;
	if (!flow->stale)
		conn->transaction.event.first_byte_ns = segment->now_ns;
	return true;
}

/* RFC 9112 section 6.3. otherwise: the state when the head says nothing of a body. */
static __always_inline void flow_expect_body(struct http_flow *flow, enum http_flow_state otherwise)
{
	if (flow->flags & FLOW_CHUNKED) {
		flow->state = FLOW_CHUNK_SIZE;
		flow->left = 0;
	} else if (!(flow->flags & FLOW_CODED) && flow->flags & FLOW_HAS_LENGTH) {
		flow->state = flow->left ? FLOW_BODY : FLOW_START;
	} else {
		flow->state = otherwise;
	}
	flow->flags = 0;
}

static __always_inline bool flow_length_is_bad(const struct http_flow *flow)
{
	return flow->flags & FLOW_BAD_LENGTH && !(flow->flags & FLOW_CODED);
}

/* Returns enum http_round_result. */
__noinline int http_request_head_end(struct http_conn *conn, const struct conn_key *key,
				     __u64 now_ns)
{
	if (!conn || !key)
		return ROUND_SKIP;
	struct http_flow *flow = &conn->flow[ROLE_CLIENT];
	struct http_transaction *last = http_last(conn, key);
	bool expects = false, tunnel = false;

	if (last) {
		last->event.request_header_bytes = flow->head_bytes;
		expects = last->flags & TRANSACTION_EXPECT;
		tunnel = load64(last->event.method) == METHOD_CONNECT;
	}
	struct http_flow *reply = &conn->flow[ROLE_SERVER];

	/* Nothing else is open and the client has all of what came before: the server is in step again. */
	if (conn->count == 1 && !conn->surplus && !conn->broken && reply->lost &&
	    reply->next_seq == conn->reply_seq) {
		flow_expect_message(reply);
		reply->lost = 0;
	}
	if (tunnel) {
		flow_expect_message(flow);
		flow->state = FLOW_OPAQUE;
		return ROUND_MORE;
	}
	if (flow_length_is_bad(flow))
		return ROUND_REFUSED + REFUSED_LENGTH;
	flow_expect_body(flow, FLOW_START);
	if (flow->state == FLOW_START)
		http_message_end(conn, key, ROLE_CLIENT, now_ns);
	else if (expects)
		flow->expectation = EXPECT_WAITS;
	return ROUND_MORE;
}

static __always_inline int http_response_head_end(struct http_conn *conn, struct http_flow *flow,
						  const struct conn_key *key, __u64 now_ns)
{
	struct http_flow *request = &conn->flow[ROLE_CLIENT];
	struct http_event *event = &conn->transaction.event;
	bool answers = http_answers(conn);
	__u64 method = answers ? load64(event->method) : 0;
	__u16 status = flow->status;

	if (status < 200 && status != 101) {
		if (answers)
			event->first_byte_ns = 0;
		if (status == 100)
			request->expectation = EXPECT_NONE;
		flow_expect_message(flow);
		return ROUND_MORE;
	}
	if (answers) {
		event->status = status;
		event->response_header_bytes = flow->head_bytes;
	}
	if (status == 101 || (method == METHOD_CONNECT && status < 300)) {
		if (answers)
			http_end(conn, key,
				 status == 101 ? HTTP_OUTCOME_UPGRADED : HTTP_OUTCOME_COMPLETE,
				 now_ns);
		request->state = FLOW_OPAQUE;
		flow->state = FLOW_OPAQUE;
		return ROUND_MORE;
	}
	if (method == METHOD_CONNECT && request->state == FLOW_OPAQUE)
		flow_expect_message(request);
	if (method == METHOD_HEAD || status == 204 || status == 304) {
		http_message_end(conn, key, ROLE_SERVER, now_ns);
		return ROUND_MORE;
	}
	if (flow_length_is_bad(flow))
		return ROUND_REFUSED + REFUSED_LENGTH;
	flow_expect_body(flow, FLOW_UNTIL_CLOSE);
	if (flow->state == FLOW_START)
		http_message_end(conn, key, ROLE_SERVER, now_ns);
	return ROUND_MORE;
}

/* Puts an unfinished line before the fresh bytes, or keeps it for the next segment. Always whole HTTP_CARRY bytes. */
static __always_inline void carry_copy(char *to, const char *from)
{
	for (int i = 0; i < HTTP_CARRY; i += 8)
		*(__u64 *)(to + i) = load64(from + i);
}

/* Takes what a scan of a request found. Returns 0, or -1 when the request line is none. */
__noinline int http_take_fields(struct http_conn *conn, const struct conn_key *key,
				const struct http_window *window, const struct http_scan *scan)
{
	if (!conn || !key || !window || !scan)
		return 0;
	struct http_transaction *last = http_last(conn, key);

	return last ? http_take_request(last, window, scan) : 0;
}

/* Takes what a scan found. Returns enum http_round_result. */
static __always_inline int http_take_scan(struct http_conn *conn, const struct conn_key *key,
					  struct http_flow *flow, __u8 role,
					  const struct http_window *window,
					  const struct http_scan *scan)
{
	if (role == ROLE_CLIENT) {
		if (http_take_fields(conn, key, window, scan))
			return ROUND_REFUSED + REFUSED_START_LINE;
		if (scan->start_line.len)
			conn->seen = 1;
	} else if (scan->start_line.len) {
		__u8 version = 0;

		flow->status = read_status_line(window, scan->start_line, &version);
		if (!flow->status)
			return ROUND_REFUSED + REFUSED_START_LINE;
		if (http_answers(conn) && !conn->transaction.event.version)
			conn->transaction.event.version = version;
	}
	if (scan->start_line.len)
		flow->flags |= FLOW_FIRST_LINE;
	http_take_framing(flow, window, scan);
	return ROUND_MORE;
}

/*
 * Takes the next part of a long request line, which ends at `end` if it is whole: more of the target, without the last bytes
 * as long as they may be the version, and then that. Returns 0.
 */
__noinline int http_continue_target(struct http_conn *conn, const struct conn_key *key,
				    const struct http_window *window, __u32 end, bool whole)
{
	if (!conn || !key || !window)
		return 0;
	struct http_transaction *last = http_last(conn, key);

	if (!last)
		return 0;
	if (whole) {
		if (window_byte(window, end - 1) == '\r')
			end--;
		last->event.version = read_version(window, end);
		if (last->event.version)
			end -= VERSION_BYTES;
	} else {
		end -= HTTP_CARRY_END;
	}
	http_append_target(last, window, HTTP_CARRY - HTTP_CARRY_END,
			   end - (HTTP_CARRY - HTTP_CARRY_END));
	return 0;
}

/* Does a message begin here? Returns enum http_round_result; ROUND_MORE when it does, and has been begun. */
static __always_inline int http_begin(struct http_conn *conn, struct http_flow *flow, __u8 role,
				      const struct http_window *window,
				      const struct segment *segment, __u32 at, __u32 len)
{
	int begins = role == ROLE_CLIENT ? http_begins_request(window, at, len)
					 : http_begins_response(window, at, len);
	__u32 carried = flow->carry_len;

	if (begins == BEGINS_NOT)
		return flow->lost ? ROUND_SKIP : ROUND_REFUSED + REFUSED_START_LINE;
	/* Out of step, a beginning that is too short to tell is only kept. */
	if (begins == BEGINS_PERHAPS && flow->lost)
		return ROUND_MORE;
	if (role == ROLE_CLIENT) {
		http_request_begin(conn, segment);
		flow_expect_message(flow);
		flow->lost = 0;
	} else if (!http_response_begin(conn, flow, segment)) {
		return ROUND_SKIP;
	}
	flow->state = FLOW_HEAD;
	flow->carry_len = flow->head_bytes = carried;
	return ROUND_MORE;
}

/* Reads one window of a message head. */
static __always_inline int http_read_head(packet_t *packet, struct http_conn *conn,
					  struct segment *segment, struct http_flow *flow,
					  __u8 role)
{
	struct http_scratch *scratch = http_scratch_get();
	__u32 fresh = segment->len - segment->pos, start, end, rest;
	struct http_window *window;
	struct http_scan *scan;
	bool skipping;
	int result;

	if (!scratch)
		return ROUND_SKIP;
	window = &scratch->window;
	scan = &scratch->scan;
	__builtin_memset(scan, 0, sizeof(*scan));
	if (fresh > HTTP_WINDOW)
		fresh = HTTP_WINDOW;
	opaque(fresh);
	if (fresh < 1 || fresh > HTTP_WINDOW)
		return ROUND_SKIP;
	if (http_load(packet, segment, window, fresh) < 0)
		return ROUND_UNSEEN;
	end = HTTP_CARRY + fresh;
	/* Nothing of an earlier packet may stand where this one's bytes end. */
	__builtin_memset(window->bytes + end, 0, HTTP_SLACK);

	start = HTTP_CARRY - flow->carry_len;
	if (flow->carry_len)
		carry_copy(window->bytes, flow->carry);
	if (flow->state == FLOW_START) {
		char first = window_byte(window, HTTP_CARRY);

		/* Empty lines between requests are passed over (RFC 9112 section 2.2): they begin none. */
		if (role == ROLE_CLIENT && !flow->carry_len && (first == '\r' || first == '\n')) {
			segment->pos++;
			return ROUND_MORE;
		}
		result = http_begin(conn, flow, role, window, segment, start, end - start);
		if (result == ROUND_SKIP && flow->carry_len) {
			/* What was kept begins nothing; what is fresh may. */
			flow->carry_len = 0;
			return ROUND_MORE;
		}
		if (result)
			return result;
		if (flow->state == FLOW_START) {
			carry_copy(flow->carry, window->bytes + (end - HTTP_CARRY));
			flow->carry_len = end - start;
			segment->pos = segment->len;
			return ROUND_MORE;
		}
	}
	flow->carry_len = 0;
	skipping = flow->flags & FLOW_SKIP_LINE;
	if (flow->flags & FLOW_LONG_LINE) {
		__u32 lf = http_find_lf(window, start, end);

		http_continue_target(conn, &segment->key, window, lf, lf < end);
	}
	scan->line = start;
	scan->flags = (role == ROLE_CLIENT ? SCAN_REQUEST : 0) |
		      (flow->flags & FLOW_FIRST_LINE ? 0 : SCAN_FIRST) | (skipping ? SCAN_SKIP : 0);
	http_scan_lines(window, scan, end);
	rest = end - scan->line;
	if (!scan->complete && !scan->stopped) {
		if (skipping && scan->line == start) {
			/* Still the same long line. */
			if (flow->flags & FLOW_LONG_LINE) {
				carry_copy(flow->carry, window->bytes + (end - HTTP_CARRY));
				flow->carry_len = HTTP_CARRY_END;
			}
		} else if (rest > HTTP_CARRY) {
			/* A line longer than is kept: its beginning is all that is read, but for a target. */
			flow->flags &= ~FLOW_LONG_LINE;
			if (!(flow->flags & FLOW_FIRST_LINE) && !scan->start_line.len) {
				scan->start_line = (struct span){.at = scan->line, .len = rest};
				scan->begun = true;
				if (role == ROLE_CLIENT) {
					flow->flags |= FLOW_LONG_LINE;
					carry_copy(flow->carry, window->bytes + (end - HTTP_CARRY));
					flow->carry_len = HTTP_CARRY_END;
				}
			} else {
				http_scan_field(window, scan, role == ROLE_CLIENT, scan->line,
						rest);
			}
			flow->flags |= FLOW_SKIP_LINE;
		} else {
			flow->flags &= ~(FLOW_SKIP_LINE | FLOW_LONG_LINE);
			carry_copy(flow->carry, window->bytes + (end - HTTP_CARRY));
			flow->carry_len = rest;
		}
		rest = 0;
	} else {
		flow->flags &= ~(FLOW_SKIP_LINE | FLOW_LONG_LINE);
	}
	result = http_take_scan(conn, &segment->key, flow, role, window, scan);
	if (result)
		return result;
	segment->pos += fresh - rest;
	flow->head_bytes += fresh - rest;
	if (flow->head_bytes > HTTP_HEAD_MAX) {
		/* However it was cut: as far as it was followed. */
		flow->head_bytes = HTTP_HEAD_MAX;
		return ROUND_REFUSED + REFUSED_HEAD_TOO_LONG;
	}
	if (!scan->complete)
		return ROUND_MORE;
	return role == ROLE_CLIENT
		       ? http_request_head_end(conn, &segment->key, segment->now_ns)
		       : http_response_head_end(conn, flow, &segment->key, segment->now_ns);
}

enum {
	CHUNK_PEEK = 16,
	CHUNKS_PER_ROUND = 16,
	/* In a chunk's size line: a digit has been read. */
	FLOW_DIGIT = FLOW_FIRST_LINE,
};

/* Reads a chunk's size line or a part of the trailers, a few bytes at a time (RFC 9112 section 7.1). */
__noinline int http_read_chunk_line(packet_t *packet, struct http_conn *conn,
				    struct segment *segment)
{
	if (!packet || !conn || !segment)
		return ROUND_SKIP;
	__u8 role = http_role_of(conn, segment);
	struct http_flow *flow = &conn->flow[role];
	struct http_scratch *scratch = http_scratch_get();
	__u32 fresh = segment->len - segment->pos;

	if (!scratch)
		return ROUND_SKIP;
	struct http_window *window = &scratch->window;

	if (fresh > CHUNK_PEEK)
		fresh = CHUNK_PEEK;
	if (http_load(packet, segment, window, fresh) < 0)
		return ROUND_UNSEEN;

	for (__u32 i = 0; i < CHUNK_PEEK; i++) {
		if (i >= fresh)
			break;
		char c = window->bytes[HTTP_CARRY + i];
		segment->pos++;
		if (flow->state == FLOW_TRAILER) {
			if (c == '\n' && (flow->flags & FLOW_LINE_EMPTY))
				return ROUND_END;
			if (c == '\n')
				flow->flags |= FLOW_LINE_EMPTY;
			else if (c != '\r')
				flow->flags &= ~FLOW_LINE_EMPTY;
		} else if (c == '\n') {
			if (!(flow->flags & FLOW_DIGIT))
				return ROUND_REFUSED + REFUSED_CHUNK;
			flow->flags = 0;
			if (!flow->left) {
				flow->state = FLOW_TRAILER;
				flow->flags = FLOW_LINE_EMPTY;
				continue;
			}
			http_count_body(conn, &segment->key, role, flow->left);
			flow->left += 2;
			flow->state = FLOW_CHUNK_DATA;
			return ROUND_MORE;
		} else if (flow->state == FLOW_CHUNK_SIZE && c != '\r') {
			__u8 digit = c - '0', letter = (c | LOWER) - 'a';
			if (c == ';' || c == ' ' || c == '\t') {
				flow->state = FLOW_CHUNK_EXTENSION;
			} else if ((digit > 9 && letter > 5) || flow->left >> 56) {
				return ROUND_REFUSED + REFUSED_CHUNK;
			} else {
				flow->left = flow->left << 4 | (digit <= 9 ? digit : letter + 10);
				flow->flags |= FLOW_DIGIT;
			}
		}
	}
	return ROUND_MORE;
}

/* Takes bytes off a body or chunk: those of a segment, or of a gap. Chunks were counted by their size lines. */
static __always_inline void http_pass_body(struct http_conn *conn, const struct conn_key *key,
					   __u8 role, __u64 bytes, __u64 now_ns)
{
	struct http_flow *flow = &conn->flow[role & 1];

	flow->left -= bytes;
	if (flow->state == FLOW_BODY)
		http_count_body(conn, key, role, bytes);
	if (flow->left)
		return;
	if (flow->state == FLOW_CHUNK_DATA)
		flow->state = FLOW_CHUNK_SIZE;
	else
		http_message_end(conn, key, role, now_ns);
}

/* Passes over body bytes by count. */
static __always_inline void http_skip_body(struct http_conn *conn, struct segment *segment,
					   struct http_flow *flow, __u8 role)
{
	__u32 rest = segment->len - segment->pos;
	__u64 take = rest < flow->left ? rest : flow->left;

	segment->pos += take;
	http_pass_body(conn, &segment->key, role, take, segment->now_ns);
}

/* In place of a body that the server did not want, does the next request begin here (RFC 9110 section 10.1.1)? */
static __always_inline bool http_body_is_left_out(packet_t *packet, struct segment *segment)
{
	struct http_scratch *scratch = http_scratch_get();
	__u32 fresh = segment->len - segment->pos;

	if (fresh > HTTP_PEEK)
		fresh = HTTP_PEEK;
	return scratch && http_load(packet, segment, &scratch->window, fresh) == 0 &&
	       http_begins_request(&scratch->window, HTTP_CARRY, fresh) == BEGINS_MESSAGE;
}

/*
 * One step through a segment. A function of its own, not inlined: the verifier then proves it once and not for every
 * round of the loop that calls it (global functions, Linux 5.12).
 */
__noinline int http_round(packet_t *packet, struct http_conn *conn, struct segment *segment)
{
	if (!packet || !conn || !segment)
		return ROUND_SKIP;
	__u8 role = http_role_of(conn, segment);
	struct http_flow *flow = &conn->flow[role];

	if (flow->expectation == EXPECT_REFUSED && role == ROLE_CLIENT &&
	    http_body_is_left_out(packet, segment))
		flow_expect_message(flow);
	if (flow->state > FLOW_HEAD)
		flow->expectation = EXPECT_NONE;

	switch (flow->state) {
	case FLOW_START:
	case FLOW_HEAD:
		return http_read_head(packet, conn, segment, flow, role);
	case FLOW_BODY:
		http_skip_body(conn, segment, flow, role);
		return ROUND_MORE;
	case FLOW_CHUNK_SIZE:
	case FLOW_CHUNK_EXTENSION:
	case FLOW_CHUNK_DATA:
	case FLOW_TRAILER:
		/* Several in a round: a segment put together by receive offload may hold hundreds. */
		for (int i = 0; i < CHUNKS_PER_ROUND; i++) {
			int result;

			if (segment->pos >= segment->len || flow->state < FLOW_CHUNK_SIZE ||
			    flow->state > FLOW_TRAILER)
				return ROUND_MORE;
			if (flow->state == FLOW_CHUNK_DATA) {
				http_skip_body(conn, segment, flow, role);
				continue;
			}
			result = http_read_chunk_line(packet, conn, segment);
			if (result == ROUND_END) {
				http_message_end(conn, &segment->key, role, segment->now_ns);
				return ROUND_MORE;
			}
			if (result)
				return result;
		}
		return ROUND_MORE;
	case FLOW_UNTIL_CLOSE:
		http_count_body(conn, &segment->key, role, segment->len - segment->pos);
		segment->pos = segment->len;
		return ROUND_MORE;
	default:
		segment->pos = segment->len;
		return ROUND_MORE;
	}
}

/* Reads the payload from pos on, which is the next byte of its direction. Returns 0. */
__noinline int http_read_payload(packet_t *packet, struct http_conn *conn, struct segment *segment)
{
	if (!packet || !conn || !segment)
		return 0;
	__u8 role = http_role_of(conn, segment);
	int result = ROUND_MORE;

	for (int i = 0; i < HTTP_ROUNDS && segment->pos < segment->len; i++) {
		result = http_round(packet, conn, segment);
		if (result != ROUND_MORE)
			break;
	}
	if (result == ROUND_MORE && segment->pos < segment->len)
		result = ROUND_REFUSED + REFUSED_WORK;
	if (result == ROUND_SKIP && conn->flow[role].lost)
		http_pass_lost(conn, role, segment->seq + segment->pos);
	if (result >= ROUND_REFUSED) {
		http_refused(result - ROUND_REFUSED);
		http_lose(conn, &segment->key, role);
	}
	conn->flow[role].next_seq =
		segment->seq + (result == ROUND_UNSEEN ? segment->pos : segment->len);
	return 0;
}

#endif
