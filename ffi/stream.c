// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "stream.h"

/* What a perf record of PERF_SAMPLE_RAW looks like; data is 4-byte aligned and size may exceed what was output. */
struct raw_sample {
	struct perf_event_header header;
	uint32_t size;
	char data[];
};

static struct bpf_map *find_map(struct bpf_object *object, const char *stream, const char *suffix)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", stream, suffix);
	return bpf_object__find_map_by_name(object, name);
}

static int find_program(struct bpf_object *object, const char *stream, const char *suffix)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", stream, suffix);
	const struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	return program ? bpf_program__fd(program) : -ENOENT;
}

static size_t page_align(size_t bytes)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (bytes + page - 1) / page * page;
}

int stream_init(struct stream *stream, struct bpf_object *object, const char *name, int cpus,
		struct shared_ring *out, struct reader_stats *stats)
{
	const struct bpf_map *counters = find_map(object, name, "counters");
	const struct bpf_map *pages = find_map(object, name, "pages");
	const struct bpf_map *events = find_map(object, name, "events");
	const struct bpf_map *conns = find_map(object, name, "conns");
	const struct bpf_map *wanted = find_map(object, name, "wanted");
	int barrier = find_program(object, name, "barrier");
	void *memory;

	if (!counters || !pages || !events || barrier < 0 ||
	    bpf_map__value_size(counters) != sizeof(struct counters))
		return -EPROTO;

	memset(stream, 0, sizeof(*stream));
	snprintf(stream->name, sizeof(stream->name), "%s", name);
	stream->batch_max = bpf_map__value_size(pages) - 2 * sizeof(uint32_t);
	stream->cpus = cpus;
	stream->barrier_fd = barrier;
	stream->drain_fd = find_program(object, name, "drain");
	stream->harvest_fd = find_program(object, name, "harvest");
	stream->forget_fd = find_program(object, name, "forget");
	stream->events_fd = bpf_map__fd(events);
	stream->wanted_fd = wanted ? bpf_map__fd(wanted) : -1;
	stream->entries_max = conns ? bpf_map__max_entries(conns) : 0;
	stream->out = out;
	stream->stats = stats;
	stream->counters_bytes = page_align(cpus * sizeof(struct counters));
	memory =
		mmap(NULL, stream->counters_bytes, PROT_READ, MAP_SHARED, bpf_map__fd(counters), 0);
	if (memory == MAP_FAILED)
		return -errno;
	stream->counters = memory;
	stream->rings = calloc(cpus, sizeof(*stream->rings));
	if (!stream->rings)
		return -ENOMEM;
	for (int cpu = 0; cpu < cpus; cpu++)
		stream->rings[cpu].stream = stream;
	return 0;
}

int stream_map_bss(struct stream *stream, const struct bpf_map *bss)
{
	size_t bytes = page_align(bpf_map__value_size(bss));
	void *memory;

	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(bss), 0);
	if (memory == MAP_FAILED)
		return -errno;
	stream->bss = memory;
	stream->bss_bytes = bytes;
	return 0;
}

int stream_set_wanted(struct stream *stream, const struct http_wanted *wanted)
{
	uint32_t slot, in_use;

	if (!stream->wanted_slot || stream->wanted_fd < 0)
		return -ENOENT;
	in_use = __atomic_load_n(stream->wanted_slot, __ATOMIC_ACQUIRE);
	slot = in_use % WANTED_SLOTS;
	if (wanted && bpf_map_update_elem(stream->wanted_fd, &slot, wanted, BPF_ANY) < 0)
		return -errno;
	__atomic_store_n(stream->wanted_slot, wanted ? slot + 1 : 0, __ATOMIC_RELEASE);
	return 0;
}

/* What the kernel writes where a record did not fit: PERF_RECORD_LOST, without sample ids. */
struct lost_record {
	struct perf_event_header header;
	uint64_t id;
	uint64_t lost;
};

static void take_batch(struct stream *stream, const struct raw_sample *sample)
{
	struct batch batch;

	if (sample->size < sizeof(batch)) {
		stream->stats->malformed++;
		return;
	}
	memcpy(&batch, sample->data, sizeof(batch));
	uint32_t bytes = sizeof(batch) + (uint32_t)batch.len * batch.event_size;
	if (bytes > sample->size || bytes > stream->batch_max ||
	    batch.cpu >= (uint32_t)stream->cpus) {
		stream->stats->malformed++;
		return;
	}
	/* By the CPU that filled the page: an offline CPU's pages come over another one's ring. */
	struct cpu_ring *filled = &stream->rings[batch.cpu];
	if (batch.idx != filled->next_idx)
		stream->stats->out_of_order++;
	filled->next_idx = batch.idx + 1;
	memcpy(shared_ring_reserve(stream->out, RECORD_BATCH, bytes), sample->data, bytes);
	stream->stats->batches++;
	stream->stats->events += batch.len;
	stream->stats->bytes += bytes;
}

/*
 * A record handed to this callback is consumed whatever it returns, so it says DONE one early: while the next record,
 * at its largest, would not fit any more.
 */
static enum bpf_perf_event_ret on_record(void *context, int cpu, struct perf_event_header *header)
{
	struct cpu_ring *ring = context;
	struct stream *stream = ring->stream;

	(void)cpu;
	if (header->type == PERF_RECORD_SAMPLE)
		take_batch(stream, (const struct raw_sample *)header);
	else if (header->type == PERF_RECORD_LOST)
		stream->stats->lost_records += ((const struct lost_record *)header)->lost;
	if (shared_ring_has_room(stream->out))
		return LIBBPF_PERF_EVENT_CONT;
	ring->stopped_early = true;
	return LIBBPF_PERF_EVENT_DONE;
}

int stream_open_ring(struct stream *stream, int cpu, uint32_t bytes, uint32_t watermark)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		/* The kernel would cut it to the ring's size, and wake when it is full. */
		.wakeup_watermark = watermark < bytes / 2 ? watermark : bytes / 2,
	};
	LIBBPF_OPTS(perf_buffer_raw_opts, opts, .cpu_cnt = 1, .cpus = &cpu, .map_keys = &cpu);
	struct cpu_ring *ring = &stream->rings[cpu];

	/* A full page must fit, or it would be refused for ever. */
	if (bytes <= stream->batch_max + sizeof(struct raw_sample))
		return -EMSGSIZE;
	struct perf_buffer *buffer =
		perf_buffer__new_raw(stream->events_fd, bytes / sysconf(_SC_PAGESIZE), &attr,
				     on_record, ring, &opts);

	if (!buffer)
		return -errno;
	ring->buffer = buffer;
	return perf_buffer__buffer_fd(buffer, 0);
}

void stream_close_ring(struct stream *stream, int cpu)
{
	perf_buffer__free(stream->rings[cpu].buffer);
	stream->rings[cpu].buffer = NULL;
}

bool stream_consume(struct stream *stream, int cpu)
{
	struct cpu_ring *ring = &stream->rings[cpu];

	if (!ring->buffer)
		return true;
	if (!shared_ring_has_room(stream->out))
		return false;
	ring->stopped_early = false;
	perf_buffer__consume_buffer(ring->buffer, 0);
	return !ring->stopped_early;
}

bool stream_is_pending(const struct stream *stream, int cpu)
{
	const struct counters *counters = &stream->counters[cpu];
	/* flushed first: it never passes enqueued, so a stale pair errs towards a needless kick. */
	uint64_t flushed = __atomic_load_n(&counters->flushed, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&counters->enqueued, __ATOMIC_ACQUIRE) != flushed;
}

int stream_barrier(struct stream *stream, int cpu)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = cpu);

	if (bpf_prog_test_run_opts(stream->barrier_fd, &opts) < 0)
		return -errno;
	return (int)opts.retval;
}

int stream_drain_offline(struct stream *stream, int cpu)
{
	uint64_t arguments[] = {cpu};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));

	if (stream->drain_fd < 0)
		return -ENXIO;
	if (bpf_prog_test_run_opts(stream->drain_fd, &opts) < 0)
		return -errno;
	return (int)opts.retval;
}

bool stream_is_crowded(const struct stream *stream)
{
	uint64_t entries = 0;

	for (int cpu = 0; stream->entries_max && cpu < stream->cpus; cpu++) {
		const struct counters *counters = &stream->counters[cpu];

		entries += __atomic_load_n(&counters->entries_made, __ATOMIC_RELAXED) -
			   __atomic_load_n(&counters->entries_gone, __ATOMIC_RELAXED);
	}
	return entries > stream->entries_max - stream->entries_max / 8;
}

void stream_run(int program_fd, uint64_t argument)
{
	uint64_t arguments[] = {argument};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));

	if (program_fd >= 0)
		bpf_prog_test_run_opts(program_fd, &opts);
}

void stream_free(struct stream *stream)
{
	for (int cpu = 0; stream->rings && cpu < stream->cpus; cpu++)
		stream_close_ring(stream, cpu);
	free(stream->rings);
	if (stream->counters)
		munmap(stream->counters, stream->counters_bytes);
	if (stream->bss)
		munmap(stream->bss, stream->bss_bytes);
	memset(stream, 0, sizeof(*stream));
}
