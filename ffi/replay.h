/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader (reader.h) over a capture file: the packets come from the file, the events' times are the capture's, and
 * everything behind the shared ring is as with the kernel. It needs no privilege. There is one at a time in a process.
 *
 * Of reader.h it has all but reader_open(), reader_set_listen_port(), reader_clock_offset_ns() and reader_probe(). Its only
 * stream is "http"; pausing it holds the replay, so nothing passes unseen.
 */
#ifndef KERNELCAST_REPLAY_H
#define KERNELCAST_REPLAY_H

#include "reader.h"

struct replay_options {
	double speed;  /* 1: as captured, 2: in half the time; 0: as fast as events are taken */
	uint32_t loop; /* 0 or 1: begin again at the end, always with present times */
	uint32_t pad;
};

enum replay_state {
	REPLAY_READING = 0,
	REPLAY_ENDED =
		1, /* all that the file has was read; message may say that it was cut short */
	REPLAY_BROKEN = 2, /* what follows cannot be read; message says why */
};

/* Written by the reader's thread, readable at any moment, and final with RECORD_ENDED. */
struct replay_status {
	uint64_t packets;
	uint64_t packets_cut;	  /* of which bytes are missing */
	uint64_t packets_unknown; /* of a link type that is not known; passed over */
	uint64_t bytes;		  /* of the file, read so far */
	uint64_t first_ns;	  /* when the first packet was captured, and the last one so far */
	uint64_t last_ns;
	uint64_t rounds; /* ended */
	uint32_t state;	 /* enum replay_state */
	uint32_t unknown_link_type;
	char message[512];
};

/*
 * Opens a capture file, or standard input for "-". Nothing is replayed before reader_start() and replay_play(). Of the
 * options shared_ring_bytes, connections_max, idle_timeout_millis, capture_query and path_max are used. Returns NULL after
 * writing one line to error: what is wrong with which file, what was expected and what was found.
 */
struct reader *replay_open(const char *path, const struct reader_options *options,
			   const struct replay_options *replay, char *error, uint32_t error_size);

/* Lets it begin; with it can be waited for the first subscriber. */
void replay_play(struct reader *reader);

struct replay_status *replay_status(struct reader *reader);

#endif
