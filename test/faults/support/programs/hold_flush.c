// SPDX-License-Identifier: Apache-2.0
/*
 * Makes every flush of one CPU step aside, as if another one on that CPU never ended, or ends that: sets `flushing` of
 * bpf/batch.bpf.h in a map NAME_state. A per-CPU value can only be written for all CPUs at once, so nothing may be enqueued
 * or flushed meanwhile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/types.h>

/* As in bpf/batch.bpf.h, which only the BPF target can include. */
struct batch_state {
	__u64 cursor;
	__u64 tail;
	__u32 flushing;
	__u32 pad;
};

int main(int argc, char **argv)
{
	struct bpf_map_info info = {};
	__u32 size = sizeof(info), zero = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: %s MAP-ID CPU 0|1\n", argv[0]);
		return 2;
	}
	int fd = bpf_map_get_fd_by_id(atoi(argv[1])), cpu = atoi(argv[2]);
	int cpus = libbpf_num_possible_cpus();
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size) < 0) {
		perror("map");
		return 1;
	}
	struct batch_state *states = calloc(cpus, sizeof(*states));
	if (!states || cpu >= cpus || info.value_size != sizeof(*states)) {
		fprintf(stderr, "%s: no such CPU, or not the map of a stream's state\n", info.name);
		return 1;
	}
	if (bpf_map_lookup_elem(fd, &zero, states) < 0) {
		perror("lookup");
		return 1;
	}
	states[cpu].flushing = atoi(argv[3]);
	if (bpf_map_update_elem(fd, &zero, states, BPF_EXIST) < 0) {
		perror("update");
		return 1;
	}
	free(states);
	close(fd);
	return 0;
}
