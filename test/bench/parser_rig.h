/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser of an object under packets that are made here, without a network: they go through the loaded program with
 * BPF_PROG_TEST_RUN. A system call stands before each run, so caches are colder than on a busy host. One in a process.
 */
#ifndef KERNELCAST_PARSER_RIG_H
#define KERNELCAST_PARSER_RIG_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

enum {
	HEADERS = 54, /* Ethernet, IPv4, TCP */
	PAYLOAD_MAX = 3000,
	TCP_ACK_PUSH = 0x18,
	RING_PAGES = 64,
};

static int filter;
static struct perf_buffer *rings;
static uint64_t segments;
static uint32_t client_seq = 1000, server_seq = 5000;
static uint16_t client_port = 40000;

static void run(bool from_server, const char *payload, size_t len)
{
	static const uint8_t client[] = {10, 0, 0, 1}, server[] = {10, 0, 0, 2};
	uint8_t packet[HEADERS + PAYLOAD_MAX] = {[12] = 8, [14] = 0x45, [22] = 64, 6};
	uint16_t ports[] = {htons(client_port), htons(80)}, total = htons(len + HEADERS - 14);
	uint32_t seq = htonl(from_server ? server_seq : client_seq);
	uint32_t ack = htonl(from_server ? client_seq : server_seq);
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = HEADERS + len);

	memcpy(packet + 16, &total, 2);
	memcpy(packet + 26, from_server ? server : client, 4);
	memcpy(packet + 30, from_server ? client : server, 4);
	memcpy(packet + 34, &ports[from_server], 2);
	memcpy(packet + 36, &ports[!from_server], 2);
	memcpy(packet + 38, &seq, 4);
	memcpy(packet + 42, &ack, 4);
	packet[46] = 0x50;
	packet[47] = TCP_ACK_PUSH;
	memcpy(packet + HEADERS, payload, len);
	if (bpf_prog_test_run_opts(filter, &opts) < 0) {
		perror("BPF_PROG_TEST_RUN");
		exit(1);
	}
	segments++;
}

/* As many segments as it takes. */
static void send_text(bool from_server, const char *text, size_t len)
{
	uint32_t *seq = from_server ? &server_seq : &client_seq;

	while (len) {
		size_t part = len < PAYLOAD_MAX ? len : PAYLOAD_MAX;

		run(from_server, text, part);
		*seq += part;
		text += part;
		len -= part;
	}
}

static const char request[] = "GET /users/42/orders?page=3 HTTP/1.1\r\nHost: api.local:8080\r\n"
			      "User-Agent: wrk/4.1\r\nAccept: */*\r\n\r\n";
static const char response[] = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
			       "Date: Sun, 22 Nov 2026 16:00:00 GMT\r\n"
			       "Content-Type: text/plain\r\nContent-Length: 12\r\n"
			       "Connection: keep-alive\r\n\r\nhello world\n";

static void exchange(void)
{
	send_text(false, request, sizeof(request) - 1);
	send_text(true, response, sizeof(response) - 1);
}

static void drop_sample(void *context, int cpu, void *data, __u32 size)
{
}

/* Of a program itself, as the kernel counts it while statistics are on. */
static uint64_t run_time_ns(int program)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	bpf_obj_get_info_by_fd(program, &info, &size);
	return info.run_time_ns;
}

/* Pages that could not be sent would be tried again and again. */
static void empty_rings(void)
{
	perf_buffer__consume(rings);
}

/* Loads the parser, and has the kernel count the time of programs for the life of this process. Returns false, said. */
static bool rig_open(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);

	if (!object)
		return false;
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "http_counters"),
				 libbpf_num_possible_cpus());
	if (bpf_object__load(object))
		return false;
	filter = bpf_program__fd(bpf_object__find_program_by_name(object, "http_filter"));
	rings = perf_buffer__new(bpf_map__fd(bpf_object__find_map_by_name(object, "http_events")),
				 RING_PAGES, drop_sample, NULL, NULL, NULL);
	return filter >= 0 && rings && bpf_enable_stats(BPF_STATS_RUN_TIME) >= 0;
}

#endif
