/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from a reader's one thread, its writer, to JavaScript: the shared ring, the byte that wakes, and the commands
 * that come back. What reader.h has of both is implemented here, for every kind of reader.
 */
#ifndef KERNELCAST_OUTLET_H
#define KERNELCAST_OUTLET_H

#include <stdbool.h>

#include "reader.h"
#include "shared_ring.h"

/* The first member of every struct reader. */
struct outlet {
	struct shared_ring ring;
	struct reader_stats stats; /* the writer's own */
	int command_fd;		   /* eventfd: a command, or room in the ring */
	int wake_fd;		   /* the writer's end of the wake socket */
	int reader_fd;		   /* JavaScript's end, until it takes it */
	/* Shared between the threads, accessed atomically. */
	uint32_t armed; /* JavaScript wants a byte at the next record */
	uint32_t waiting_for_room;
	uint32_t ticket_wanted;
	uint32_t stop_wanted;
	uint32_t abandon;     /* JavaScript will not read any more */
	uint32_t ticket_done; /* the writer's own */
};

/* A ring of ring_bytes for records of up to `largest`, with their sockets. Returns 0 or a negative errno. */
int outlet_init(struct outlet *outlet, uint32_t ring_bytes, uint32_t largest);
void outlet_free(struct outlet *outlet);

/* Makes the writer look at its command words now. Any thread. */
void outlet_poke(struct outlet *outlet);

/* Takes the pokes there were; for the writer, when command_fd is readable. */
void outlet_take_pokes(struct outlet *outlet);

/* Ends the writer at its next look, without a last word. */
void outlet_abandon(struct outlet *outlet);

bool outlet_is_set(const uint32_t *word);

/* Makes what was reserved visible, and wakes JavaScript if it sleeps. */
void outlet_publish(struct outlet *outlet);

/*
 * Blocks until the ring has room for any record; meanwhile calls sleep, which returns when command_fd is readable or the
 * time is over. Returns false when JavaScript has given up reading.
 */
bool outlet_wait_for_room(struct outlet *outlet, void (*sleep)(void *context, int timeout_millis),
			  void *context);

/* For the writer, which has made sure of room: the record that answers all tickets up to this one. */
void outlet_put_barrier(struct outlet *outlet, const struct barrier_done *done);

#endif
