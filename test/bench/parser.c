// SPDX-License-Identifier: Apache-2.0
/*
 * What the filter takes of the kernel's time by kind of traffic. Usage: parser OBJECT. Prints a line a kind: name,
 * transactions, segments, nanoseconds.
 */
#include "parser_rig.h"

enum {
	TEXT_MAX = 1 << 17,
};

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

static void measure(const struct kind *kind)
{
	uint64_t before, warm = kind->times / 10;

	for (uint64_t i = 0; i < warm; i++)
		kind->play();
	segments = 0;
	before = run_time_ns(filter);
	for (unsigned i = 0; i < kind->times; i++) {
		kind->play();
		empty_rings();
	}
	printf("%s\t%u\t%llu\t%llu\n", kind->name, kind->times * kind->transactions,
	       (unsigned long long)segments, (unsigned long long)(run_time_ns(filter) - before));
}

int main(int argc, char **argv)
{
	static const struct kind seen = {"a segment that was seen before", again, 0, 20000};
	static const struct kind other = {"a segment of another protocol", other_protocol, 0,
					  20000};

	if (argc != 2) {
		fprintf(stderr, "usage: parser OBJECT\n");
		return 2;
	}
	if (!rig_open(argv[1]))
		return 1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		measure(&kinds[i]);
	exchange();
	measure(&seen);
	measure(&other);
	return 0;
}
