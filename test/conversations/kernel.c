// SPDX-License-Identifier: Apache-2.0
/*
 * The player whose parser is the loaded http_filter, run with BPF_PROG_TEST_RUN. Arguments: capture the query (0 or 1), bytes
 * kept of a path, the path of the eBPF object. Its time is the kernel's, so the idle time-out is none at all, and harvests come only
 * in a silence that is long.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "../../ffi/stream.h"
#include "player.h"

enum {
	CONNECTIONS_MAX = 64,
	RING_BYTES = 1024 * 1024,
	SHARED_RING_BYTES = 4 * 1024 * 1024,
};

static struct stream stream;
static struct shared_ring ring;
static struct reader_stats stats;
static int filter_fd, cpu;
/* What is remembered beside the connections. */
static const char *const others[] = {"http_firsts", "http_tuples", "http_held"};
static int others_fds[sizeof(others) / sizeof(*others)];

static int print_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, arguments) : 0;
}

/* Writes a variable that is constant once the object is loaded. */
static void set_setting(struct bpf_object *object, const char *name, uint64_t value)
{
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *section =
		btf__type_by_id(btf, btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC));
	struct bpf_map *map;
	size_t size;

	bpf_object__for_each_map(map, object)
	{
		if (!strstr(bpf_map__name(map), ".rodata"))
			continue;
		char *data = (char *)bpf_map__initial_value(map, &size);
		const struct btf_var_secinfo *variable = btf_var_secinfos(section);
		for (int i = 0; i < btf_vlen(section); i++, variable++) {
			const struct btf_type *type = btf__type_by_id(btf, variable->type);
			if (strcmp(btf__name_by_offset(btf, type->name_off), name))
				continue;
			memcpy(data + variable->offset, &value, variable->size);
			return;
		}
	}
	player_fail(name);
}

static void set_entries(struct bpf_object *object, const char *name, uint32_t entries)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	if (!map || bpf_map__set_max_entries(map, entries))
		player_fail(name);
}

static void fail_with(const char *what, int err)
{
	errno = -err;
	player_fail(what);
}

/* Pages, rings and counters are per CPU: everything happens on this one. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	cpu = sched_getcpu();
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		player_fail("cannot stay on a CPU");
}

void player_open(int count, char **arguments)
{
	int cpus = libbpf_num_possible_cpus(), err;
	struct bpf_object *object;

	if (count != 4)
		player_fail("arguments: 0 or 1, bytes of a path, and the eBPF object");
	stay_on_this_cpu();
	libbpf_set_print(print_warning);
	object = bpf_object__open_file(arguments[3], NULL);
	if (!object)
		player_fail("cannot open the eBPF object");
	set_setting(object, "http_capture_query", arguments[1][0] == '1');
	set_setting(object, "http_path_max", atoi(arguments[2]));
	set_setting(object, "http_idle_timeout_ns", 0);
	set_entries(object, "http_counters", cpus);
	/* They are walked through. */
	set_entries(object, "http_conns", CONNECTIONS_MAX);
	set_entries(object, "http_firsts", CONNECTIONS_MAX);
	set_entries(object, "http_tuples", CONNECTIONS_MAX);
	err = bpf_object__load(object);
	if (err)
		fail_with("the kernel refused the eBPF programs", err);
	filter_fd = bpf_program__fd(bpf_object__find_program_by_name(object, "http_filter"));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		others_fds[i] = bpf_object__find_map_fd_by_name(object, others[i]);
	err = stream_init(&stream, object, "http", cpus, &ring, &stats);
	err = err ?: shared_ring_init(&ring, SHARED_RING_BYTES, stream.batch_max);
	if (!err)
		err = stream_open_ring(&stream, cpu, RING_BYTES, RING_BYTES / 2);
	if (err < 0)
		fail_with("cannot make the rings", err);
}

void player_packet(const uint8_t *frame, uint32_t size, uint64_t now_ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = size, .repeat = 1);

	(void)now_ns;
	if (bpf_prog_test_run_opts(filter_fd, &opts) < 0)
		player_fail("the filter could not be run");
}

void player_silence(bool is_long, uint64_t now_ns)
{
	(void)now_ns;
	if (is_long)
		stream_run(stream.harvest_fd, 0);
}

void player_forget(void)
{
	uint8_t key[64];

	stream_run(stream.forget_fd, 0);
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		while (!bpf_map_get_next_key(others_fds[i], NULL, key))
			bpf_map_delete_elem(others_fds[i], key);
}

const void *player_look(struct answer *answer)
{
	static uint8_t batches[SHARED_RING_BYTES];

	if (stream_barrier(&stream, cpu))
		player_fail("the barrier could not be run");
	if (!stream_consume(&stream, cpu) || stats.lost_records || stats.malformed ||
	    stats.out_of_order)
		player_fail("the ring lost a batch");
	while (ring.tail != ring.written) {
		const struct record *record =
			(const void *)(ring.memory + (ring.tail & (ring.size - 1)));
		uint32_t payload = record->size - sizeof(*record);

		if (record->kind == RECORD_BATCH) {
			memcpy(batches + answer->batch_bytes, record + 1, payload);
			answer->batch_bytes += payload;
		}
		ring.tail += record->size;
	}
	answer_add_counters(answer, &stream.counters[cpu]);
	return batches;
}
