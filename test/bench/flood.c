// SPDX-License-Identifier: Apache-2.0
/*
 * flood EVENTS_PER_SECOND SECONDS PID [EVENTS]: runs the program flood_run, which the process PID has loaded, at a steady rate
 * on the calling CPU. Prints how many events it asked for. EVENTS is a file of those that it sends in turn, each a struct
 * http_event, for a flood_run that can; otherwise one is sent again and again.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "../../bpf/events.h"

enum {
	PER_RUN = 64,
	SECONDS_MAX = 60,
};

/* What a process holds open, by its name in the kernel. Returns a descriptor of our own. */
static int find(const char *pid, const char *key, int (*open_id)(uint32_t), const char *name)
{
	char path[PATH_MAX], line[PATH_MAX];
	struct dirent *entry;
	int found = -1;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo", pid);
	DIR *folder = opendir(path);
	while (folder && found < 0 && (entry = readdir(folder))) {
		snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, entry->d_name);
		FILE *file = fopen(path, "r");
		uint32_t id = 0;

		while (file && !id && fgets(line, sizeof(line), file))
			if (!strncmp(line, key, strlen(key)))
				id = strtoul(line + strlen(key), NULL, 10);
		if (file)
			fclose(file);
		int fd = id ? open_id(id) : -1;
		if (fd < 0)
			continue;
		/* In both kinds of info the name is looked for where that kind has it. */
		struct bpf_prog_info program = {};
		struct bpf_map_info map = {};
		bool is_program = open_id == bpf_prog_get_fd_by_id;
		uint32_t size = is_program ? sizeof(program) : sizeof(map);
		bpf_obj_get_info_by_fd(fd, is_program ? (void *)&program : &map, &size);
		if (!strcmp(is_program ? program.name : map.name, name))
			found = fd;
		else
			close(fd);
	}
	if (folder)
		closedir(folder);
	return found;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static struct http_event make_event(void)
{
	struct http_event event = {
		.start_ns = now_ns(),
		.end_ns = now_ns() + 1234567,
		.client_address = {[10] = 0xff, 0xff, 127, 0, 0, 1},
		.server_address = {[10] = 0xff, 0xff, 127, 0, 0, 1},
		.client_port = 51514,
		.server_port = 8080,
		.status = 200,
		.version = 2,
		.method_len = 3,
		.host_len = 14,
		.user_agent_len = 11,
		.path_len = 16,
		.target_len = 16,
	};

	memcpy(event.method, "GET", 3);
	memcpy(event.host, "127.0.0.1:8080", 14);
	memcpy(event.user_agent, "curl/7.88.1", 11);
	memcpy(event.target, "/users/42/orders", 16);
	return event;
}

/* Writes the events of the file, or without one a single event, to the map. Returns how many, or -1. */
static int fill(int map, const char *path)
{
	struct http_event event = make_event();
	FILE *file = path ? fopen(path, "re") : NULL;
	uint32_t count = 0;
	int err = 0;

	if (!path)
		return bpf_map_update_elem(map, &count, &event, BPF_ANY) ? -1 : 1;
	if (!file)
		return -1;
	while (!err && fread(&event, sizeof(event), 1, file) == 1) {
		err = bpf_map_update_elem(map, &count, &event, BPF_ANY);
		count++;
	}
	fclose(file);
	return err ? -1 : (int)count;
}

int main(int argc, char **argv)
{
	bool is_complete = argc == 4 || argc == 5;
	const char *pid = is_complete ? argv[3] : "";
	int program = find(pid, "prog_id:", bpf_prog_get_fd_by_id, "flood_run");
	int map = find(pid, "map_id:", bpf_map_get_fd_by_id, "flood_event");
	double rate = is_complete ? atof(argv[1]) : 0, seconds = is_complete ? atof(argv[2]) : 0;
	uint64_t arguments[] = {PER_RUN, 0}, asked = 0, start;
	int kinds;

	if (rate <= 0 || seconds <= 0 || seconds > SECONDS_MAX || program < 0 || map < 0) {
		fprintf(stderr,
			"flood: expected a rate, up to %d seconds, and who has loaded flood_run\n",
			SECONDS_MAX);
		return 2;
	}
	kinds = fill(map, argc == 5 ? argv[4] : NULL);
	if (kinds < 1) {
		perror("flood: cannot write the events");
		return 1;
	}
	arguments[1] = kinds;
	start = now_ns();
	while (now_ns() - start < seconds * 1e9) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arguments,
			    .ctx_size_in = sizeof(arguments));

		if (asked > (now_ns() - start) * rate / 1e9) {
			nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
			continue;
		}
		if (bpf_prog_test_run_opts(program, &opts)) {
			perror("flood: cannot run flood_run");
			return 1;
		}
		asked += PER_RUN;
	}
	printf("%llu\n", (unsigned long long)asked);
	return 0;
}
