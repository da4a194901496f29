// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/perf_event.h>
#include <linux/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "programs.h"

/* Takes over fd. */
static void keep_program(struct programs *programs, int fd)
{
	struct bpf_prog_info info = {};
	__u32 size = sizeof(info);
	int *place = NULL;

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size)) {
		if (!strcmp(info.name, "torture_filter"))
			place = &programs->filter_fd;
		else if (!strcmp(info.name, "torture_process"))
			place = &programs->process_fd;
		else if (!strcmp(info.name, "torture_irq"))
			place = &programs->irq_fd;
		else if (!strcmp(info.name, "torture_uprobe"))
			place = &programs->uprobe_fd;
	}
	if (place && *place < 0)
		*place = fd;
	else
		close(fd);
}

/* Takes over fd. */
static void keep_map(struct programs *programs, int fd)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info);
	int *place = NULL;

	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &size)) {
		if (!strcmp(info.name, "torture_setup"))
			place = &programs->setup_fd;
		else if (!strcmp(info.name, "torture_sources"))
			place = &programs->sources_fd;
		else if (!strcmp(info.name, "torture_bits"))
			place = &programs->bits_fd;
	}
	if (place && *place < 0)
		*place = fd;
	else
		close(fd);
}

static void keep_named_by(struct programs *programs, const char *fdinfo)
{
	FILE *file = fopen(fdinfo, "re");
	char line[256];
	__u32 id;

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "prog_id: %u", &id) == 1)
			keep_program(programs, bpf_prog_get_fd_by_id(id));
		else if (sscanf(line, "map_id: %u", &id) == 1)
			keep_map(programs, bpf_map_get_fd_by_id(id));
	}
	fclose(file);
}

static void *map_memory(int fd, size_t bytes, int protection)
{
	void *memory = mmap(NULL, bytes, protection, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int programs_find(struct programs *programs, pid_t pid)
{
	char folder[64], path[512];
	struct dirent *entry;
	DIR *fds;

	*programs = (struct programs){-1, -1, -1, -1, -1, -1, -1, NULL, NULL};
	snprintf(folder, sizeof(folder), "/proc/%d/fdinfo", pid);
	fds = opendir(folder);
	if (!fds)
		return -errno;
	while ((entry = readdir(fds))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		keep_named_by(programs, path);
	}
	closedir(fds);
	if (programs->filter_fd < 0 || programs->process_fd < 0 || programs->irq_fd < 0 ||
	    programs->uprobe_fd < 0 || programs->setup_fd < 0 || programs->sources_fd < 0 ||
	    programs->bits_fd < 0)
		return -ENOENT;
	programs->sources =
		map_memory(programs->sources_fd, TORTURE_SOURCES * sizeof(*programs->sources),
			   PROT_READ | PROT_WRITE);
	programs->bits = map_memory(programs->bits_fd, (1ul << TORTURE_BITS_LOG2) / 8, PROT_READ);
	return programs->sources && programs->bits ? 0 : -errno;
}

/* Where in its file a function of this process lies. */
static int64_t file_offset(const void *function)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uint64_t address = (uintptr_t)function, start, end, offset;
	int64_t found = -ENOENT;
	char line[512];

	if (!maps)
		return -errno;
	while (found < 0 && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64, &start, &end, &offset) ==
			    3 &&
		    address >= start && address < end)
			found = address - start + offset;
	fclose(maps);
	return found;
}

static int uprobe_type(void)
{
	FILE *file = fopen("/sys/bus/event_source/devices/uprobe/type", "re");
	int type;

	if (!file)
		return -errno;
	if (fscanf(file, "%d", &type) != 1)
		type = -EPROTO;
	fclose(file);
	return type;
}

int programs_attach_uprobe(const struct programs *programs, const void *function)
{
	int type = uprobe_type(), fd;
	int64_t offset = file_offset(function);
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.uprobe_path = (uintptr_t) "/proc/self/exe",
		.probe_offset = offset,
	};

	if (type < 0 || offset < 0)
		return type < 0 ? type : (int)offset;
	attr.type = type;
	/* Not of one thread: then any thread's call counts, on every CPU. */
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0 || ioctl(fd, PERF_EVENT_IOC_SET_BPF, programs->uprobe_fd) < 0 ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0)
		return -errno;
	return 0;
}

int programs_run_raw(int program_fd, const struct torture_request *request, int cpu)
{
	__u64 arguments[] = {request->magic, request->source, request->first, request->count,
			     request->flush};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arguments, .ctx_size_in = sizeof(arguments),
		    .flags = BPF_F_TEST_RUN_ON_CPU, .cpu = cpu);

	return bpf_prog_test_run_opts(program_fd, &opts) < 0 ? -errno : 0;
}

int programs_run_filter(const struct programs *programs, const struct torture_request *request,
			int repeat)
{
	struct {
		struct ethhdr ethernet;
		struct iphdr ip;
		struct udphdr udp;
		struct torture_request request;
	} __attribute__((packed)) frame = {
		.ethernet = {.h_proto = htons(ETH_P_IP)},
		.ip = {.version = 4, .ihl = 5, .protocol = IPPROTO_UDP},
		.request = *request,
	};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = &frame, .data_size_in = sizeof(frame),
		    .repeat = repeat);

	return bpf_prog_test_run_opts(programs->filter_fd, &opts) < 0 ? -errno : 0;
}
