/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Events from many contexts of one CPU into pages, pages onto the CPU's perf ring. Nothing is lost uncounted.
 *
 * A CPU has BATCH_PAGES pages, used round and round. `cursor` names the open page and how many of its slots are taken;
 * `tail` names the first page that has not been handed over. Pages in [tail, open) are closed.
 *
 *   enqueue   takes a slot by one compare-and-swap of cursor, copies the event there, then raises the page's `committed`.
 *   flush     hands over closed pages in order. A page whose last slot is taken is closed by that.
 *   barrier   a flush that first closes the open page as it stands, by one compare-and-swap of cursor.
 *
 * Why this is safe whichever context interrupts which (softirq, a preempted task, the barrier's IPI; all on one CPU,
 * since programs do not migrate):
 *
 * 1. enqueue in enqueue: each owns the slot its compare-and-swap took; the outer one, if it was between load and swap,
 *    sees its swap fail and takes the next slot. No lane, no lock, no drop.
 * 2. enqueue in flush or barrier: it only moves cursor forward and writes slots that the flush does not send: a closed
 *    page takes no more events, because cursor never goes back. A barrier whose closing swap it beat looks again.
 * 3. flush or barrier in enqueue: a slot may be taken and not yet written, then committed < length. The page is left
 *    alone, and the pages behind it as well, for order; flush returns -EAGAIN and the next one sends them. The barrier
 *    passes -EAGAIN to user space, which runs it again.
 * 4. flush or barrier in flush: `flushing` is taken by compare-and-swap; the inner one steps aside with -EBUSY.
 * 5. a page is reused only after tail has passed it: enqueue opens page n only while n - tail < BATCH_PAGES, and flush
 *    clears a page before it moves tail.
 * 6. a refused output leaves page and tail as they were: the page is sent again, whole, by the next flush.
 *
 * So each event whose enqueue returned 0 is sent exactly once, whole, in slot order, and batch.idx counts the records.
 */
#ifndef KERNELCAST_BATCH_BPF_H
#define KERNELCAST_BATCH_BPF_H

#include "events.h"
#include "platform.bpf.h"

#ifndef EBUSY
#define EBUSY 16
#endif
#ifndef EAGAIN
#define EAGAIN 11
#endif
#ifndef ENOSPC
#define ENOSPC 28
#endif
#ifndef ENOENT
#define ENOENT 2
#endif

/* A test that explores all interleavings makes these smaller. */
#ifndef USM_EVENTS_PAGES
#define USM_EVENTS_PAGES 8
#endif
#ifndef USM_EVENTS_TRIES
#define USM_EVENTS_TRIES 16
#endif

enum batch_limits {
	BATCH_PAGES = USM_EVENTS_PAGES,
	BATCH_PAGE_BYTES_MIN = 4096,
	/* Each failed attempt means that another enqueue ended on this CPU meanwhile, so progress is made by someone. */
	BATCH_TRIES = USM_EVENTS_TRIES,
	BATCH_SLOT_BITS = 16,
	BATCH_SLOT_MASK = 0xffff,
};

/* Per CPU. cursor = open page << BATCH_SLOT_BITS | slots taken in it. Page numbers rise for ever; 2^48 do not wrap. */
struct batch_state {
	__u64 cursor;
	__u64 tail;
	__u32 flushing;
	__u32 pad;
};

/* Head of each page; batch and the events behind it are what the ring gets. */
struct batch_page {
	__u32 committed;  /* events written whole */
	__u32 closed_len; /* length at which a barrier closed the page; 0: closed by being full */
	struct batch batch;
};

static __always_inline void batch_drop(struct counters *counters, enum drop_reason reason)
{
	atomic_add(&counters->observed, 1);
	atomic_add(&counters->dropped[reason], 1);
}

/* Counts an event that was observed and could not even be offered to a page. */
static __always_inline void batch_refuse(void *counters_map, enum drop_reason reason)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct counters *counters = bpf_map_lookup_elem(counters_map, &cpu);

	if (counters)
		batch_drop(counters, reason);
}

/*
 * Takes the next slot. Returns cursor's new page and slot as page << BATCH_SLOT_BITS | slot, or -ENOSPC when all pages
 * are closed, or -EAGAIN when BATCH_TRIES others came first.
 */
static __always_inline __s64 batch_take_slot(struct batch_state *state, const __u32 cap)
{
	for (int i = 0; i < BATCH_TRIES; i++) {
		__u64 old = READ_ONCE(state->cursor);
		__u64 page = old >> BATCH_SLOT_BITS;
		__u64 slot = old & BATCH_SLOT_MASK;

		if (slot >= cap) {
			page++;
			slot = 0;
			if (page - READ_ONCE(state->tail) >= BATCH_PAGES)
				return -ENOSPC;
		}
		__u64 taken = page << BATCH_SLOT_BITS | slot;
		if (atomic_cas(&state->cursor, old, taken + 1) == old)
			return taken;
	}
	return -EAGAIN;
}

/*
 * Copies one event of size bytes into the CPU's open page. Any context that may run BPF. Returns 0, or a negative errno
 * after counting the drop under its reason. states and pages are per-CPU arrays, counters an array indexed by CPU.
 */
static __always_inline int batch_enqueue(void *states, void *pages, void *counters_map,
					 const void *event, const __u32 size, const __u32 cap)
{
	__u32 zero = 0, cpu = bpf_get_smp_processor_id();
	struct batch_state *state = bpf_map_lookup_elem(states, &zero);
	struct counters *counters = bpf_map_lookup_elem(counters_map, &cpu);

	if (!state || !counters)
		return -ENOENT;
	__s64 taken = batch_take_slot(state, cap);
	if (taken < 0) {
		batch_drop(counters, taken == -ENOSPC ? DROP_PAGES_FULL : DROP_CONTENDED);
		return taken;
	}
	__u32 index = (taken >> BATCH_SLOT_BITS) % BATCH_PAGES;
	__u64 slot = taken & BATCH_SLOT_MASK;
	struct batch_page *page = bpf_map_lookup_elem(pages, &index);
	opaque(slot);
	if (!page || slot >= cap) {
		batch_drop(counters, DROP_COPY_REFUSED);
		return -ENOENT;
	}
	/* More than 1024 bytes are too many stores for the compiler. */
	if (size <= 1024)
		__builtin_memcpy((char *)(page + 1) + slot * size, event, size);
	else
		memory_copy((char *)(page + 1) + slot * size, size, event);
	/*
	 * Before committed: what is flushed was counted as enqueued, so enqueued - flushed never goes below zero. Side by
	 * side with observed, so that a reader hardly ever finds the two apart.
	 */
	atomic_add(&counters->observed, 1);
	atomic_add(&counters->enqueued, 1);
	compiler_barrier();
	atomic_add(&page->committed, 1);
	return 0;
}

/* True when a page waits to be handed over. */
static __always_inline bool batch_has_closed(const struct batch_state *state, const __u32 cap)
{
	__u64 cursor = READ_ONCE(state->cursor);
	__u64 open = cursor >> BATCH_SLOT_BITS;
	__u64 tail = READ_ONCE(state->tail);

	return tail < open || (tail == open && (cursor & BATCH_SLOT_MASK) >= cap);
}

/*
 * Closes the page at tail as it stands. Returns 1 when it is closed, 0 when there is nothing to close, -EAGAIN when an
 * enqueue came first. One look at cursor decides; the caller holds `flushing`, so tail does not move.
 */
static __always_inline int batch_close_tail(struct batch_state *state, struct batch_page *page)
{
	__u64 cursor = READ_ONCE(state->cursor);
	__u64 open = cursor >> BATCH_SLOT_BITS;
	__u32 slots = cursor & BATCH_SLOT_MASK;

	if (open > state->tail)
		return 1;
	if (open < state->tail || !slots)
		return 0;
	if (atomic_cas(&state->cursor, cursor, (open + 1) << BATCH_SLOT_BITS) != cursor)
		return -EAGAIN;
	page->closed_len = slots;
	return 1;
}

enum batch_flush_mode {
	FLUSH_CLOSED, /* closed pages of this CPU */
	FLUSH_ALL,    /* the open page too: the barrier */
	FLUSH_GONE,   /* all pages of a CPU that is offline, into this one's ring */
};

static __always_inline void *batch_lookup(void *map, const __u32 *key, __u32 cpu,
					  const enum batch_flush_mode mode)
{
	return mode == FLUSH_GONE ? bpf_map_lookup_percpu_elem(map, key, cpu)
				  : bpf_map_lookup_elem(map, key);
}

/*
 * Hands pages to this CPU's ring, in order. ctx is a raw tracepoint's or a packet's; cpu owns the pages.
 * Returns 0 when all that was closed has gone, -EBUSY when it interrupted another flush, -EAGAIN when it interrupted an
 * enqueue, or the ring's own error. What was not sent stays, and the next call sends it.
 */
static __always_inline int batch_flush(void *ctx, void *states, void *pages, void *counters_map,
				       void *ring, const __u16 protocol, const __u32 size,
				       const __u32 cap, const enum batch_flush_mode mode, __u32 cpu)
{
	const bool barrier = mode != FLUSH_CLOSED;
	__u32 zero = 0;
	struct batch_state *state = batch_lookup(states, &zero, cpu, mode);
	struct counters *counters;
	int err = 0;

	if (!state)
		return -ENOENT;
	if (!barrier && !batch_has_closed(state, cap))
		return 0;
	counters = bpf_map_lookup_elem(counters_map, &cpu);
	if (!counters)
		return -ENOENT;
	if (atomic_cas(&state->flushing, 0, 1) != 0)
		return -EBUSY;

	for (int i = 0; i < BATCH_PAGES + 1; i++) {
		__u64 tail = state->tail;
		__u32 index = tail % BATCH_PAGES;
		struct batch_page *page = batch_lookup(pages, &index, cpu, mode);
		__u32 len, bytes;

		if (!page)
			break;
		if (!batch_has_closed(state, cap)) {
			if (!barrier)
				break;
			err = batch_close_tail(state, page);
			if (err <= 0)
				break;
		}
		err = -EAGAIN;
		len = page->closed_len ?: cap;
		bytes = sizeof(page->batch) + len * size;
		opaque(bytes);
		if (bytes > sizeof(page->batch) + cap * size || READ_ONCE(page->committed) != len)
			break;
		page->batch = (struct batch){.idx = tail,
					     .cpu = cpu,
					     .protocol = protocol,
					     .len = len,
					     .event_size = size};
		err = bpf_perf_event_output(ctx, ring, BPF_F_CURRENT_CPU, &page->batch, bytes);
		if (err) {
			atomic_add(&counters->flush_refused, 1);
			break;
		}
		atomic_add(&counters->flushed, len);
		atomic_add(&counters->batches, 1);
		page->committed = 0;
		page->closed_len = 0;
		compiler_barrier();
		WRITE_ONCE(state->tail, tail + 1);
	}
	WRITE_ONCE(state->flushing, 0);
	if (barrier && err == -EAGAIN)
		atomic_add(&counters->barrier_again, 1);
	return err;
}

/*
 * Declares one protocol's stream. It only declares; the logic is above. For `http` it makes
 *
 *   const volatile bool http_enabled            set before load; when false the branches that test it are removed
 *   volatile bool http_paused                   set at run time; what comes meanwhile is not observed
 *   maps http_state, http_pages                 per-CPU pages, never touched from user space
 *        http_counters                          one struct counters per possible CPU, memory-mapped by user space
 *        http_events                            the perf rings
 *   bool is_http_monitoring_enabled()           neither disabled nor paused
 *   int  http_batch_enqueue(const event_type *) as batch_enqueue()
 *   int  http_batch_flush(ctx)                  closed pages only; ctx of a socket filter or a raw tracepoint
 *   programs http_barrier                       run by user space with BPF_PROG_TEST_RUN on one CPU: all, in order
 *            http_drain                         the same for an offline CPU, given as the first argument (Linux 5.19)
 *
 * User space finds these by name: the names are part of the contract. number is the protocol's enum protocol.
 * batch_size events must fill at least BATCH_PAGE_BYTES_MIN, except in tests (USM_EVENTS_SMALL_PAGES).
 */
#ifdef USM_EVENTS_SMALL_PAGES
#define USM_EVENTS_PAGE_OK(event_type, batch_size) 1
#else
#define USM_EVENTS_PAGE_OK(event_type, batch_size)                                                 \
	(sizeof(event_type) * (batch_size) >= BATCH_PAGE_BYTES_MIN)
#endif

#define USM_EVENTS_INIT(name, number, event_type, batch_size)                                      \
	_Static_assert(USM_EVENTS_PAGE_OK(event_type, batch_size),                                 \
		       #name ": a page is smaller than 4096 bytes");                               \
	_Static_assert(sizeof(event_type) * (batch_size) < 32000,                                  \
		       #name ": a page exceeds a per-CPU map value");                              \
	struct name##_page {                                                                       \
		struct batch_page head;                                                            \
		event_type events[batch_size];                                                     \
	};                                                                                         \
	const volatile bool name##_enabled = true;                                                 \
	volatile bool name##_paused = false;                                                       \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, struct batch_state);                                                 \
	} name##_state SEC(".maps");                                                               \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, BATCH_PAGES);                                                  \
		__type(key, __u32);                                                                \
		__type(value, struct name##_page);                                                 \
	} name##_pages SEC(".maps");                                                               \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(map_flags, BPF_F_MMAPABLE);                                                 \
		__uint(max_entries, 1); /* set to the possible CPUs before load */                 \
		__type(key, __u32);                                                                \
		__type(value, struct counters);                                                    \
	} name##_counters SEC(".maps");                                                            \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);                                       \
		__uint(key_size, sizeof(__u32));                                                   \
		__uint(value_size, sizeof(__u32));                                                 \
	} name##_events SEC(".maps");                                                              \
	static __always_inline bool is_##name##_monitoring_enabled(void)                           \
	{                                                                                          \
		return name##_enabled && !name##_paused;                                           \
	}                                                                                          \
	static __always_inline int name##_batch_enqueue(const event_type *event)                   \
	{                                                                                          \
		return batch_enqueue(&name##_state, &name##_pages, &name##_counters, event,        \
				     sizeof(*event), batch_size);                                  \
	}                                                                                          \
	static __always_inline int name##_batch_flush_mode(void *ctx,                              \
							   const enum batch_flush_mode mode,       \
							   __u32 cpu)                              \
	{                                                                                          \
		return batch_flush(ctx, &name##_state, &name##_pages, &name##_counters,            \
				   &name##_events, number, sizeof(event_type), batch_size, mode,   \
				   cpu);                                                           \
	}                                                                                          \
	static __always_inline int name##_batch_flush(void *ctx)                                   \
	{                                                                                          \
		return name##_batch_flush_mode(ctx, FLUSH_CLOSED, bpf_get_smp_processor_id());     \
	}                                                                                          \
	SEC("raw_tp") int name##_barrier(void *ctx)                                                \
	{                                                                                          \
		return name##_batch_flush_mode(ctx, FLUSH_ALL, bpf_get_smp_processor_id());        \
	}                                                                                          \
	SEC("raw_tp") int name##_drain(struct bpf_raw_tracepoint_args *ctx)                        \
	{                                                                                          \
		return name##_batch_flush_mode(ctx, FLUSH_GONE, ctx->args[0]);                     \
	}

#endif
