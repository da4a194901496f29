// SPDX-License-Identifier: Apache-2.0
/* The shared ring between two threads, as the pump and JavaScript use it; run under ThreadSanitizer and under ASan. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include "../../ffi/shared_ring.h"
#include "../bpf/check.h"

enum {
	RECORDS = 1000000,
	LARGEST = 1000, /* payload bytes */
	RING_BYTES = 16384,
	LAP_BYTES = 4096, /* of the ring in the tests on one thread */
};

static struct shared_ring ring;

/* The same for writer and reader, from the record's number alone. */
static uint32_t noise(uint32_t number)
{
	number = (number ^ number >> 16) * 0x45d9f3b;
	number = (number ^ number >> 16) * 0x45d9f3b;
	return number ^ number >> 16;
}

static uint32_t payload_of(uint32_t number)
{
	return noise(number) % 64 ? 4 + noise(number) % 120 : 4 + noise(number) % (LARGEST - 3);
}

static void write_record(uint32_t number)
{
	uint32_t bytes = payload_of(number);
	uint8_t *payload = shared_ring_reserve(&ring, RECORD_BATCH, bytes);

	memcpy(payload, &number, sizeof(number));
	memset(payload + sizeof(number), number, bytes - sizeof(number));
}

static void *writer_main(void *unused)
{
	for (uint32_t number = 0; number < RECORDS; number++) {
		while (!shared_ring_has_room(&ring)) {
			shared_ring_publish(&ring);
			sched_yield();
		}
		write_record(number);
		if (noise(number) % 5 == 0)
			shared_ring_publish(&ring);
	}
	shared_ring_publish(&ring);
	return unused;
}

/* Checks the record at a position and returns its size. */
static uint32_t read_record(uint64_t at, uint32_t *expected, uint32_t *pads)
{
	uint64_t offset = at & (ring.size - 1);
	const struct record *record = (const struct record *)(ring.memory + offset);
	const uint8_t *payload = (const uint8_t *)(record + 1);
	uint32_t number, bytes;

	check(record->size >= sizeof(*record) && record->size % 8 == 0 &&
		      offset + record->size <= ring.size,
	      "a record of %u bytes at %llu of %u", record->size, (unsigned long long)offset,
	      ring.size);
	if (record->kind == RECORD_PAD) {
		check(offset + record->size == ring.size, "padding ends before the ring does");
		++*pads;
		return record->size;
	}
	memcpy(&number, payload, sizeof(number));
	bytes = payload_of(number);
	check(number == *expected, "record %u came where %u was due", number, *expected);
	check(record->size == (sizeof(*record) + bytes + 7) / 8 * 8, "record %u has %u bytes",
	      number, record->size);
	for (uint32_t i = sizeof(number); i < bytes; i++)
		if (payload[i] != (uint8_t)number)
			return check(false, "record %u is torn at byte %u", number, i),
			       record->size;
	++*expected;
	return record->size;
}

static void a_million_records_arrive_in_order(void)
{
	uint32_t expected = 0, pads = 0, unreleased = 0;
	uint64_t tail = 0;
	pthread_t writer;

	if (!check(shared_ring_init(&ring, RING_BYTES, LARGEST) == 0, "the ring cannot be made"))
		return;
	pthread_create(&writer, NULL, writer_main, NULL);
	while (expected < RECORDS && !checks_failed) {
		uint64_t head = shared_ring_head(&ring);

		check(head - tail <= RING_BYTES, "%llu bytes are in the ring",
		      (unsigned long long)(head - tail));
		if (tail == head) {
			shared_ring_release(&ring, tail);
			sched_yield();
		}
		while (tail < head && !checks_failed) {
			tail += read_record(tail, &expected, &pads);
			if (++unreleased % 7 == 0)
				shared_ring_release(&ring, tail);
		}
	}
	if (checks_failed)
		exit(checks_end("shared_ring"));
	pthread_join(writer, NULL);
	check(tail == shared_ring_head(&ring), "something stands behind the last record");
	check(pads > 1000, "the ring wrapped %u times with padding only", pads);
	printf("  %u records, %llu laps, %u of them padded\n", expected,
	       (unsigned long long)(tail / RING_BYTES), pads);
	shared_ring_free(&ring);
}

/* From every position of a lap, with records of every size: what has_room() promised is there. */
static void room_is_never_promised_in_vain(void)
{
	for (uint32_t start = 0; start < LAP_BYTES; start += 8) {
		uint64_t laps = 3ull << 40;
		uint32_t full = 0;

		if (!check(shared_ring_init(&ring, LAP_BYTES, LARGEST) == 0, "no ring"))
			return;
		ring.written = ring.head = ring.tail = laps + start;
		while (shared_ring_has_room(&ring) && full++ < 1000) {
			uint8_t *payload = shared_ring_reserve(&ring, RECORD_BATCH, LARGEST);

			check(payload >= ring.memory &&
				      payload + LARGEST <= ring.memory + LAP_BYTES,
			      "a record from %u reaches beyond the ring", start);
			memset(payload, 1, LARGEST);
			check(ring.written - ring.tail <= LAP_BYTES,
			      "from %u, what was not read is overwritten", start);
			check(shared_ring_head(&ring) == laps + start,
			      "a record is visible too early");
		}
		check(full >= 1, "an empty ring has no room at %u", start);
		shared_ring_publish(&ring);
		check(shared_ring_head(&ring) == ring.written, "published is not all");
		shared_ring_release(&ring, ring.written);
		check(shared_ring_has_room(&ring), "room that was given back is not there");
		shared_ring_free(&ring);
	}
}

static void sizes_that_cannot_work_are_refused(void)
{
	check(shared_ring_init(&ring, 0, 8) == -EINVAL, "no bytes");
	check(shared_ring_init(&ring, 3 * 4096, 8) == -EINVAL, "not a power of two");
	check(shared_ring_init(&ring, 4096, 4096) == -EINVAL, "a record as large as the ring");
	check(shared_ring_init(&ring, 4096, 2041) == -EINVAL, "two records do not fit");
	check(shared_ring_init(&ring, 4096, 2040) == 0, "two records do fit");
	shared_ring_free(&ring);
	shared_ring_free(&ring);
}

int main(void)
{
	sizes_that_cannot_work_are_refused();
	room_is_never_promised_in_vain();
	a_million_records_arrive_in_order();
	return checks_end("shared_ring");
}
