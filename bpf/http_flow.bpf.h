/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Follows both directions of a connection and joins requests with responses (RFC 9112). Heads are read once; after that
 * the TCP sequence number tells where a message ends, so body bytes are never looked at, except chunk-size lines.
 *
 * The includer defines, before this file:
 *   int http_batch_enqueue(const struct http_event *)   takes a finished transaction
 *   struct http_window *http_window_get(void)           scratch that nothing else uses meanwhile
 *   void http_refused(enum refuse_reason)                             counts a message that is no HTTP/1.x after all
 *   http_capture_query                                  keep the query behind the path
 */
#ifndef KERNELCAST_HTTP_FLOW_BPF_H
#define KERNELCAST_HTTP_FLOW_BPF_H

#include "http_head.bpf.h"

enum http_round_result {
	ROUND_MORE = 0,	   /* go on with the same segment */
	ROUND_REFUSED = 1, /* the rest of the segment is not HTTP */
};

static const __u64 METHOD_HEAD = WORD8('H', 'E', 'A', 'D', 0, 0, 0, 0);
static const __u64 METHOD_CONNECT = WORD8('C', 'O', 'N', 'N', 'E', 'C', 'T', 0);

static __always_inline __u8 http_role_of(const struct http_conn *conn,
					 const struct segment *segment)
{
	return (segment->from & 1) == conn->client ? ROLE_CLIENT : ROLE_SERVER;
}

/* Hands the open transaction over, once. */
static __always_inline void http_end(struct http_conn *conn, enum http_outcome outcome,
				     __u64 end_ns)
{
	if (!conn->open)
		return;
	conn->open = 0;
	conn->event.outcome = outcome;
	conn->event.end_ns = end_ns;
	http_batch_enqueue(&conn->event);
}

/* Ends the open transaction before its response is whole: at its last response segment, or now if there was none. */
static __always_inline void http_end_early(struct http_conn *conn, enum http_outcome outcome,
					   __u64 now_ns)
{
	http_end(conn, outcome, conn->response_ns ?: now_ns);
}

static __always_inline void flow_expect_message(struct http_flow *flow)
{
	flow->state = FLOW_START;
	flow->flags = 0;
	flow->carry_len = 0;
	flow->left = 0;
	flow->head_bytes = 0;
	flow->stale = 0;
}

static __always_inline void http_become_opaque(struct http_conn *conn)
{
	conn->flow[ROLE_CLIENT].state = FLOW_OPAQUE;
	conn->flow[ROLE_SERVER].state = FLOW_OPAQUE;
}

static __always_inline void http_message_end(struct http_conn *conn, struct http_flow *flow,
					     __u8 role, __u64 now_ns)
{
	bool stale = flow->stale;

	flow_expect_message(flow);
	if (role == ROLE_SERVER && !stale)
		http_end(conn, HTTP_OUTCOME_COMPLETE, now_ns);
}

/* May what is read of this direction's message be added to the open transaction? */
static __always_inline bool http_is_of_open(const struct http_conn *conn,
					    const struct http_flow *flow)
{
	return conn->open && !flow->stale;
}

/* Adds to the open transaction's body in this direction. */
static __always_inline void http_count_body(struct http_conn *conn, const struct http_flow *flow,
					    __u8 role, __u64 bytes)
{
	if (!http_is_of_open(conn, flow))
		return;
	if (role == ROLE_SERVER)
		conn->event.response_body_bytes += bytes;
	else
		conn->event.request_body_bytes += bytes;
}

/*
 * A response under way when a request begins, or becomes the open one, is not its answer. One that only the connection's
 * end would end is over.
 */
static __always_inline void http_disown_reply(struct http_conn *conn)
{
	struct http_flow *reply = &conn->flow[ROLE_SERVER];

	if (reply->state == FLOW_UNTIL_CLOSE)
		flow_expect_message(reply);
	else if (reply->state != FLOW_START)
		reply->stale = 1;
}

static __always_inline void http_request_begin(struct http_conn *conn,
					       const struct segment *segment)
{
	struct http_event *event = &conn->event;
	__u32 client = segment->from & 1, server = client ^ 1;

	http_disown_reply(conn);
	http_end_early(conn, HTTP_OUTCOME_SUPERSEDED, segment->now_ns);
	__builtin_memset(event, 0, sizeof(*event));
	event->start_ns = segment->now_ns;
	__builtin_memcpy(event->client_address, segment->key.address[client], 16);
	__builtin_memcpy(event->server_address, segment->key.address[server], 16);
	event->client_port = segment->key.port[client];
	event->server_port = segment->key.port[server];
	conn->response_ns = 0;
}

/* Chunked wins over a length (RFC 9112 section 6.3). otherwise: the state when the head gives neither. */
static __always_inline void flow_expect_body(struct http_flow *flow, enum http_flow_state otherwise)
{
	if (flow->flags & FLOW_CHUNKED) {
		flow->state = FLOW_CHUNK_SIZE;
		flow->left = 0;
	} else if (flow->flags & FLOW_HAS_LENGTH) {
		flow->state = flow->left ? FLOW_BODY : FLOW_START;
	} else {
		flow->state = otherwise;
	}
	flow->flags = 0;
}

static __always_inline void http_request_head_end(struct http_conn *conn, struct http_flow *flow)
{
	http_disown_reply(conn);
	conn->event.request_header_bytes = flow->head_bytes;
	conn->open = 1;
	conn->seen = 1;
	if (load64(conn->event.method) == METHOD_CONNECT)
		flow_expect_message(flow);
	else
		flow_expect_body(flow, FLOW_START);
	if (flow->state == FLOW_START)
		flow_expect_message(flow);
}

static __always_inline void http_response_head_end(struct http_conn *conn, struct http_flow *flow,
						   __u64 now_ns)
{
	__u64 method = load64(conn->event.method);
	__u16 status = flow->status;

	if (status < 200 && status != 101) {
		if (http_is_of_open(conn, flow))
			conn->event.first_byte_ns = 0;
		flow_expect_message(flow);
		return;
	}
	if (http_is_of_open(conn, flow)) {
		conn->event.status = status;
		conn->event.response_header_bytes = flow->head_bytes;
	}
	if (status == 101 || (method == METHOD_CONNECT && status < 300)) {
		if (!flow->stale)
			http_end(conn,
				 status == 101 ? HTTP_OUTCOME_UPGRADED : HTTP_OUTCOME_COMPLETE,
				 now_ns);
		http_become_opaque(conn);
		return;
	}
	if (method == METHOD_HEAD || status == 204 || status == 304) {
		http_message_end(conn, flow, ROLE_SERVER, now_ns);
		return;
	}
	flow_expect_body(flow, FLOW_UNTIL_CLOSE);
	if (flow->state == FLOW_START)
		http_message_end(conn, flow, ROLE_SERVER, now_ns);
}

/* Can the bytes at HTTP_CARRY begin a message? In step with the stream, a beginning too short to tell is taken. */
static __always_inline bool http_begins_message(const struct http_window *window, __u32 len,
						__u8 role, bool in_step)
{
	if (role == ROLE_CLIENT)
		return http_begins_request(window, len);
	__u64 word = window_load(window, HTTP_CARRY);
	return word == VERSION_1_1 || word == VERSION_1_0 || (in_step && len < 8);
}

/* Puts an unfinished line before the fresh bytes, or keeps it for the next segment. Always whole HTTP_CARRY bytes. */
static __always_inline void carry_copy(char *to, const char *from)
{
	for (int i = 0; i < HTTP_CARRY; i += 8)
		*(__u64 *)(to + i) = load64(from + i);
}

/* Takes what the scan found into the event (request) or the flow (response). Returns false when it is no HTTP/1.x. */
static __always_inline bool http_take_fields(struct http_conn *conn, struct http_flow *flow,
					     __u8 role, const struct http_window *window,
					     const struct http_scan *scan, bool whole)
{
	struct http_event *event = &conn->event;

	if (scan->start_line.len) {
		if (role == ROLE_CLIENT) {
			if (!read_request_line(event, window, scan->start_line, whole,
					       http_capture_query))
				return false;
		} else {
			__u8 version = 0;
			flow->status = read_status_line(window, scan->start_line, &version);
			if (!flow->status)
				return false;
			if (http_is_of_open(conn, flow) && !event->version)
				event->version = version;
		}
		flow->flags |= FLOW_FIRST_LINE;
	}
	if (role == ROLE_CLIENT) {
		if (scan->host.len)
			event->host_len = copy_text(event->host, HTTP_HOST_MAX, event->host_len,
						    window, span_trim(window, scan->host));
		if (scan->user_agent.len)
			event->user_agent_len = copy_text(event->user_agent, HTTP_USER_AGENT_MAX,
							  event->user_agent_len, window,
							  span_trim(window, scan->user_agent));
		if (scan->traceparent.len)
			event->traceparent_len = copy_text(event->traceparent, HTTP_TRACEPARENT_MAX,
							   event->traceparent_len, window,
							   span_trim(window, scan->traceparent));
	}
	if (scan->content_length.len) {
		struct span digits = span_trim(window, scan->content_length);
		__s64 length = http_parse_length(window, digits.at, digits.len);

		if (length != LENGTH_INVALID) {
			flow->left = length;
			flow->flags |= FLOW_HAS_LENGTH;
		}
	}
	if (scan->transfer_encoding.len && last_coding_is_chunked(window, scan->transfer_encoding))
		flow->flags |= FLOW_CHUNKED;
	return true;
}

/* Reads one window of a message head. */
static __always_inline int http_read_head(packet_t *packet, struct http_conn *conn,
					  struct segment *segment, struct http_flow *flow,
					  __u8 role, bool in_step)
{
	struct http_window *window = http_window_get();
	struct http_scan scan = {};
	__u32 fresh = segment->len - segment->pos, start, end, rest;
	bool whole = true, skipping;

	if (!window)
		return ROUND_REFUSED;
	if (fresh > HTTP_WINDOW)
		fresh = HTTP_WINDOW;
	opaque(fresh);
	if (fresh < 1 || fresh > HTTP_WINDOW)
		return ROUND_REFUSED;
	if (packet_load(packet, segment->offset + segment->pos, window->bytes + HTTP_CARRY, fresh) <
	    0)
		return ROUND_REFUSED;
	end = HTTP_CARRY + fresh;
	/* Nothing of an earlier packet may stand where this one's bytes end. */
	__builtin_memset(window->bytes + end, 0, HTTP_SLACK);

	if (flow->state == FLOW_START && role == ROLE_CLIENT) {
		char first = window_byte(window, HTTP_CARRY);
		/* Empty lines between requests are passed over (RFC 9112 section 2.2): they begin none. */
		if (first == '\r' || first == '\n') {
			segment->pos++;
			return ROUND_MORE;
		}
	}
	if (flow->state == FLOW_START) {
		if (!http_begins_message(window, fresh, role, in_step))
			return ROUND_REFUSED;
		if (role == ROLE_CLIENT)
			http_request_begin(conn, segment);
		else if (conn->open)
			conn->event.first_byte_ns = segment->now_ns;
		flow_expect_message(flow);
		flow->state = FLOW_HEAD;
	}
	start = HTTP_CARRY;
	if (flow->carry_len) {
		carry_copy(window->bytes, flow->carry);
		start -= flow->carry_len;
		flow->carry_len = 0;
	}
	skipping = flow->flags & FLOW_SKIP_LINE;
	scan.line = start;
	scan.flags = (role == ROLE_CLIENT ? SCAN_REQUEST : 0) |
		     (flow->flags & FLOW_FIRST_LINE ? 0 : SCAN_FIRST) | (skipping ? SCAN_SKIP : 0);
	http_scan_lines(window, &scan, end);
	rest = end - scan.line;
	if (!scan.complete && !scan.stopped) {
		if (skipping && scan.line == start) {
			/* Still the same long line. */
		} else if (rest > HTTP_CARRY) {
			/* A line longer than is kept: its beginning is all that is read. */
			if (!(flow->flags & FLOW_FIRST_LINE) && !scan.start_line.len) {
				scan.start_line = (struct span){.at = scan.line, .len = rest};
				whole = false;
			} else {
				http_scan_field(window, &scan, role == ROLE_CLIENT, scan.line,
						rest);
			}
			flow->flags |= FLOW_SKIP_LINE;
		} else {
			flow->flags &= ~FLOW_SKIP_LINE;
			carry_copy(flow->carry, window->bytes + (end - HTTP_CARRY));
			flow->carry_len = rest;
		}
		rest = 0;
	} else {
		flow->flags &= ~FLOW_SKIP_LINE;
	}
	if (!http_take_fields(conn, flow, role, window, &scan, whole))
		return ROUND_REFUSED;
	segment->pos += fresh - rest;
	flow->head_bytes += fresh - rest;
	if (flow->head_bytes > HTTP_HEAD_MAX)
		return ROUND_REFUSED;
	if (scan.complete) {
		if (role == ROLE_CLIENT)
			http_request_head_end(conn, flow);
		else
			http_response_head_end(conn, flow, segment->now_ns);
	}
	return ROUND_MORE;
}

enum {
	CHUNK_PEEK = 16,
	CHUNKS_PER_ROUND = 16,
};

/* Reads a chunk's size line or a part of the trailers, a few bytes at a time (RFC 9112 section 7.1). */
__noinline int http_read_chunk_line(packet_t *packet, struct http_conn *conn,
				    struct segment *segment)
{
	__u8 bytes[CHUNK_PEEK] = {};

	if (!packet || !conn || !segment)
		return ROUND_REFUSED;
	__u8 role = http_role_of(conn, segment);
	struct http_flow *flow = &conn->flow[role];
	__u32 fresh = segment->len - segment->pos;

	if (fresh > CHUNK_PEEK)
		fresh = CHUNK_PEEK;
	opaque(fresh);
	if (fresh < 1 || fresh > CHUNK_PEEK)
		return ROUND_REFUSED;
	if (packet_load(packet, segment->offset + segment->pos, bytes, fresh) < 0)
		return ROUND_REFUSED;

	for (__u32 i = 0; i < CHUNK_PEEK; i++) {
		if (i >= fresh)
			break;
		__u8 c = bytes[i];
		segment->pos++;
		if (flow->state == FLOW_TRAILER) {
			if (c == '\n' && (flow->flags & FLOW_LINE_EMPTY)) {
				http_message_end(conn, flow, role, segment->now_ns);
				return ROUND_MORE;
			}
			if (c == '\n')
				flow->flags |= FLOW_LINE_EMPTY;
			else if (c != '\r')
				flow->flags &= ~FLOW_LINE_EMPTY;
		} else if (c == '\n') {
			if (!flow->left) {
				flow->state = FLOW_TRAILER;
				flow->flags |= FLOW_LINE_EMPTY;
				continue;
			}
			http_count_body(conn, flow, role, flow->left);
			flow->left += 2;
			flow->state = FLOW_CHUNK_DATA;
			return ROUND_MORE;
		} else if (flow->state == FLOW_CHUNK_SIZE && c != '\r') {
			__u8 digit = c - '0', letter = (c | LOWER) - 'a';
			if (c == ';' || c == ' ' || c == '\t')
				flow->state = FLOW_CHUNK_EXTENSION;
			else if ((digit > 9 && letter > 5) || flow->left >> 56)
				return ROUND_REFUSED;
			else
				flow->left = flow->left << 4 | (digit <= 9 ? digit : letter + 10);
		}
	}
	return ROUND_MORE;
}

/* Takes bytes off a body or chunk: those of a segment, or of a gap. Chunks were counted by their size lines. */
static __always_inline void http_pass_body(struct http_conn *conn, struct http_flow *flow,
					   __u8 role, __u64 bytes, __u64 now_ns)
{
	flow->left -= bytes;
	if (flow->state == FLOW_BODY)
		http_count_body(conn, flow, role, bytes);
	if (flow->left)
		return;
	if (flow->state == FLOW_CHUNK_DATA)
		flow->state = FLOW_CHUNK_SIZE;
	else
		http_message_end(conn, flow, role, now_ns);
}

/* Passes over body bytes by count. */
static __always_inline void http_skip_body(struct http_conn *conn, struct segment *segment,
					   struct http_flow *flow, __u8 role)
{
	__u32 rest = segment->len - segment->pos;
	__u64 take = rest < flow->left ? rest : flow->left;

	segment->pos += take;
	http_pass_body(conn, flow, role, take, segment->now_ns);
}

/*
 * One step through a segment. A function of its own, not inlined: the verifier then proves it once and not for every
 * round of the loop that calls it (global functions, Linux 5.12).
 */
__noinline int http_round(packet_t *packet, struct http_conn *conn, struct segment *segment)
{
	if (!packet || !conn || !segment)
		return ROUND_REFUSED;
	__u8 role = http_role_of(conn, segment);
	struct http_flow *flow = &conn->flow[role];

	switch (flow->state) {
	case FLOW_START:
	case FLOW_HEAD:
		return http_read_head(packet, conn, segment, flow, role, conn->seen);
	case FLOW_BODY:
		http_skip_body(conn, segment, flow, role);
		return ROUND_MORE;
	case FLOW_CHUNK_SIZE:
	case FLOW_CHUNK_EXTENSION:
	case FLOW_CHUNK_DATA:
	case FLOW_TRAILER:
		/* Several in a round: a segment put together by receive offload may hold hundreds. */
		for (int i = 0; i < CHUNKS_PER_ROUND; i++) {
			if (segment->pos >= segment->len || flow->state < FLOW_CHUNK_SIZE ||
			    flow->state > FLOW_TRAILER)
				return ROUND_MORE;
			if (flow->state == FLOW_CHUNK_DATA)
				http_skip_body(conn, segment, flow, role);
			else if (http_read_chunk_line(packet, conn, segment))
				return ROUND_REFUSED;
		}
		return ROUND_MORE;
	case FLOW_UNTIL_CLOSE:
		http_count_body(conn, flow, role, segment->len - segment->pos);
		segment->pos = segment->len;
		return ROUND_MORE;
	default:
		segment->pos = segment->len;
		return ROUND_MORE;
	}
}

/*
 * Brings the segment in step with what was read: bytes seen before (a retransmission, the same packet on a second
 * device) are passed over; bytes that were never seen are passed over inside a body and put the flow out of step in a
 * head. Returns false when nothing new is in the segment.
 */
static __always_inline bool flow_align(struct http_conn *conn, struct http_flow *flow,
				       struct segment *segment, __u8 role)
{
	__s32 seen = flow->known ? flow->next_seq - segment->seq : 0;

	flow->known = 1;
	if (seen >= 0) {
		segment->pos = seen;
		return seen < segment->len;
	}
	__u32 gap = -seen;
	if (flow->state == FLOW_BODY || flow->state == FLOW_CHUNK_DATA) {
		/* At the very end of the body the next message begins unseen or with this segment. */
		if (flow->left >= gap) {
			http_pass_body(conn, flow, role, gap, segment->now_ns);
			return true;
		}
	}
	if (flow->state != FLOW_UNTIL_CLOSE && flow->state != FLOW_OPAQUE)
		flow_expect_message(flow);
	return true;
}

enum http_segment_result {
	SEGMENT_KEEP = 0,
	SEGMENT_FORGET = 1, /* the connection is over, or was never HTTP: the entry may go */
};

/* Reads one segment of a known connection, whose lock the caller holds. */
static __always_inline int http_read_segment(packet_t *packet, struct http_conn *conn,
					     struct segment *segment)
{
	__u8 role = http_role_of(conn, segment);
	struct http_flow *flow = &conn->flow[role];
	int result = ROUND_MORE;

	if (segment->flags & TCP_SYN) {
		/* The tuple is used again: what was open on it can get no answer any more. */
		http_end_early(conn, HTTP_OUTCOME_CLOSED, segment->now_ns);
		flow_expect_message(flow);
		flow->next_seq = segment->seq;
		flow->known = 1;
		conn->fin = 0;
		conn->last_ns = segment->now_ns;
		return SEGMENT_KEEP;
	}
	if (segment->len && flow_align(conn, flow, segment, role)) {
		conn->last_ns = segment->now_ns;
		if (role == ROLE_SERVER && conn->open)
			conn->response_ns = segment->now_ns;
		for (int i = 0; i < HTTP_ROUNDS && segment->pos < segment->len; i++) {
			result = http_round(packet, conn, segment);
			if (result != ROUND_MORE)
				break;
		}
		if (result == ROUND_REFUSED || segment->pos < segment->len) {
			http_refused(REFUSED_START_LINE);
			flow_expect_message(flow);
		}
		flow->next_seq = segment->seq + segment->len;
	}
	if (segment->flags & TCP_RST) {
		http_end_early(conn, HTTP_OUTCOME_RESET, segment->now_ns);
		return SEGMENT_FORGET;
	}
	if (segment->flags & TCP_FIN) {
		conn->fin |= 1 << role;
		if (role == ROLE_SERVER)
			http_end_early(conn,
				       flow->state == FLOW_UNTIL_CLOSE && !flow->stale
					       ? HTTP_OUTCOME_COMPLETE
					       : HTTP_OUTCOME_CLOSED,
				       segment->now_ns);
		if (conn->fin == 3)
			return SEGMENT_FORGET;
	}
	return conn->seen || result == ROUND_MORE ? SEGMENT_KEEP : SEGMENT_FORGET;
}

#endif
