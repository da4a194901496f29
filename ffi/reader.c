// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "pump.h"
#include "reader.h"

enum {
	LINKS_MAX = 8
};

/* As in bpf/own.bpf.h. */
struct own_process {
	uint64_t pidns_dev;
	uint64_t pidns_ino;
	uint32_t tgid;
	uint32_t netns_ino;
	uint32_t listen_port;
	uint32_t pad;
};

struct reader {
	struct bpf_object *object;
	struct bpf_link *links[LINKS_MAX];
	int link_count;
	int wake_fd; /* JavaScript's end */
	struct own_process own;
	struct reader_stats stats;
	struct pump pump;
};

/* The last thing libbpf warned about: what it says is the reason that an errno alone does not give. */
static char last_warning[512];

static int keep_warning(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN && !last_warning[0])
		vsnprintf(last_warning, sizeof(last_warning), format, args);
	return 0;
}

static void explain(char *error, uint32_t size, const char *what, int err)
{
	size_t len = strcspn(last_warning, "\n");

	if (len)
		snprintf(error, size, "%s: %s (%.*s)", what, strerror(-err), (int)len,
			 last_warning);
	else
		snprintf(error, size, "%s: %s", what, strerror(-err));
	last_warning[0] = 0;
}

/* Where a setting (const volatile) lies in .rodata, found through the object's BTF; -ENOENT: the object has none. */
static int find_setting(struct bpf_object *object, const char *name, uint32_t *offset,
			uint32_t *size)
{
	const struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	const struct btf_type *section = id < 0 ? NULL : btf__type_by_id(btf, id);

	if (!section)
		return -ENOENT;
	const struct btf_var_secinfo *variable = btf_var_secinfos(section);
	for (int i = 0; i < btf_vlen(section); i++, variable++) {
		const struct btf_type *type = btf__type_by_id(btf, variable->type);
		if (strcmp(btf__name_by_offset(btf, type->name_off), name))
			continue;
		*offset = variable->offset;
		*size = variable->size;
		return 0;
	}
	return -ENOENT;
}

static int set_setting(struct bpf_object *object, const char *name, uint64_t value)
{
	struct bpf_map *map;
	uint32_t offset, size;
	size_t total;
	int err = find_setting(object, name, &offset, &size);

	if (err)
		return err;
	bpf_object__for_each_map(map, object)
	{
		const char *found = strstr(bpf_map__name(map), ".rodata");
		if (!found || strcmp(found, ".rodata"))
			continue;
		char *data = (char *)bpf_map__initial_value(map, &total);
		if (!data || offset + size > total || size > sizeof(value))
			continue;
		memcpy(data + offset, &value, size); /* little-endian, like every target of ours */
		return 0;
	}
	return -ENOENT;
}

static int set_entries(struct bpf_object *object, const char *map, uint32_t entries)
{
	return bpf_map__set_max_entries(bpf_object__find_map_by_name(object, map), entries);
}

static int configure(struct reader *reader, const struct reader_options *options)
{
	int err = set_setting(reader->object, "http_capture_query", options->capture_query);

	err = err
		      ?: set_setting(reader->object, "http_idle_timeout_ns",
				     options->idle_timeout_millis * 1000000ull);
	err = err ?: set_entries(reader->object, "http_counters", reader->pump.cpus);
	return err ?: set_entries(reader->object, "http_conns", options->connections_max);
}

static int find_own_process(struct own_process *own)
{
	struct stat pid, net;

	if (stat("/proc/self/ns/pid", &pid) < 0 || stat("/proc/self/ns/net", &net) < 0)
		return -errno;
	own->pidns_dev = pid.st_dev;
	own->pidns_ino = pid.st_ino;
	own->netns_ino = net.st_ino;
	own->tgid = getpid();
	return 0;
}

static int write_own_process(struct reader *reader)
{
	uint32_t zero = 0;
	int fd = bpf_object__find_map_fd_by_name(reader->object, "own_process");

	return bpf_map_update_elem(fd, &zero, &reader->own, BPF_ANY) ? -errno : 0;
}

static int program_fd(struct bpf_object *object, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program ? bpf_program__fd(program) : -ENOENT;
}

static int add_stream(struct reader *reader, const char *name)
{
	struct pump *pump = &reader->pump;
	int err = stream_init(&pump->streams[pump->stream_count], reader->object, name, pump->cpus,
			      &pump->ring, &reader->stats);

	pump->stream_count++;
	return err;
}

static int make_rings(struct reader *reader, const struct reader_options *options)
{
	struct pump *pump = &reader->pump;
	int pair[2], err;

	err = add_stream(reader, "http");
	if (err)
		return err;
	err = shared_ring_init(&pump->ring, options->shared_ring_bytes, pump->streams[0].batch_max);
	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pump->wake_fd = pair[0];
	reader->wake_fd = pair[1];
	return pump_init(pump);
}

/* Runs on the pump's thread, once; links and sockets are its own from reader_start() on. */
static void detach(void *context)
{
	struct reader *reader = context;

	taps_free(&reader->pump.taps);
	while (reader->link_count)
		bpf_link__destroy(reader->links[--reader->link_count]);
}

struct reader *reader_open(const char *object_path, const struct reader_options *options,
			   char *error, uint32_t error_size)
{
	struct reader *reader = aligned_alloc(64, (sizeof(*reader) + 63) / 64 * 64);
	const char *what = "cannot open the eBPF object";
	int err;

	if (!reader)
		return NULL;
	memset(reader, 0, sizeof(*reader));
	reader->wake_fd = -1;
	reader->pump.options = *options;
	reader->pump.stats = &reader->stats;
	reader->pump.detach = detach;
	reader->pump.context = reader;
	reader->pump.taps.netlink_fd = -1;
	reader->pump.cpus = libbpf_num_possible_cpus();
	libbpf_set_print(keep_warning);
	last_warning[0] = 0;

	reader->object = bpf_object__open_file(object_path, NULL);
	err = reader->object ? 0 : -errno;
	if (err)
		goto err_out;
	what = "the eBPF object does not fit this reader";
	err = configure(reader, options);
	if (err)
		goto err_out;
	what = "the kernel refused the eBPF programs";
	err = bpf_object__load(reader->object);
	if (err)
		goto err_out;
	what = "cannot make the rings";
	err = make_rings(reader, options);
	if (err)
		goto err_out;
	reader->pump.harvest_fd = program_fd(reader->object, "http_harvest");
	what = "cannot learn about this process";
	err = find_own_process(&reader->own) ?: write_own_process(reader);
	if (!err)
		return reader;
err_out:
	explain(error, error_size, what, err);
	reader_close(reader);
	return NULL;
}

static int attach_tracepoint(struct reader *reader, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(reader->object, name);
	struct bpf_link *link = bpf_program__attach(program);

	if (!link)
		return -errno;
	reader->links[reader->link_count++] = link;
	return 0;
}

int reader_start(struct reader *reader, char *error, uint32_t error_size)
{
	const char *what = "cannot attach to the raw tracepoint netif_receive_skb";
	int err = attach_tracepoint(reader, "http_flush");

	if (err)
		goto err_out;
	what = "cannot attach to the raw tracepoint inet_sock_set_state";
	err = attach_tracepoint(reader, "own_connections");
	if (err)
		goto err_out;
	what = "cannot attach the filter to packet sockets";
	err = taps_init(&reader->pump.taps, program_fd(reader->object, "http_filter"));
	reader->stats.sockets = reader->pump.taps.opened;
	if (err)
		goto err_out;
	what = "cannot start the reader's thread";
	err = pump_start(&reader->pump);
	if (!err)
		return 0;
err_out:
	explain(error, error_size, what, err);
	detach(reader);
	return err;
}

int reader_wake_fd(struct reader *reader)
{
	int fd = reader->wake_fd;

	reader->wake_fd = -1;
	return fd;
}

void *reader_ring(struct reader *reader)
{
	return reader->pump.ring.memory;
}

double reader_head(struct reader *reader)
{
	return shared_ring_head(&reader->pump.ring);
}

void reader_release(struct reader *reader, double tail)
{
	struct pump *pump = &reader->pump;

	shared_ring_release(&pump->ring, tail);
	/* Pairs with the pump, which says that it waits before it looks for room again. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&pump->waiting_for_room, __ATOMIC_RELAXED))
		pump_poke(pump);
}

double reader_arm(struct reader *reader)
{
	__atomic_store_n(&reader->pump.armed, 1, __ATOMIC_SEQ_CST);
	return shared_ring_head(&reader->pump.ring);
}

uint32_t reader_sync(struct reader *reader)
{
	uint32_t ticket = __atomic_add_fetch(&reader->pump.ticket_wanted, 1, __ATOMIC_ACQ_REL);

	pump_poke(&reader->pump);
	return ticket;
}

void reader_stop(struct reader *reader)
{
	__atomic_store_n(&reader->pump.stop_wanted, 1, __ATOMIC_RELEASE);
	pump_poke(&reader->pump);
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	__atomic_store_n(&reader->pump.abandon, 1, __ATOMIC_RELEASE);
	if (reader->pump.running)
		pump_poke(&reader->pump);
	pump_join(&reader->pump);
	detach(reader);
	pump_free(&reader->pump);
	if (reader->wake_fd >= 0)
		close(reader->wake_fd);
	bpf_object__close(reader->object);
	free(reader);
}

struct reader_stats *reader_stats(struct reader *reader)
{
	return &reader->stats;
}

int reader_cpus(struct reader *reader)
{
	return reader->pump.cpus;
}

void *reader_counters(struct reader *reader, const char *stream)
{
	for (int s = 0; s < reader->pump.stream_count; s++)
		if (!strcmp(reader->pump.streams[s].name, stream))
			return reader->pump.streams[s].counters;
	return NULL;
}

int reader_set_listen_port(struct reader *reader, uint32_t port)
{
	reader->own.listen_port = port;
	return write_own_process(reader);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int64_t reader_clock_offset_ns(void)
{
	int64_t best = INT64_MAX, offset = 0;

	for (int i = 0; i < 8; i++) {
		int64_t before = clock_ns(CLOCK_MONOTONIC);
		int64_t real = clock_ns(CLOCK_REALTIME);
		int64_t after = clock_ns(CLOCK_MONOTONIC);

		if (after - before >= best)
			continue;
		best = after - before;
		offset = real - (before + after) / 2;
	}
	return offset;
}
