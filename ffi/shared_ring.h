/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One writer (the pump), one reader (JavaScript). Positions rise for ever; size is a power of two. A record never wraps:
 * the writer pads to the end first. Release and acquire on head and tail are all the ordering there is.
 */
#ifndef KERNELCAST_SHARED_RING_H
#define KERNELCAST_SHARED_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "reader.h"

struct shared_ring {
	uint8_t *memory;
	uint32_t size;
	uint32_t largest;	       /* record, with its header */
	_Alignas(64) uint64_t written; /* the writer's own: reserved up to here */
	uint64_t head;		       /* published up to here */
	_Alignas(64) uint64_t tail;    /* given back by the reader up to here */
};

int shared_ring_init(struct shared_ring *ring, uint32_t size, uint32_t largest);
void shared_ring_free(struct shared_ring *ring);

/* True when a record of any size up to `largest` fits, padding included. */
bool shared_ring_has_room(const struct shared_ring *ring);

/* Reserves a record; shared_ring_has_room() must have said so. Its payload is written before shared_ring_publish(). */
void *shared_ring_reserve(struct shared_ring *ring, enum record_kind kind, uint32_t payload);

/* Makes all reserved records visible to the reader. */
void shared_ring_publish(struct shared_ring *ring);

uint64_t shared_ring_head(const struct shared_ring *ring);
void shared_ring_release(struct shared_ring *ring, uint64_t tail);

#endif
