// SPDX-License-Identifier: Apache-2.0
/*
 * consumer OBJECT STREAM RING_BYTES: the least that a consumer can do. Loads an object, attaches its socket filter if it
 * has one, and takes what its rings hold with libbpf, looking at no more than how many events came. Says "ready"; then, for
 * each line on its standard input, five numbers: events observed in the kernel, handed to the ring, received; records
 * received; nanoseconds of CPU time. Ends with its standard input.
 */
#include <linux/perf_event.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../../bpf/events.h"
#include "../../ffi/taps.h"

enum {
	WATERMARK_BYTES = 128 * 1024, /* as the service's reader has it by default */
	WAIT_MILLIS = 10,
	NAME_BYTES = 64,
};

static uint64_t events, records;

static void take(const void *data)
{
	events += ((const struct batch *)data)->len;
	records++;
}

static enum bpf_perf_event_ret on_perf_record(void *context, int cpu,
					      struct perf_event_header *header)
{
	if (header->type == PERF_RECORD_SAMPLE)
		take((const char *)(header + 1) + sizeof(uint32_t));
	return LIBBPF_PERF_EVENT_CONT;
}

static int on_ring_record(void *context, void *data, size_t size)
{
	take(data);
	return 0;
}

static struct bpf_map *find_map(struct bpf_object *object, const char *stream, const char *suffix)
{
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%s_%s", stream, suffix);
	return bpf_object__find_map_by_name(object, name);
}

static struct perf_buffer *open_perf_rings(int map_fd, size_t bytes)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = PERF_TYPE_SOFTWARE,
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = WATERMARK_BYTES,
	};

	return perf_buffer__new_raw(map_fd, bytes / sysconf(_SC_PAGESIZE), &attr, on_perf_record,
				    NULL, NULL);
}

static void report(int counters_fd)
{
	uint64_t observed = 0, flushed = 0;
	struct timespec t;

	for (uint32_t cpu = 0; cpu < (uint32_t)libbpf_num_possible_cpus(); cpu++) {
		struct counters counters = {};

		bpf_map_lookup_elem(counters_fd, &cpu, &counters);
		observed += counters.observed;
		flushed += counters.flushed;
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	printf("%llu %llu %llu %llu %llu\n", (unsigned long long)observed,
	       (unsigned long long)flushed, (unsigned long long)events, (unsigned long long)records,
	       t.tv_sec * 1000000000ull + t.tv_nsec);
	fflush(stdout);
}

/* Answers what was asked. Returns false when nobody will ask any more. */
static bool answer(int counters_fd)
{
	struct pollfd asked = {.fd = STDIN_FILENO, .events = POLLIN};
	char text[NAME_BYTES];

	if (poll(&asked, 1, 0) <= 0)
		return true;
	ssize_t length = read(STDIN_FILENO, text, sizeof(text));
	for (ssize_t i = 0; i < length; i++)
		if (text[i] == '\n')
			report(counters_fd);
	return length > 0;
}

static struct taps taps;

static int attach(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
	{
		if (bpf_program__type(program) == BPF_PROG_TYPE_SOCKET_FILTER)
			return taps_init(&taps, bpf_program__fd(program));
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object = argc == 4 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_map *counters = object ? find_map(object, argv[2], "counters") : NULL;
	struct perf_buffer *perf = NULL;
	struct ring_buffer *ring = NULL;

	if (!counters) {
		fprintf(stderr, "usage: consumer OBJECT STREAM RING_BYTES\n");
		return 2;
	}
	bpf_map__set_max_entries(counters, libbpf_num_possible_cpus());
	if (bpf_object__load(object))
		return 1;
	struct bpf_map *ring_map = bpf_object__find_map_by_name(object, "handover_ring");
	if (ring_map)
		ring = ring_buffer__new(bpf_map__fd(ring_map), on_ring_record, NULL, NULL);
	else
		perf = open_perf_rings(bpf_map__fd(find_map(object, argv[2], "events")),
				       strtoul(argv[3], NULL, 10));
	if ((!ring && !perf) || attach(object))
		return 1;
	puts("ready");
	fflush(stdout);
	while (answer(bpf_map__fd(counters))) {
		/* What is below the watermark wakes nobody. */
		if (perf && perf_buffer__poll(perf, WAIT_MILLIS) == 0)
			perf_buffer__consume(perf);
		if (ring && ring_buffer__poll(ring, WAIT_MILLIS) == 0)
			ring_buffer__consume(ring);
	}
	if (taps.filter_fd)
		taps_free(&taps);
	perf_buffer__free(perf);
	ring_buffer__free(ring);
	bpf_object__close(object);
	return 0;
}
