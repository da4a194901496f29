/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One TCP connection through bpf/http_flow.bpf.h: what http.bpf.c does around http_read_segment() (finding, making and
 * forgetting the connection's entry) is done here, and what it would enqueue is kept.
 */
#ifndef KERNELCAST_CONVERSATION_H
#define KERNELCAST_CONVERSATION_H

#include "../../bpf/http_conn.bpf.h"

static bool http_capture_query;
static int http_batch_enqueue(const struct http_event *event);
static struct http_window *http_window_get(void);
static void http_refused(enum refuse_reason reason);

#include "../../bpf/http_flow.bpf.h"

#include "check.h"
#include "guarded.h"

enum {
	EVENTS_KEPT = 64,
	HEADERS = 40, /* bytes before the payload, as in a real packet */
	START_NS = 1000000,
	STEP_NS = 10, /* between segments */
};

struct conversation {
	bool known;		/* the connection has an entry */
	struct http_conn *conn; /* in memory of its own, for the sanitizer */
	__u8 client;		/* index of the client in the key */
	__u32 next_seq[2];	/* by role */
	__u64 now_ns;
	__u32 refused;
	__u32 count;
	struct http_event events[EVENTS_KEPT];
};

static struct conversation *talking;
/* Aligned as map values are. */
static struct http_window window_bytes __attribute__((aligned(8)));

static struct http_window *http_window_get(void)
{
	return &window_bytes;
}

static void http_refused(enum refuse_reason reason)
{
	talking->refused++;
}

static int http_batch_enqueue(const struct http_event *event)
{
	if (talking->count < EVENTS_KEPT)
		talking->events[talking->count] = *event;
	talking->count++;
	return 0;
}

static inline void conversation_begin(struct conversation *talk, __u8 client, __u32 client_seq,
				      __u32 server_seq)
{
	if (talk->conn)
		free(talk->conn);
	memset(talk, 0, sizeof(*talk));
	talk->conn = aligned_alloc(8, sizeof(*talk->conn));
	talk->client = client;
	talk->next_seq[ROLE_CLIENT] = client_seq;
	talk->next_seq[ROLE_SERVER] = server_seq;
	talk->now_ns = START_NS;
	/* What another connection's packets left there. */
	memset(&window_bytes, 'Z', sizeof(window_bytes));
	talking = talk;
}

/* Delivers one packet, whose payload lies at seq. */
static inline void conversation_deliver(struct conversation *talk, enum http_role role, __u32 seq,
					const void *payload, __u32 len, __u8 flags)
{
	static __u8 bytes[GUARDED_MAX];
	struct segment segment = {.seq = seq,
				  .offset = HEADERS,
				  .len = len,
				  .flags = flags,
				  .from = talk->client ^ role,
				  .key = {.port = {40000, 40001}}};
	packet_t packet = {.len = HEADERS + len};
	__u8 client_byte = 0xc1, server_byte = 0x5e;

	memset(segment.key.address[talk->client], client_byte, 16);
	memset(segment.key.address[talk->client ^ 1], server_byte, 16);
	memset(bytes, 0xee, HEADERS);
	memcpy(bytes + HEADERS, payload, len);
	packet.bytes = guarded_copy(bytes, packet.len);
	talk->now_ns += STEP_NS;
	segment.now_ns = talk->now_ns;
	if (!talk->known) {
		__u32 looked_at = len < HTTP_METHOD_MAX ? len : HTTP_METHOD_MAX;

		memset(window_bytes.bytes + HTTP_CARRY, 0, HTTP_METHOD_MAX);
		memcpy(window_bytes.bytes + HTTP_CARRY, payload, looked_at);
		if (!looked_at || !http_begins_request(&window_bytes, looked_at))
			return;
		memset(talk->conn, 0, sizeof(*talk->conn));
		talk->conn->client = segment.from;
		talk->known = true;
	}
	if (http_read_segment(&packet, talk->conn, &segment) == SEGMENT_FORGET) {
		talk->known = false;
		/* Whoever still looks at it finds nothing that makes sense. */
		memset(talk->conn, 0x7e, sizeof(*talk->conn));
	}
}

static inline bool is_zero(const char *bytes, __u32 len)
{
	for (__u32 i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

/* What every event must be, whatever the traffic was. Returns NULL, or what is wrong. */
static inline const char *event_fault(const struct http_event *event)
{
	if (!event->method_len || event->method_len > HTTP_METHOD_MAX)
		return "method_len";
	if (event->host_len > HTTP_HOST_MAX || event->user_agent_len > HTTP_USER_AGENT_MAX ||
	    event->traceparent_len > HTTP_TRACEPARENT_MAX || event->target_len > HTTP_TARGET_MAX)
		return "a length beyond its field";
	if (event->path_len > event->target_len)
		return "path_len beyond target_len";
	if (!http_capture_query && event->path_len != event->target_len)
		return "a query that nobody asked for";
	if (!is_zero(event->method + event->method_len, HTTP_METHOD_MAX - event->method_len) ||
	    !is_zero(event->target + event->target_len, HTTP_TARGET_MAX - event->target_len) ||
	    !is_zero(event->user_agent + event->user_agent_len,
		     HTTP_USER_AGENT_MAX - event->user_agent_len) ||
	    !is_zero(event->traceparent + event->traceparent_len,
		     HTTP_TRACEPARENT_MAX - event->traceparent_len) ||
	    !is_zero(event->host + event->host_len, HTTP_HOST_MAX - event->host_len) || event->pad)
		return "bytes behind a text or in the padding";
	if (event->version > 2 || event->outcome > HTTP_OUTCOME_UPGRADED ||
	    event->flags & ~HTTP_PATH_TRUNCATED)
		return "an enum without a name";
	if (event->status && (event->status < 100 || event->status > 999))
		return "status";
	if (event->outcome == HTTP_OUTCOME_COMPLETE && !event->status)
		return "complete without a status";
	if (event->start_ns < START_NS || event->end_ns < event->start_ns)
		return "the end before the start";
	if (event->first_byte_ns &&
	    (event->first_byte_ns < event->start_ns || event->first_byte_ns > event->end_ns))
		return "first_byte_ns outside the transaction";
	return NULL;
}

#endif
