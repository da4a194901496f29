// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * A stream whose events are numbered: made in socket filter, process, interrupt and uprobe context, as the load asks.
 * What became of each is noted here as well, so that the library's own counters have something to be held against.
 */
#include "batch.bpf.h"
#include "torture.h"

#include <linux/ptrace.h>
#include <bpf/bpf_tracing.h>

#ifndef TORTURE_PAGE_EVENTS
#define TORTURE_PAGE_EVENTS 64
#endif

USM_EVENTS_INIT(torture, TORTURE_PROTOCOL, struct torture_event, TORTURE_PAGE_EVENTS)

enum {
	ID_SOURCE_SHIFT = 40,
	IP_PROTOCOL_OFFSET = 9,
	IP_PROTOCOL_UDP = 17,
	UDP_PAYLOAD_OFFSET = 28, /* from the network header; the load sends no IP options */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct torture_setup);
} torture_setup SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TORTURE_SOURCES);
	__type(key, __u32);
	__type(value, struct torture_source);
} torture_sources SEC(".maps");

/* A bit per id: its enqueue returned 0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1 << (TORTURE_BITS_LOG2 - 6));
	__type(key, __u32);
	__type(value, __u64);
} torture_bits SEC(".maps");

static __always_inline void torture_fill(struct torture_event *event)
{
	const __u32 *words = (const __u32 *)(const void *)event;
	__u32 word = (__u32)event->id ^ (__u32)(event->id >> 32) * 0x9e3779b1u ^ 0x6b79d8a5u;
	__u32 low = 0x811c9dc5u, high = 0;

	for (int i = 0; i < TORTURE_WORDS; i++) {
		word ^= word << 13;
		word ^= word >> 17;
		word ^= word << 5;
		event->words[i] = word;
	}
	for (int i = 0; i < TORTURE_CHECKED_WORDS; i++) {
		low = (low ^ words[i]) * 16777619u;
		high += low;
	}
	event->checksum = (__u64)high << 32 | low;
}

static __always_inline void torture_note(struct torture_source *source, int err, __u64 bit)
{
	__u32 index = bit / 64;
	__u64 *bits;

	if (err == -ENOSPC) {
		source->pages_full++;
	} else if (err == -EAGAIN) {
		source->contended++;
	} else if (err) {
		source->other++;
	} else {
		bits = bpf_map_lookup_elem(&torture_bits, &index);
		if (bits)
			*bits |= 1ull << (bit % 64);
		compiler_barrier();
		WRITE_ONCE(source->accepted, source->accepted + 1);
	}
}

/*
 * This, its caller and the programs that may interrupt themselves use less than 64 bytes of stack each: with more, Linux
 * 6.13 gives a tracing program one stack per CPU, and tasks that preempt one another in the same uprobe would share it.
 */
static __noinline int torture_one(struct torture_source *source, __u32 index, __u64 ids_per_source)
{
	struct torture_event *event = &source->event;
	__u64 sequence = source->next;

	event->id = (__u64)index << ID_SOURCE_SHIFT | sequence;
	event->source = index;
	event->cpu = source->cpu;
	event->sequence = sequence;
	torture_fill(event);
	torture_note(source, torture_batch_enqueue(event), index * ids_per_source + sequence);
	WRITE_ONCE(source->next, sequence + 1);
	return 0;
}

static __noinline int torture_run(const struct torture_request *request)
{
	__u32 zero = 0, index = request->source;
	const struct torture_setup *setup = bpf_map_lookup_elem(&torture_setup, &zero);
	struct torture_source *source = bpf_map_lookup_elem(&torture_sources, &index);

	if (!is_torture_monitoring_enabled() || !setup || !source || request->magic != setup->magic)
		return 0;
	if (source->cpu != bpf_get_smp_processor_id() ||
	    (request->first != TORTURE_WHATEVER_IS_NEXT && request->first != source->next)) {
		source->misplaced++;
		return 0;
	}
	for (__u32 i = 0; i < TORTURE_RUN_MAX && i < request->count; i++)
		if (source->next < setup->ids_per_source)
			torture_one(source, index, setup->ids_per_source);
	return 0;
}

/* Real packets on lo, in softirq; and BPF_PROG_TEST_RUN with repeat, in process context. */
SEC("socket")
int torture_filter(struct __sk_buff *skb)
{
	struct torture_request request;
	__u8 protocol;

	if (bpf_skb_load_bytes(skb, IP_PROTOCOL_OFFSET, &protocol, sizeof(protocol)) ||
	    protocol != IP_PROTOCOL_UDP ||
	    bpf_skb_load_bytes(skb, UDP_PAYLOAD_OFFSET, &request, sizeof(request)))
		return 0;
	torture_run(&request);
	if (request.flush)
		torture_batch_flush(skb);
	return 0;
}

static __always_inline int torture_raw(struct bpf_raw_tracepoint_args *ctx)
{
	struct torture_request request = {
		.magic = ctx->args[0],
		.source = ctx->args[1],
		.first = ctx->args[2],
		.count = ctx->args[3],
		.flush = ctx->args[4],
	};

	torture_run(&request);
	if (request.flush)
		torture_batch_flush(ctx);
	return 0;
}

/*
 * By BPF_PROG_TEST_RUN on the caller's CPU, and from another CPU, which is in a hard interrupt. Two programs, because
 * the flush uses more stack: see torture_one(). A tracepoint's own call looks out for that, a test run does not.
 */
SEC("raw_tp")
int torture_process(struct bpf_raw_tracepoint_args *ctx)
{
	return torture_raw(ctx);
}

SEC("raw_tp")
int torture_irq(struct bpf_raw_tracepoint_args *ctx)
{
	return torture_raw(ctx);
}

/* torture_target() of the load. */
SEC("uprobe")
int torture_uprobe(struct pt_regs *ctx)
{
	struct torture_request request = {
		.magic = PT_REGS_PARM1(ctx),
		.source = PT_REGS_PARM2(ctx),
		.first = PT_REGS_PARM3(ctx),
		.count = PT_REGS_PARM4(ctx),
	};

	torture_run(&request);
	return 0;
}

SEC("raw_tp/netif_receive_skb")
int torture_flush(void *ctx)
{
	torture_batch_flush(ctx);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
