// SPDX-License-Identifier: Apache-2.0
/*
 * A replay's thread against one that reads its ring as JavaScript does, asks for barriers, holds it and lets it go on, and
 * now and then closes it in the middle. Run under ThreadSanitizer and under ASan.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../bpf/events.h"
#include "../../ffi/replay.h"
#include "../bpf/check.h"

enum {
	EXCHANGES = 4000,
	ROUNDS = 6,
	RING_BYTES = 32768,
	PACKET_MAX = 256,
};

static uint64_t state = 88172645463325252ull;

static uint32_t next_random(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static void put32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
}

/* A raw IPv4 packet with its pcap record in front, written to fd. */
static void write_packet(int fd, uint32_t number, bool from_client, const char *payload)
{
	uint8_t bytes[PACKET_MAX] = {};
	uint32_t len = 40 + strlen(payload);
	uint32_t record[] = {1000 + number, 0, len, len};
	uint8_t *ip = bytes + sizeof(record), *tcp = ip + 20;

	memcpy(bytes, record, sizeof(record));
	put32(ip, 0x45000000 | len);
	put32(ip + 8, 64 << 24 | 6 << 16);
	put32(ip + 12, from_client ? 0x0a000001 : 0x0a000002);
	put32(ip + 16, from_client ? 0x0a000002 : 0x0a000001);
	uint32_t client = 1024 + number, server = 80;
	put32(tcp, from_client ? client << 16 | server : server << 16 | client);
	put32(tcp + 4, number * (from_client ? 7919 : 104729));
	put32(tcp + 8, number * (from_client ? 104729 : 7919));
	put32(tcp + 12, 5u << 28 | 24 << 16);
	memcpy(tcp + 20, payload, len - 40);
	if (write(fd, bytes, sizeof(record) + len) != (ssize_t)(sizeof(record) + len))
		check(false, "a packet cannot be written");
}

static int make_capture(void)
{
	static const uint32_t HEADER[] = {0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 101};
	int fd = memfd_create("capture", 0);

	check(write(fd, HEADER, sizeof(HEADER)) == sizeof(HEADER), "the header is written");
	for (uint32_t number = 0; number < EXCHANGES; number++) {
		write_packet(fd, number, true, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
		write_packet(fd, number, false, "HTTP/1.1 204 No Content\r\n\r\n");
	}
	return fd;
}

struct reading {
	struct reader *reader;
	int wake_fd;
	uint64_t tail;
	uint64_t events, batches;
	uint32_t ticket_wanted, ticket_done;
	bool ended, stopped;
};

static void take_record(struct reading *reading, const struct record *record)
{
	const struct batch *batch = (const void *)(record + 1);
	const struct barrier_done *done = (const void *)(record + 1);

	switch (record->kind) {
	case RECORD_BATCH:
		check(batch->idx == reading->batches++, "batch %llu", batch->idx);
		reading->events += batch->len;
		break;
	case RECORD_BARRIER:
		check((int32_t)(done->ticket - reading->ticket_done) >= 0, "tickets rise");
		reading->ticket_done = done->ticket;
		break;
	case RECORD_ENDED:
		check(!reading->ended, "a replay ends once");
		reading->ended = true;
		break;
	case RECORD_STOPPED:
		reading->stopped = true;
		break;
	}
}

/* Takes what there is, up to `records`; sleeps when there is nothing. */
static void take(struct reading *reading, uint32_t records)
{
	const uint8_t *ring = reader_ring(reading->reader);
	uint64_t head = reader_head(reading->reader);
	struct pollfd fd = {.fd = reading->wake_fd, .events = POLLIN};
	char byte[64];

	if (reading->tail == head)
		head = reader_arm(reading->reader);
	if (reading->tail == head) {
		check(poll(&fd, 1, 10000) == 1, "a sleeping reader is woken");
		if (read(reading->wake_fd, byte, sizeof(byte)) < 0)
			return;
		return;
	}
	for (; records && reading->tail < head && !reading->stopped; records--) {
		const struct record *record =
			(const void *)(ring + (reading->tail & (RING_BYTES - 1)));

		reading->tail += record->size;
		take_record(reading, record);
	}
	reader_release(reading->reader, reading->tail);
}

static struct reading open_replay(int capture)
{
	struct reader_options options = {.shared_ring_bytes = RING_BYTES,
					 .connections_max = 65536,
					 .idle_timeout_millis = 60000};
	struct replay_options replay = {};
	struct reading reading = {};
	char path[64], error[256] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", capture);
	reading.reader = replay_open(path, &options, &replay, error, sizeof(error));
	check(reading.reader, "%s", error);
	reading.wake_fd = reader_wake_fd(reading.reader);
	check(reader_start(reading.reader, error, sizeof(error)) == 0, "%s", error);
	return reading;
}

static void disturb(struct reading *reading)
{
	switch (next_random(20)) {
	case 0:
		reading->ticket_wanted = reader_sync(reading->reader);
		break;
	case 1:
		reader_pause(reading->reader, "http", 1);
		reader_pause(reading->reader, "http", 0);
		break;
	}
}

static void test_whole(int capture)
{
	struct reading reading = open_replay(capture);
	uint32_t ticket;

	replay_play(reading.reader);
	/* As JavaScript does: at any moment, and what it was given once is read for good. */
	const struct counters *counters = reader_counters(reading.reader, "http");
	while (!reading.ended) {
		take(&reading, 1 + next_random(8));
		disturb(&reading);
	}
	check(reading.events == EXCHANGES, "%llu events", (unsigned long long)reading.events);
	ticket = reader_sync(reading.reader);
	while (reading.ticket_done != ticket)
		take(&reading, 8);
	check(__atomic_load_n(&counters->observed, __ATOMIC_RELAXED) == EXCHANGES,
	      "the counters tell of %llu", counters->observed);
	reader_stop(reading.reader);
	while (!reading.stopped)
		take(&reading, 8);
	close(reading.wake_fd);
	reader_close(reading.reader);
}

/* While the writer reads, waits for room, sleeps, or has not begun. */
static void test_closed_early(int capture, uint32_t records)
{
	struct reading reading = open_replay(capture);

	if (records)
		replay_play(reading.reader);
	for (uint32_t taken = 1; taken < records; taken++)
		take(&reading, 1);
	close(reading.wake_fd);
	reader_close(reading.reader);
}

int main(void)
{
	int capture = make_capture();

	for (int round = 0; round < ROUNDS; round++) {
		test_whole(capture);
		test_closed_early(capture, round * 7);
	}
	close(capture);
	return checks_end("replay_threads");
}
