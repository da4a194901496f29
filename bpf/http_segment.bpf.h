/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Brings the segments of a connection into the order of its bytes, as they came to the ends and not as they came by:
 * again (a retransmission, a second device), too early, or never. Then http_flow.bpf.h reads them.
 */
#ifndef KERNELCAST_HTTP_SEGMENT_BPF_H
#define KERNELCAST_HTTP_SEGMENT_BPF_H

#include "http_flow.bpf.h"

/* Is it enough to count the next bytes of this direction? */
static __always_inline bool flow_can_pass(const struct http_flow *flow, __u32 bytes)
{
	switch (flow->state) {
	case FLOW_BODY:
	case FLOW_CHUNK_DATA:
		return flow->left >= bytes;
	case FLOW_UNTIL_CLOSE:
	case FLOW_OPAQUE:
		return true;
	default:
		return false;
	}
}

/* Passes over bytes that were not seen, up to seq, if that is ahead. Returns 0. */
__noinline int http_pass_gap(struct http_conn *conn, const struct segment *segment, __u32 role,
			     __u32 seq)
{
	if (!conn || !segment)
		return 0;
	struct http_flow *flow = &conn->flow[role & 1];
	__u32 bytes = seq - flow->next_seq;

	if ((__s32)bytes <= 0)
		return 0;
	if (flow->state == FLOW_UNTIL_CLOSE) {
		http_count_body(conn, &segment->key, role, bytes);
	} else if (flow->state != FLOW_OPAQUE) {
		bool enough = flow_can_pass(flow, bytes);

		if (flow->state == FLOW_BODY || flow->state == FLOW_CHUNK_DATA)
			http_pass_body(conn, &segment->key, role, enough ? bytes : flow->left,
				       segment->now_ns);
		if (!enough && !flow->lost) {
			http_missed();
			http_lose(conn, &segment->key, role);
		} else if (!enough) {
			http_pass_lost(conn, role & 1, flow->next_seq);
		}
		flow->carry_len = 0;
	}
	flow->next_seq = seq;
	return 0;
}

/*
 * Takes the first segment of those that are kept into the scratch, if it is next: nothing is missing before it but what may be
 * passed by count, or lies before seq. Returns false if it is not.
 */
__noinline int http_held_next(struct http_flow *flow, __u32 seq)
{
	struct http_scratch *scratch = http_scratch_get();
	const struct http_held *held;
	__u32 first, behind;

	if (!flow || !scratch || !flow->held)
		return false;
	first = flow->held_seq;
	behind = flow->next_seq - first;
	if ((__s32)behind < 0) {
		if ((__s32)(seq - first) < 0 && !flow_can_pass(flow, -behind))
			return false;
		behind = 0;
	}
	scratch->held_key.seq = first;
	held = bpf_map_lookup_elem(&http_held, &scratch->held_key);
	if (!held) {
		flow->held = 0;
		return false;
	}
	scratch->held.seq = first;
	scratch->held.len = held->kept;
	scratch->held.pos = behind;
	scratch->held_end = first + held->len;
	flow->held_seq = held->next;
	flow->held--;
	return true;
}

/*
 * What is missing before seq will not come any more: passes over it, and reads what was kept, of which there is some, and is
 * next. Returns 0.
 */
__noinline int http_read_held(packet_t *packet, struct http_conn *conn,
			      const struct segment *segment, __u32 role, __u32 seq)
{
	if (!packet || !conn || !segment)
		return 0;
	role &= 1;
	struct http_flow *flow = &conn->flow[role];
	struct http_scratch *scratch = http_scratch_get();

	if (!scratch)
		return 0;
	struct segment *kept = &scratch->held;

	kept->key = segment->key;
	kept->flags = 0;
	kept->from = conn->client ^ role;
	kept->held = role + 1;
	kept->now_ns = segment->now_ns;
	scratch->held_key.conn = segment->key;
	scratch->held_key.role = role;
	for (int i = 0; i < HTTP_HELD_MAX; i++) {
		if (!http_held_next(flow, seq))
			break;
		http_pass_gap(conn, kept, role, kept->seq);
		if (kept->pos < kept->len) {
			if (role == ROLE_SERVER && conn->count)
				conn->response_ns = kept->now_ns;
			http_read_payload(packet, conn, kept);
		}
		bpf_map_delete_elem(&http_held, &scratch->held_key);
		http_pass_gap(conn, kept, role, scratch->held_end);
	}
	http_pass_gap(conn, kept, role, seq);
	/* Others came as well, and there was no room for them. */
	__s32 came = flow->held_end - flow->next_seq;
	if (came > 0 && flow_can_pass(flow, came))
		http_pass_gap(conn, kept, role, flow->held_end);
	return 0;
}

/* What is missing before seq will not come any more. */
static __always_inline void http_give_up(packet_t *packet, struct http_conn *conn,
					 const struct segment *segment, __u8 role, __u32 seq)
{
	if (conn->flow[role].held)
		http_read_held(packet, conn, segment, role, seq);
	else
		http_pass_gap(conn, segment, role, seq);
}

enum {
	/* No window is larger, RFC 7323 section 2.2: an acknowledgement further ahead is not of this connection. */
	TCP_WINDOW_MAX = 1 << 30,
};

/* The sender has got the other side's bytes up to ack, whether they came by here or not. */
static __always_inline void http_take_ack(packet_t *packet, struct http_conn *conn,
					  const struct segment *segment, __u8 role)
{
	struct http_flow *flow = &conn->flow[role];
	__u32 ack = segment->ack, ahead = ack - flow->next_seq;

	if (!(segment->flags & TCP_ACK) || !flow->known || !ahead || ahead > TCP_WINDOW_MAX)
		return;
	/* A FIN counts as one byte. */
	if (flow->fin && ack == flow->fin_seq + 1)
		ack--;
	http_give_up(packet, conn, segment, role, ack);
}

static __always_inline void http_take_payload(packet_t *packet, struct http_conn *conn,
					      struct segment *segment, struct http_flow *flow,
					      __u8 role)
{
	__u32 behind;
	__s32 ahead;

	if (!flow->known) {
		flow->known = 1;
		flow->next_seq = segment->seq;
	}
	ahead = segment->seq - flow->next_seq;
	if (ahead > 0) {
		/* Also when it found no room: what is missing may come yet, and then much can be passed by count. */
		if (!flow_can_pass(flow, ahead) && !flow->lost) {
			http_hold(packet, flow, segment, role);
			return;
		}
		http_give_up(packet, conn, segment, role, segment->seq);
		ahead = segment->seq - flow->next_seq;
	}
	behind = flow->next_seq - segment->seq;
	if (ahead > 0 || behind >= segment->len)
		return;
	segment->pos = behind;
	conn->last_ns = segment->now_ns;
	if (role == ROLE_SERVER && conn->count)
		conn->response_ns = segment->now_ns;
	http_read_payload(packet, conn, segment);
	if (flow->next_seq != segment->seq + segment->len)
		http_pass_gap(conn, segment, role, segment->seq + segment->len);
	if (flow->held)
		http_read_held(packet, conn, segment, role, flow->next_seq);
}

/* Ends what a FIN ends, once all bytes before it have been read. */
static __always_inline void http_take_fin(struct http_conn *conn, const struct segment *segment,
					  __u8 role)
{
	struct http_flow *flow = &conn->flow[role];
	__u32 missing = flow->fin_seq - flow->next_seq;

	if (!flow->fin || conn->fin & 1 << role)
		return;
	if (flow->known && (__s32)missing > 0) {
		if (!flow_can_pass(flow, missing))
			return;
		http_pass_gap(conn, segment, role, flow->fin_seq);
	}
	conn->fin |= 1 << role;
	flow->known = 1;
	flow->next_seq = flow->fin_seq + 1;
	if (role == ROLE_CLIENT)
		return;
	if (flow->state == FLOW_UNTIL_CLOSE && !flow->stale && !conn->broken)
		http_end_early(conn, &segment->key, HTTP_OUTCOME_COMPLETE, segment->now_ns);
	http_finish(conn, &segment->key, HTTP_OUTCOME_CLOSED, segment->now_ns);
	/* Half a response is none to a request that comes later. */
	flow->stale = 1;
}

/* The tuple is used again: what was open on it can get no answer any more. */
static __always_inline void http_renew(struct http_conn *conn, const struct segment *segment)
{
	http_finish(conn, &segment->key, HTTP_OUTCOME_CLOSED, segment->now_ns);
	for (int role = 0; role < 2; role++) {
		flow_expect_message(&conn->flow[role]);
		conn->flow[role].known = conn->flow[role].lost = 0;
		conn->flow[role].held = conn->flow[role].fin = 0;
	}
	conn->fin = 0;
	conn->answered_port = 0;
	conn->client = segment->from & 1;
	conn->last_ns = segment->now_ns;
}

enum http_segment_result {
	SEGMENT_KEEP = 0,
	SEGMENT_FORGET = 1, /* the connection is over, or was never HTTP: the entry may go */
};

/* Reads one segment of a known connection, whose lock the caller holds. renewed: its SYN opens the connection anew. */
static __always_inline int http_read_segment(packet_t *packet, struct http_conn *conn,
					     struct segment *segment, bool renewed)
{
	if (renewed)
		http_renew(conn, segment);
	__u8 role = http_role_of(conn, segment), other = role ^ 1;
	struct http_flow *flow = &conn->flow[role];

	if (segment->flags & TCP_SYN) {
		if (!flow->known) {
			flow->known = 1;
			flow->next_seq = segment->seq;
		}
	} else if (!(conn->fin & 1 << other)) {
		http_take_ack(packet, conn, segment, other);
	}
	/* Nothing comes behind a FIN. */
	if (segment->len && !(conn->fin & 1 << role))
		http_take_payload(packet, conn, segment, flow, role);
	if (segment->flags & TCP_RST) {
		http_finish(conn, &segment->key, HTTP_OUTCOME_RESET, segment->now_ns);
		return SEGMENT_FORGET;
	}
	if (segment->flags & TCP_FIN) {
		flow->fin = 1;
		flow->fin_seq = segment->seq + segment->len;
	}
	http_take_fin(conn, segment, other);
	http_take_fin(conn, segment, role);
	if (conn->fin == 3) {
		/* Requests that came after the server's FIN. */
		http_finish(conn, &segment->key, HTTP_OUTCOME_CLOSED, segment->now_ns);
		return SEGMENT_FORGET;
	}
	return conn->seen || conn->count || flow->held ? SEGMENT_KEEP : SEGMENT_FORGET;
}

#endif
