// SPDX-License-Identifier: Apache-2.0
/* A libFuzzer target: bytes are a capture file, which is read and replayed as player.c does. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../ffi/capture_file.h"
#include "../../ffi/http_native.h"
#include "../../ffi/link_layer.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	PACKETS_MAX = 2000,
};

static const char NAME[] = "input";
static uint8_t looked_at;
static unsigned long files, packets, transactions;

static void report(void)
{
	printf("fuzz_replay: %lu files, %lu packets, %lu transactions (%02x)\n", files, packets,
	       transactions, looked_at);
}

static void stop_unless(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz_replay: %s\n", what);
	__builtin_trap();
}

static int on_batch(void *unused, const struct batch *batch, uint32_t bytes)
{
	(void)unused;
	stop_unless(bytes == sizeof(*batch) + batch->len * batch->event_size, "a batch's size");
	transactions += batch->len;
	return 0;
}

/* Every byte is looked at, for the sanitizer. */
static void read_packet(const struct captured_packet *packet)
{
	uint32_t network;
	uint16_t ethertype;

	for (uint32_t i = 0; i < packet->captured; i++)
		looked_at ^= packet->bytes[i];
	packets++;
	if (!link_find_network(packet->link_type, packet->bytes, packet->captured, &network,
			       &ethertype))
		return;
	stop_unless(network < packet->captured, "a network header behind the packet");
	if (packet->captured < packet->length)
		http_native_cut_packet(packet->bytes + network, packet->captured - network,
				       packet->length - network, ethertype, packet->time_ns);
	else
		http_native_packet(packet->bytes + network, packet->captured - network, ethertype,
				   packet->time_ns);
}

static void check_end(const struct capture_file *file, enum capture_result result, size_t size)
{
	const char *fault = capture_file_fault(file);

	stop_unless(result == CAPTURE_END || result == CAPTURE_FAULT, "a file that makes wait");
	stop_unless(result == CAPTURE_END || *fault, "a fault without a word");
	stop_unless(!*fault || !strncmp(fault, NAME, strlen(NAME)), "a fault without the file");
	stop_unless(capture_file_position(file) <= size, "a position behind the end");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return atexit(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_native_options options = {.capture_query = true, .connections_max = 64};
	const struct counters *counters;
	struct captured_packet packet = {};
	enum capture_result result = CAPTURE_PACKET;
	int fd = memfd_create(NAME, 0);

	stop_unless(fd >= 0 && write(fd, data, size) == (ssize_t)size && !lseek(fd, 0, SEEK_SET),
		    "no file");
	struct capture_file *file = capture_file_open(fd, NAME);
	files++;
	http_native_open(&options, on_batch, NULL);
	for (int i = 0; i < PACKETS_MAX && result == CAPTURE_PACKET; i++) {
		result = capture_file_next(file, &packet);
		if (result == CAPTURE_PACKET)
			read_packet(&packet);
	}
	if (result != CAPTURE_PACKET)
		check_end(file, result, size);
	http_native_end(packet.time_ns);
	stop_unless(http_native_flush() == 0 && http_native_connections() == 0,
		    "something is left");
	counters = http_native_counters();
	stop_unless(counters->observed == counters->enqueued &&
			    counters->enqueued == counters->flushed,
		    "the ledger does not balance");
	http_native_close();
	capture_file_close(file);
	return 0;
}
