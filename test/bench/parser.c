// SPDX-License-Identifier: Apache-2.0
/*
 * What the filter takes of the kernel's time by kind of traffic, without a network: packets that are made here go through
 * the loaded program with BPF_PROG_TEST_RUN. Usage: parser OBJECT. Prints a line a kind: name, transactions, segments,
 * nanoseconds. A system call stands before each run, so caches are colder than on a busy host.
 */
#include <arpa/inet.h>
#include <errno.h>
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
	TEXT_MAX = 1 << 17,
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

static void large_body(void)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\n\r\n";
	static const char body[1 << 16];

	send_text(false, request, sizeof(request) - 1);
	send_text(true, head, sizeof(head) - 1);
	for (int i = 0; i < 16; i++)
		send_text(true, body, sizeof(body));
}

static void chunks(void)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
	static char text[TEXT_MAX];
	size_t len = 0;

	for (int i = 0; i < 64; i++)
		len += sprintf(text + len, "400\r\n%01024d\r\n", 0);
	len += sprintf(text + len, "0\r\n\r\n");
	send_text(false, request, sizeof(request) - 1);
	send_text(true, head, sizeof(head) - 1);
	send_text(true, text, len);
}

static void long_head(size_t bytes)
{
	static char text[TEXT_MAX];
	size_t len = sprintf(text, "GET / HTTP/1.1\r\nHost: h\r\n");

	while (len < bytes)
		len += sprintf(text + len, "X-Header-%zu: forty-eight bytes of a value in it\r\n",
			       len);
	len += sprintf(text + len, "\r\n");
	send_text(false, text, len);
	send_text(true, response, sizeof(response) - 1);
}

static void head_1k(void)
{
	long_head(1000);
}

static void head_8k(void)
{
	long_head(8000);
}

static void head_60k(void)
{
	long_head(60000);
}

static void pipelined(void)
{
	char text[PAYLOAD_MAX];
	size_t len = 0;

	for (int i = 0; i < 16; i++)
		len += sprintf(text + len, "%s", request);
	send_text(false, text, len);
	for (int i = 0; i < 16; i++)
		send_text(true, response, sizeof(response) - 1);
}

/* On a connection of its own, of which nothing is known. */
static void other_protocol(void)
{
	static const char query[] = "Q\0\0\0\x21SELECT name FROM users WHERE id = 42";

	client_port++;
	run(false, query, sizeof(query) - 1);
	client_port--;
}

static void again(void)
{
	run(true, response, sizeof(response) - 1);
	segments--;
	client_seq -= sizeof(request) - 1;
	run(false, request, sizeof(request) - 1);
	client_seq += sizeof(request) - 1;
}

static const struct kind {
	const char *name;
	void (*play)(void);
	unsigned transactions, times;
} kinds[] = {
	{"a request of 97 bytes and its answer of 150", exchange, 1, 20000},
	{"... with a body of 1 MiB, in segments of 3,000 bytes", large_body, 1, 60},
	{"... with 64 chunks of 1 KiB", chunks, 1, 600},
	{"a request head of 1,000 bytes, and an answer", head_1k, 1, 10000},
	{"a request head of 8,000 bytes, and an answer", head_8k, 1, 2000},
	{"a request head of 60,000 bytes, and an answer", head_60k, 1, 300},
	{"16 pipelined requests in a segment, and their answers", pipelined, 16, 1000},
};

static void drop_sample(void *context, int cpu, void *data, __u32 size)
{
}

/* Of the program itself, as the kernel counts it while statistics are on. */
static uint64_t run_time_ns(void)
{
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	bpf_obj_get_info_by_fd(filter, &info, &size);
	return info.run_time_ns;
}

static void measure(const struct kind *kind)
{
	uint64_t before, warm = kind->times / 10;

	for (uint64_t i = 0; i < warm; i++)
		kind->play();
	segments = 0;
	before = run_time_ns();
	for (unsigned i = 0; i < kind->times; i++) {
		kind->play();
		/* Pages that could not be sent would be tried again and again. */
		perf_buffer__consume(rings);
	}
	printf("%s\t%u\t%llu\t%llu\n", kind->name, kind->times * kind->transactions,
	       (unsigned long long)segments, (unsigned long long)(run_time_ns() - before));
}

int main(int argc, char **argv)
{
	static const struct kind seen = {"a segment that was seen before", again, 0, 20000};
	static const struct kind other = {"a segment of another protocol", other_protocol, 0,
					  20000};
	struct bpf_object *object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_map *counters;
	int stats;

	if (!object) {
		fprintf(stderr, "usage: parser OBJECT\n");
		return 2;
	}
	counters = bpf_object__find_map_by_name(object, "http_counters");
	bpf_map__set_max_entries(counters, libbpf_num_possible_cpus());
	if (bpf_object__load(object))
		return 1;
	filter = bpf_program__fd(bpf_object__find_program_by_name(object, "http_filter"));
	stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	rings = perf_buffer__new(bpf_map__fd(bpf_object__find_map_by_name(object, "http_events")),
				 RING_PAGES, drop_sample, NULL, NULL, NULL);
	if (filter < 0 || stats < 0 || !rings)
		return 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		measure(&kinds[i]);
	exchange();
	measure(&seen);
	measure(&other);
	close(stats);
	perf_buffer__free(rings);
	bpf_object__close(object);
	return 0;
}
