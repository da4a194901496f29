// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* HTTP events out of nothing, as fast as asked: what the way from enqueue to callback takes, without any packet. */
#include "batch.bpf.h"

USM_EVENTS_INIT(flood, PROTOCOL_HTTP, struct http_event, 16)

/* The event that is sent again and again, made by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_event);
} flood_event SEC(".maps");

enum {
	FLOOD_EVENTS_MAX = 64,
};

/* A function of its own, so that the verifier proves it once and not for each event. */
__noinline int flood_one(const struct http_event *event)
{
	return event ? flood_batch_enqueue(event) : 0;
}

/* args: how many events. Run with BPF_PROG_TEST_RUN. */
SEC("raw_tp")
int flood_run(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 zero = 0;
	__u64 count = ctx->args[0];
	const struct http_event *event = bpf_map_lookup_elem(&flood_event, &zero);

	if (!event || !is_flood_monitoring_enabled())
		return 0;
	for (__u32 i = 0; i < FLOOD_EVENTS_MAX; i++) {
		if (i >= count)
			break;
		flood_one(event);
	}
	flood_batch_flush(ctx);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
