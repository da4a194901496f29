/* SPDX-License-Identifier: Apache-2.0 */
/* The thread of a replay: reads packets when they are due, and runs the HTTP programs over them. */
#ifndef KERNELCAST_PLAYER_H
#define KERNELCAST_PLAYER_H

#include <pthread.h>

#include "capture_file.h"
#include "outlet.h"
#include "replay.h"

struct player {
	struct outlet *out;
	struct capture_file *file;
	struct replay_options options;
	uint64_t idle_timeout_ns;
	uint32_t connections_max;
	struct replay_status status;
	pthread_t thread;
	bool running;
	/* Shared between the threads, accessed atomically. */
	uint32_t may_play;
	uint32_t held;
	/* The thread's own. */
	struct captured_packet packet; /* read, and not yet due, if has_packet */
	bool has_packet;
	bool in_round;	 /* a packet of this round has been read */
	bool anchored;	 /* the next two say when which packet was due */
	uint64_t due_ns; /* CLOCK_MONOTONIC */
	uint64_t due_packet_ns;
	uint64_t round_first_ns; /* the round's first packet, and when it was replayed */
	uint64_t round_began_ns;
	uint64_t now_ns; /* of the events' clock */
	uint64_t next_harvest_ns, next_tick_ns;
	uint64_t
		spare_ns; /* how long idle connections are kept while the table is nearly full; 0: it is not */
};

/* Returns 0 or a negative errno. */
int player_start(struct player *player);
void player_join(struct player *player);

/* What http_native_open() is to be given: puts a batch into the ring, and waits for room. */
int player_on_batch(void *player, const struct batch *batch, uint32_t bytes);

#endif
