/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Segments that came before their predecessors, kept until those come. Only where their bytes are needed: inside a body
 * of known length the sequence number is enough.
 */
#ifndef KERNELCAST_HTTP_HELD_BPF_H
#define KERNELCAST_HTTP_HELD_BPF_H

#include "http_conn.bpf.h"

/* Those of one direction are a list, in the order of their beginnings. */
struct http_held {
	__u32 len;  /* of the payload */
	__u32 kept; /* of its bytes */
	__u32 next; /* where the next one begins, if one does */
	__u32 pad;
	char bytes
		[HTTP_HELD_BYTES +
		 HTTP_WINDOW]; /* the second part is never read: the verifier adds the limits up */
};

/* What leaves it unread is a gap like any other. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct http_held_key);
	__type(value, struct http_held);
} http_held SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_held);
} http_held_scratch SEC(".maps");

static __always_inline struct http_held_key http_held_key(const struct segment *segment, __u8 role,
							  __u32 seq)
{
	return (struct http_held_key){.conn = segment->key, .seq = seq, .role = role};
}

/* Keeps a segment in its place, or only how far it reaches when there is no room. Returns 0. */
__noinline int http_hold(packet_t *packet, struct http_flow *flow, const struct segment *segment,
			 __u32 role)
{
	__u32 zero = 0, kept, end;
	struct http_held *held = bpf_map_lookup_elem(&http_held_scratch, &zero);
	struct http_held *at = NULL;
	bool first, last, known = false;

	if (!packet || !flow || !segment || !held)
		return 0;
	struct http_held_key key = http_held_key(segment, role, segment->seq);

	end = segment->seq + segment->len;
	if (!flow->held || (__s32)(end - flow->held_end) > 0)
		flow->held_end = end;
	first = !flow->held || (__s32)(segment->seq - flow->held_seq) < 0;
	last = !flow->held || (__s32)(segment->seq - flow->held_last) > 0;
	held->next = flow->held_seq;
	if (!first) {
		/* Mostly it is the last one. One that has left the table is missed with all that came behind it. */
		key.seq = last ? flow->held_last : flow->held_seq;
		for (int i = 0; i < HTTP_HELD_MAX; i++) {
			at = bpf_map_lookup_elem(&http_held, &key);
			if (!at)
				return 0;
			held->next = at->next;
			known = key.seq == segment->seq;
			if (known || last || (__s32)(segment->seq - at->next) < 0)
				break;
			key.seq = at->next;
		}
		key.seq = segment->seq;
	}
	/* Already, from another device, or with more. */
	if (known && at && at->len >= segment->len)
		return 0;
	if (!known && flow->held >= HTTP_HELD_MAX)
		return 0;
	kept = segment->len < HTTP_HELD_BYTES ? segment->len : HTTP_HELD_BYTES;
	opaque(kept);
	if (kept < 1 || kept > HTTP_HELD_BYTES)
		return 0;
	if (packet_load(packet, segment->offset, held->bytes, kept) < 0)
		return 0;
	held->len = segment->len;
	held->kept = kept;
	/* Before the update, which may put the new one in its memory. */
	if (at && !known)
		at->next = segment->seq;
	if (bpf_map_update_elem(&http_held, &key, held, BPF_ANY) || known)
		return 0;
	if (first)
		flow->held_seq = segment->seq;
	if (last)
		flow->held_last = segment->seq;
	flow->held++;
	return 0;
}

/* As http_load(), of a segment that was kept. */
__noinline int http_load_held(const struct segment *segment, struct http_window *window, __u32 len)
{
	if (!segment || !window)
		return -1;
	opaque(len);
	if (len < 1 || len > HTTP_WINDOW)
		return -1;

	struct http_held_key key = http_held_key(segment, segment->held - 1, segment->seq);
	struct http_held *held = bpf_map_lookup_elem(&http_held, &key);
	__u32 pos = segment->pos;

	opaque(pos);
	if (!held || pos > HTTP_HELD_BYTES)
		return -1;
	memory_copy(window->bytes + HTTP_CARRY, len, held->bytes + pos);
	return 0;
}

/* Loads len bytes of the segment at its pos into the window at HTTP_CARRY. Returns 0 or a negative errno. */
static __always_inline int http_load(packet_t *packet, const struct segment *segment,
				     struct http_window *window, __u32 len)
{
	if (segment->held)
		return http_load_held(segment, window, len);
	opaque(len);
	if (len < 1 || len > HTTP_WINDOW)
		return -1;
	return packet_load(packet, segment->offset + segment->pos, window->bytes + HTTP_CARRY, len);
}

#endif
