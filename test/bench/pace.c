// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP requests at a fixed rate. A request's latency begins when it was due, not when a connection was free for it: a server
 * that stands still is not spared the requests that it kept waiting.
 *
 *	pace PORT PATH RATE WARM_UP_SECONDS SECONDS CONNECTIONS keep|close
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S	1000000000LL
/* What is still unanswered so long after the last request was due counts as an error. */
#define GRACE_NS	(NS_PER_S / 2)
#define MAX_CONNECTIONS 1024

struct connection {
	int64_t due_ns;
	/* Of the response, still to come; negative before its head was seen. */
	long rest;
	int fd;
};

static struct {
	struct sockaddr_in server;
	char request[512];
	int request_len;
	int close_each;
	int epoll_fd;
	int64_t counts_from_ns;
	struct connection connections[MAX_CONNECTIONS];
	struct connection *idle[MAX_CONNECTIONS];
	int idle_count;
	uint32_t *latencies_us;
	long answered;
	long errors;
} pace;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "pace: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(struct connection *connection, uint32_t events, int how)
{
	struct epoll_event event = {.events = events, .data.ptr = connection};

	if (epoll_ctl(pace.epoll_fd, how, connection->fd, &event))
		fail("epoll_ctl");
}

static void open_connection(struct connection *connection)
{
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (connection->fd < 0)
		fail("socket");
	if (connect(connection->fd, (struct sockaddr *)&pace.server, sizeof(pace.server)) &&
	    errno != EINPROGRESS)
		fail("connect");
}

static void send_request(struct connection *connection)
{
	connection->rest = -1;
	if (send(connection->fd, pace.request, pace.request_len, MSG_NOSIGNAL) != pace.request_len)
		pace.errors++;
}

static void begin(struct connection *connection, int64_t due_ns)
{
	connection->due_ns = due_ns;
	if (!pace.close_each) {
		send_request(connection);
		return;
	}
	open_connection(connection);
	watch(connection, EPOLLOUT, EPOLL_CTL_ADD);
}

static void finish(struct connection *connection)
{
	if (connection->due_ns >= pace.counts_from_ns)
		pace.latencies_us[pace.answered++] = (now_ns() - connection->due_ns) / 1000;
	pace.idle[pace.idle_count++] = connection;
}

/* How long the response is whose head, whole, is at the start of `text`; negative if that is no 200. */
static long response_len(char *text)
{
	char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "\r\ncontent-length:");

	if (strncmp(text, "HTTP/1.1 200 ", 13) || !end || !length || length > end)
		return -1;
	return end + 4 - text + atol(length + 17);
}

static void receive(struct connection *connection)
{
	static char bytes[1 << 18];
	ssize_t len = recv(connection->fd, bytes, sizeof(bytes) - 1, 0);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		if (!pace.close_each)
			fail("the server closed a connection");
		close(connection->fd);
		if (len == 0 && connection->rest == 0) {
			finish(connection);
		} else {
			pace.errors++;
			pace.idle[pace.idle_count++] = connection;
		}
		return;
	}
	if (connection->rest < 0) {
		bytes[len] = 0;
		connection->rest = response_len(bytes);
		if (connection->rest < 0)
			fail("not a response that was expected");
	}
	connection->rest -= len;
	if (connection->rest == 0 && !pace.close_each)
		finish(connection);
}

static void handle(struct epoll_event *event)
{
	struct connection *connection = event->data.ptr;

	if (event->events & EPOLLOUT) {
		watch(connection, EPOLLIN, EPOLL_CTL_MOD);
		send_request(connection);
	} else {
		receive(connection);
	}
}

static void run(long total, int64_t interval_ns, int connection_count)
{
	int64_t start_ns = now_ns(), last_due_ns = start_ns + total * interval_ns;
	struct epoll_event events[64];
	long begun = 0;

	while (begun < total || pace.idle_count < connection_count) {
		int64_t now = now_ns(), due_ns = start_ns + begun * interval_ns, wait_ns = GRACE_NS;
		int count;

		while (begun < total && due_ns <= now && pace.idle_count > 0) {
			begin(pace.idle[--pace.idle_count], due_ns);
			due_ns = start_ns + ++begun * interval_ns;
		}
		if (now > last_due_ns + GRACE_NS)
			break;
		if (begun < total && pace.idle_count > 0)
			wait_ns = due_ns > now ? due_ns - now : 0;
		count = epoll_pwait2(pace.epoll_fd, events, 64,
				     &(struct timespec){.tv_nsec = wait_ns % NS_PER_S}, NULL);
		for (int i = 0; i < count; i++)
			handle(&events[i]);
	}
	pace.errors += total - begun + connection_count - pace.idle_count;
}

static int by_size(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
	if (argc != 8)
		return 2;
	int port = atoi(argv[1]), connection_count = atoi(argv[6]);
	double rate = atof(argv[3]), warm_up = atof(argv[4]), seconds = atof(argv[5]);
	long total = (long)(rate * (warm_up + seconds));

	pace.close_each = strcmp(argv[7], "close") == 0;
	if (rate <= 0 || total <= 0 || connection_count < 1 || connection_count > MAX_CONNECTIONS)
		return 2;
	pace.server = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	pace.request_len = snprintf(pace.request, sizeof(pace.request),
				    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n%s\r\n", argv[2],
				    port, pace.close_each ? "Connection: close\r\n" : "");
	pace.latencies_us = calloc(total, sizeof(*pace.latencies_us));
	pace.epoll_fd = epoll_create1(0);
	if (!pace.latencies_us || pace.epoll_fd < 0)
		fail("start");
	for (int i = 0; i < connection_count; i++) {
		struct connection *connection = &pace.connections[i];

		if (!pace.close_each) {
			open_connection(connection);
			watch(connection, EPOLLIN, EPOLL_CTL_ADD);
		}
		pace.idle[pace.idle_count++] = connection;
	}
	/* A handshake on the same machine takes less. */
	usleep(20000);
	pace.counts_from_ns = now_ns() + (int64_t)(warm_up * NS_PER_S);
	run(total, (int64_t)(NS_PER_S / rate), connection_count);
	/* Where nothing was answered, all waited to the end. */
	if (pace.answered == 0)
		pace.latencies_us[0] = (uint32_t)(seconds * 1e6);
	qsort(pace.latencies_us, pace.answered, sizeof(*pace.latencies_us), by_size);
	printf("RESULT {\"requests\":%ld,\"micros\":%.0f,\"p50Micros\":%u,\"p99Micros\":%u,\"maxMicros\":%u,\"errors\":%ld}\n",
	       pace.answered, seconds * 1e6, pace.latencies_us[pace.answered / 2],
	       pace.latencies_us[pace.answered * 99 / 100],
	       pace.latencies_us[pace.answered ? pace.answered - 1 : 0], pace.errors);
	return 0;
}
