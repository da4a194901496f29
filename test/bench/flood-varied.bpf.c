// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The flood with events that differ, in turn, and are numbered by CPU. Its stream is that of bpf/http.bpf.c: a service that is
 * given this object in the place of that one takes them for transactions that it saw.
 */
#include "batch.bpf.h"

USM_EVENTS_INIT(http, PROTOCOL_HTTP, struct http_event, 16)

enum {
	FLOOD_EVENTS_MAX = 64,
	FLOOD_KINDS_MAX = 4096,
	FLOOD_DURATION_NS = 1000000,
};

/* The events that are sent in turn, made by user space, from the first entry on. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOOD_KINDS_MAX);
	__type(key, __u32);
	__type(value, struct http_event);
} flood_event SEC(".maps");

/* Of a CPU: how many it has made, and the last of them. */
struct flood_made {
	__u64 count;
	struct http_event event;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flood_made);
} flood_made SEC(".maps");

/* A function of its own, so that the verifier proves it once and not for each event. */
__noinline int flood_one(__u32 kinds)
{
	__u32 zero = 0;
	struct flood_made *made = bpf_map_lookup_elem(&flood_made, &zero);

	if (!made || !kinds)
		return 0;
	__u32 kind = made->count % kinds;
	const struct http_event *event = bpf_map_lookup_elem(&flood_event, &kind);
	if (!event)
		return 0;
	made->event = *event;
	made->event.end_ns = bpf_ktime_get_ns();
	made->event.start_ns = made->event.end_ns - FLOOD_DURATION_NS;
	made->event.request_body_bytes = ++made->count;
	return http_batch_enqueue(&made->event);
}

/* args: how many events, and of how many kinds. Run with BPF_PROG_TEST_RUN. */
SEC("raw_tp")
int flood_run(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 count = ctx->args[0];
	__u32 kinds = ctx->args[1];

	if (!is_http_monitoring_enabled())
		return 0;
	for (__u32 i = 0; i < FLOOD_EVENTS_MAX; i++) {
		if (i >= count)
			break;
		flood_one(kinds);
	}
	http_batch_flush(ctx);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
