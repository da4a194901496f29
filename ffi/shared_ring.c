// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>

#include "shared_ring.h"

static uint32_t padded(uint32_t payload)
{
	return (sizeof(struct record) + payload + 7) & ~7u;
}

int shared_ring_init(struct shared_ring *ring, uint32_t size, uint32_t largest)
{
	if (!size || size & (size - 1) || padded(largest) > size / 2)
		return -EINVAL;
	ring->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ring->memory == MAP_FAILED) {
		ring->memory = NULL;
		return -errno;
	}
	ring->size = size;
	ring->largest = padded(largest);
	ring->written = ring->head = ring->tail = 0;
	return 0;
}

void shared_ring_free(struct shared_ring *ring)
{
	if (ring->memory)
		munmap(ring->memory, ring->size);
	ring->memory = NULL;
}

bool shared_ring_has_room(const struct shared_ring *ring)
{
	uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);

	/* A record may need as much again, less one step, of padding before it. */
	return ring->size - (ring->written - tail) >= 2 * ring->largest;
}

static struct record *record_at(struct shared_ring *ring, uint64_t position)
{
	return (struct record *)(ring->memory + (position & (ring->size - 1)));
}

void *shared_ring_reserve(struct shared_ring *ring, enum record_kind kind, uint32_t payload)
{
	uint32_t size = padded(payload);
	uint32_t to_end = ring->size - (ring->written & (ring->size - 1));
	struct record *record;

	if (size > to_end) {
		*record_at(ring, ring->written) = (struct record){RECORD_PAD, to_end};
		ring->written += to_end;
	}
	record = record_at(ring, ring->written);
	*record = (struct record){kind, size};
	ring->written += size;
	return record + 1;
}

void shared_ring_publish(struct shared_ring *ring)
{
	__atomic_store_n(&ring->head, ring->written, __ATOMIC_RELEASE);
}

uint64_t shared_ring_head(const struct shared_ring *ring)
{
	return __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
}

void shared_ring_release(struct shared_ring *ring, uint64_t tail)
{
	__atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
}
