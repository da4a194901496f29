// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "cgroup.h"
#include "pump.h"
#include "reader.h"

enum {
	LINKS_MAX = 32,
	PATH_BYTES = 4096,
	/* For pipelined requests that wait, where their entries are allocated beforehand. */
	QUEUE_BYTES = 16 * 1024 * 1024,
};

struct reader {
	struct outlet outlet;
	struct bpf_object *objects[READER_OBJECTS_MAX];
	int object_count;
	struct bpf_link *links[LINKS_MAX];
	int link_count;
	struct own_process own;
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

	/* For want of permission libbpf guesses at causes; the errno says it better. */
	if (len && err != -EPERM && err != -EACCES)
		snprintf(error, size, "%s: %s (%.*s)", what, strerror(-err), (int)len,
			 last_warning);
	else
		snprintf(error, size, "%s: %s", what, strerror(-err));
	last_warning[0] = 0;
}

/* Where a variable lies in its section, found through the object's BTF; -ENOENT: the object has none. */
static int find_variable(struct bpf_object *object, const char *section_name, const char *name,
			 uint32_t *offset, uint32_t *size)
{
	const struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, section_name, BTF_KIND_DATASEC);
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

static struct bpf_map *find_section(struct bpf_object *object, const char *suffix)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, object)
	{
		const char *found = strstr(bpf_map__name(map), suffix);
		if (found && !strcmp(found, suffix))
			return map;
	}
	return NULL;
}

/* Writes a setting that the object may have. */
static int set_setting(struct bpf_object *object, const char *name, uint64_t value)
{
	uint32_t offset, size;
	size_t total;
	struct bpf_map *map = find_section(object, ".rodata");

	if (!map || find_variable(object, ".rodata", name, &offset, &size))
		return 0;
	char *data = (char *)bpf_map__initial_value(map, &total);
	if (offset + size > total || size > sizeof(value))
		return -ERANGE;
	memcpy(data + offset, &value, size); /* little-endian, like every target of ours */
	return 0;
}

static int set_entries(struct bpf_object *object, const char *stream, const char *suffix,
		       uint32_t entries)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_%s", stream, suffix);
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	return map ? bpf_map__set_max_entries(map, entries) : 0;
}

/* The programs that see packets: one way to attach or the other. */
static int choose_programs(struct bpf_object *object, bool cgroup)
{
	struct bpf_program *program;
	int err = 0;

	bpf_object__for_each_program(program, object)
	{
		enum bpf_prog_type type = bpf_program__type(program);

		if (type == BPF_PROG_TYPE_SOCKET_FILTER)
			err = err ?: bpf_program__set_autoload(program, !cgroup);
		else if (type == BPF_PROG_TYPE_CGROUP_SKB)
			err = err ?: bpf_program__set_autoload(program, cgroup);
	}
	return err;
}

/*
 * What is sent is read with interrupts off, and then the allocator behind a map cannot be refilled: a packet with more
 * pipelined requests than it has at hand would lose some. So these entries, though fewer, are made beforehand.
 */
static int allocate_queue(struct bpf_object *object, const char *stream, uint32_t entries)
{
	char name[64];
	int err;

	snprintf(name, sizeof(name), "%s_queue", stream);
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);
	if (!map)
		return 0;
	uint32_t room = QUEUE_BYTES / bpf_map__value_size(map);
	err = bpf_map__set_map_flags(map, 0);
	return err ?: bpf_map__set_max_entries(map, entries < room ? entries : room);
}

static int configure(struct reader *reader, struct bpf_object *object, const char *stream)
{
	const struct reader_options *options = &reader->pump.options;
	int err = set_setting(object, "http_capture_query", options->capture_query);
	char drain[64];

	err = err
		      ?: set_setting(object, "http_idle_timeout_ns",
				     options->idle_timeout_millis * 1000000ull);
	err = err ?: set_setting(object, "http_path_max", options->path_max);
	err = err ?: set_setting(object, "http_own_netns", cgroup_own_netns());
	err = err ?: set_setting(object, "http_all_sockets", !options->cgroup[0]);
	err = err ?: choose_programs(object, options->attach == ATTACH_CGROUP);
	err = err ?: set_entries(object, stream, "counters", reader->pump.cpus);
	err = err ?: set_entries(object, stream, "conns", options->connections_max);
	err = err ?: set_entries(object, stream, "queue", options->connections_max);
	if (options->attach == ATTACH_CGROUP)
		err = err ?: allocate_queue(object, stream, options->connections_max);
	err = err ?: set_entries(object, stream, "tuples", options->connections_max);
	err = err ?: set_entries(object, stream, "socks", options->connections_max);
	if (err)
		return err;
	snprintf(drain, sizeof(drain), "%s_drain", stream);
	struct bpf_program *program = bpf_object__find_program_by_name(object, drain);
	if (program && libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT,
					       BPF_FUNC_map_lookup_percpu_elem, NULL) != 1)
		return bpf_program__set_autoload(program, false);
	return 0;
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

	for (int i = 0; i < reader->object_count; i++) {
		int fd = bpf_object__find_map_fd_by_name(reader->objects[i], "own_process");
		if (fd >= 0 && bpf_map_update_elem(fd, &zero, &reader->own, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* "dir/http.bpf.o" holds stream "http". */
static void stream_name(const char *path, char *name, size_t size)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	snprintf(name, size, "%.*s", (int)strcspn(base, "."), base);
}

/* A stream may have neither of them. */
static int share_variables(struct bpf_object *object, struct stream *stream)
{
	struct bpf_map *bss = find_section(object, ".bss");
	uint32_t offset, size;
	char variable[32];
	int err;

	if (!bss)
		return 0;
	err = stream_map_bss(stream, bss);
	if (err)
		return err;
	snprintf(variable, sizeof(variable), "%s_paused", stream->name);
	if (!find_variable(object, ".bss", variable, &offset, &size))
		stream->paused = (bool *)stream->bss + offset;
	snprintf(variable, sizeof(variable), "%s_wanted_slot", stream->name);
	if (!find_variable(object, ".bss", variable, &offset, &size))
		stream->wanted_slot = (uint32_t *)((char *)stream->bss + offset);
	return 0;
}

static int add_object(struct reader *reader, const char *path, const char **what)
{
	struct pump *pump = &reader->pump;
	struct stream *stream = &pump->streams[pump->stream_count];
	struct bpf_object *object;
	char name[16];
	int err;

	if (reader->object_count == READER_OBJECTS_MAX)
		return -E2BIG;
	*what = "cannot open the eBPF object";
	object = bpf_object__open_file(path, NULL);
	if (!object)
		return -errno;
	reader->objects[reader->object_count++] = object;
	stream_name(path, name, sizeof(name));
	*what = "the eBPF object does not fit this reader";
	err = configure(reader, object, name);
	if (err)
		return err;
	*what = pump->options.attach == ATTACH_CGROUP
			? "the kernel refused the eBPF programs (those for a cgroup need Linux 6.15)"
			: "the kernel refused the eBPF programs";
	err = bpf_object__load(object);
	if (err)
		return err;
	*what = "the eBPF object holds no stream that this reader knows";
	pump->stream_count++;
	err = stream_init(stream, object, name, pump->cpus, &reader->outlet.ring,
			  &reader->outlet.stats);
	if (err)
		return err;
	*what = "the eBPF object's variables cannot be shared";
	return share_variables(object, stream);
}

static int add_objects(struct reader *reader, const char *paths, const char **what)
{
	char copy[PATH_BYTES], *rest = copy, *path;
	int err;

	if (snprintf(copy, sizeof(copy), "%s", paths) >= (int)sizeof(copy))
		return -ENAMETOOLONG;
	while ((path = strsep(&rest, "\n"))) {
		err = add_object(reader, path, what);
		if (err)
			return err;
	}
	return 0;
}

static int make_rings(struct reader *reader)
{
	struct pump *pump = &reader->pump;
	uint32_t largest = 0;
	int err;

	for (int s = 0; s < pump->stream_count; s++)
		if (pump->streams[s].batch_max > largest)
			largest = pump->streams[s].batch_max;
	err = outlet_init(&reader->outlet, pump->options.shared_ring_bytes, largest);
	return err ?: pump_init(pump);
}

/*
 * Runs on the pump's thread, once; links and sockets are its own from reader_start() on. When it returns, no program is
 * running any more: a barrier then finds all that there will be.
 */
static void detach(void *context)
{
	struct reader *reader = context;

	taps_free(&reader->pump.taps);
	if (!reader->link_count)
		return;
	while (reader->link_count)
		bpf_link__destroy(reader->links[--reader->link_count]);
	/* Waits for a grace period of RCU, under which programs run (kernel/sched/membarrier.c). */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

struct reader *reader_open(const char *object_paths, const struct reader_options *options,
			   char *error, uint32_t error_size)
{
	struct reader *reader = aligned_alloc(64, (sizeof(*reader) + 63) / 64 * 64);
	const char *what = "cannot learn about this process";
	int err;

	if (!reader) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	memset(reader, 0, sizeof(*reader));
	reader->pump.out = &reader->outlet;
	reader->pump.options = *options;
	reader->pump.detach = detach;
	reader->pump.context = reader;
	reader->pump.taps.netlink_fd = -1;
	reader->pump.cpus = libbpf_num_possible_cpus();
	libbpf_set_print(keep_warning);
	last_warning[0] = 0;

	err = find_own_process(&reader->own);
	err = err ?: add_objects(reader, object_paths, &what);
	if (err)
		goto err_out;
	what = "cannot make the rings";
	err = make_rings(reader) ?: write_own_process(reader);
	if (!err)
		return reader;
err_out:
	explain(error, error_size, what, err);
	reader_close(reader);
	return NULL;
}

static int keep_link(struct reader *reader, struct bpf_link *link)
{
	if (!link)
		return -errno;
	if (reader->link_count == LINKS_MAX) {
		bpf_link__destroy(link);
		return -E2BIG;
	}
	reader->links[reader->link_count++] = link;
	return 0;
}

/* Every program that names its tracepoint is attached there; the others are run by the pump. */
static int attach_tracepoints(struct reader *reader, struct bpf_object *object)
{
	struct bpf_program *program;
	int err = 0;

	bpf_object__for_each_program(program, object)
	{
		if (!strncmp(bpf_program__section_name(program), "raw_tp/", 7))
			err = err ?: keep_link(reader, bpf_program__attach(program));
	}
	return err;
}

/* Links leave other programs of the cgroup as they are, and go with this process. */
static int attach_to_cgroup(struct reader *reader)
{
	int fd = cgroup_open(reader->pump.options.cgroup), err = 0;
	struct bpf_program *program;

	if (fd < 0)
		return fd;
	for (int i = 0; i < reader->object_count; i++) {
		bpf_object__for_each_program(program, reader->objects[i])
		{
			if (bpf_program__type(program) == BPF_PROG_TYPE_CGROUP_SKB)
				err = err
					      ?: keep_link(reader,
							   bpf_program__attach_cgroup(program, fd));
		}
	}
	close(fd);
	return err;
}

/* Says what was wanted of a cgroup, since the errno alone does not. */
static const char *cgroup_failure(int err)
{
	switch (err) {
	case -EXDEV:
		return "cannot attach to the root cgroup: a cgroup namespace hides it; run with the host's, or name a cgroup";
	case -ENOTDIR:
	case -ENOENT:
		return "cannot attach to the cgroup: there is no such directory of cgroup v2";
	case -EPERM:
		return "cannot attach to the cgroup: CAP_NET_ADMIN is missing, or a program there allows no other";
	default:
		return "cannot attach to the cgroup";
	}
}

static int find_filter(struct reader *reader)
{
	struct bpf_program *program;

	for (int i = 0; i < reader->object_count; i++) {
		bpf_object__for_each_program(program, reader->objects[i])
		{
			if (bpf_program__type(program) == BPF_PROG_TYPE_SOCKET_FILTER)
				return bpf_program__fd(program);
		}
	}
	return -ENOENT;
}

int reader_start(struct reader *reader, char *error, uint32_t error_size)
{
	const char *what = "cannot attach to a raw tracepoint";
	bool cgroup = reader->pump.options.attach == ATTACH_CGROUP;
	int filter = cgroup ? -1 : find_filter(reader), err = 0;

	for (int i = 0; i < reader->object_count && !err; i++)
		err = attach_tracepoints(reader, reader->objects[i]);
	if (err)
		goto err_out;
	err = cgroup ? attach_to_cgroup(reader) : 0;
	what = cgroup_failure(err);
	if (err)
		goto err_out;
	what = "cannot attach the filter to packet sockets";
	err = filter >= 0 ? taps_init(&reader->pump.taps, filter) : 0;
	reader->outlet.stats.sockets = reader->pump.taps.opened;
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

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	if (reader->pump.running)
		outlet_abandon(&reader->outlet);
	pump_join(&reader->pump);
	detach(reader);
	pump_free(&reader->pump);
	outlet_free(&reader->outlet);
	while (reader->object_count)
		bpf_object__close(reader->objects[--reader->object_count]);
	free(reader);
}

int reader_cpus(struct reader *reader)
{
	return reader->pump.cpus;
}

void reader_programs(struct reader *reader, char *out, uint32_t size)
{
	struct bpf_program *program;
	uint32_t length = 0;

	out[0] = 0;
	for (int i = 0; i < reader->object_count; i++) {
		bpf_object__for_each_program(program, reader->objects[i])
		{
			struct bpf_prog_info info = {};
			uint32_t info_size = sizeof(info);
			int fd = bpf_program__fd(program);

			if (length >= size || fd < 0 ||
			    bpf_obj_get_info_by_fd(fd, &info, &info_size))
				continue;
			length += snprintf(out + length, size - length, "%s %llu %llu\n",
					   bpf_program__name(program), info.run_cnt,
					   info.run_time_ns);
		}
	}
}

static struct stream *find_stream(struct reader *reader, const char *name)
{
	for (int s = 0; s < reader->pump.stream_count; s++)
		if (!strcmp(reader->pump.streams[s].name, name))
			return &reader->pump.streams[s];
	return NULL;
}

void *reader_counters(struct reader *reader, const char *stream)
{
	struct stream *found = find_stream(reader, stream);

	return found ? found->counters : NULL;
}

int reader_pause(struct reader *reader, const char *stream, uint32_t paused)
{
	struct stream *found = find_stream(reader, stream);

	if (!found || !found->paused)
		return -ENOENT;
	/* On resuming, connections start afresh: what passed meanwhile was not followed. */
	if (!paused)
		stream_run(found->forget_fd, 0);
	__atomic_store_n(found->paused, paused, __ATOMIC_SEQ_CST);
	return 0;
}

int reader_set_wanted(struct reader *reader, const struct http_wanted *wanted)
{
	struct stream *http = find_stream(reader, "http");

	return http ? stream_set_wanted(http, wanted) : -ENOENT;
}

/* The address of a socket of ours that listens on port; zero for any address. False when fd is no such socket. */
static bool listens_on(int fd, uint32_t port, uint8_t address[16])
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} name = {};
	socklen_t size = sizeof(name), flag_size = sizeof(int);
	int accepts = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &flag_size) < 0 || !accepts ||
	    getsockname(fd, &name.any, &size) < 0)
		return false;
	memset(address, 0, 16);
	if (name.any.sa_family == AF_INET && ntohs(name.v4.sin_port) == port) {
		if (name.v4.sin_addr.s_addr) {
			memset(address + 10, 0xff, 2);
			memcpy(address + 12, &name.v4.sin_addr, 4);
		}
		return true;
	}
	if (name.any.sa_family == AF_INET6 && ntohs(name.v6.sin6_port) == port) {
		memcpy(address, &name.v6.sin6_addr, 16);
		return true;
	}
	return false;
}

int reader_set_listen_port(struct reader *reader, uint32_t port)
{
	DIR *fds = opendir("/proc/self/fd");
	struct dirent *entry;
	bool found = false;

	if (!fds)
		return -errno;
	while (!found && (entry = readdir(fds)))
		found = listens_on(atoi(entry->d_name), port,
				   (uint8_t *)reader->own.listen_address);
	closedir(fds);
	if (!found)
		return -ENOENT;
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
