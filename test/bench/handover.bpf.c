// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The very parser with another way of handing its events over, to see what each costs. HANDOVER_EACH: an output for each
 * event and not for a page of them. HANDOVER_RING: a BPF ring buffer that all CPUs share and not a perf ring for each.
 * Neither: as the service does it.
 */
#include "platform.bpf.h"

#ifdef HANDOVER_RING

enum {
	HANDOVER_WATERMARK_BYTES = 128 * 1024, /* as the perf rings have it by default */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} handover_ring SEC(".maps");

/* The reader is woken when as much waits as wakes it from a perf ring. */
static __always_inline long handover_output(void *data, __u64 bytes)
{
	__u64 waiting = bpf_ringbuf_query(&handover_ring, BPF_RB_AVAIL_DATA);
	bool wakes =
		waiting < HANDOVER_WATERMARK_BYTES && waiting + bytes >= HANDOVER_WATERMARK_BYTES;

	return bpf_ringbuf_output(&handover_ring, data, bytes,
				  wakes ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}

#define bpf_perf_event_output(ctx, ring, flags, data, bytes) handover_output(data, bytes)

#endif

#include "batch.bpf.h"

#ifdef HANDOVER_EACH

/* Pages of one event. In a ring buffer a page has no use but as the place where the batch's head is put before it. */
#define batch_enqueue(states, pages, counters, event, size, cap)                                   \
	batch_enqueue(states, pages, counters, event, size, 1)
#define batch_flush(ctx, states, pages, counters, ring, protocol, size, cap, mode, cpu)            \
	batch_flush(ctx, states, pages, counters, ring, protocol, size, 1, mode, cpu)

#endif

#include "http.bpf.c"
