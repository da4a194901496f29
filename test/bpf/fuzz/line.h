/* SPDX-License-Identifier: Apache-2.0 */
/* One talk on its way: how TCP brings it past us. */
#ifndef KERNELCAST_FUZZ_LINE_H
#define KERNELCAST_FUZZ_LINE_H

#include "frame.h"
#include "talk.h"

struct segment_of {
	uint8_t role, flags;
	uint32_t from, to; /* of the speech */
};

struct line {
	struct talk talk;
	struct endpoint ends[2];
	uint32_t isn[2], sent[2]; /* with FIN */
	uint32_t acked[2];	  /* of the other side's */
	bool ipv6, opened;
	uint8_t layers;		 /* enum step_layers */
	uint32_t flights;	 /* that are through */
	struct segment_of again; /* comes once more, later */
};

/* The handshake, if there is one. */
void line_open(const struct line *line, struct script *script);
/* The next flight of the talk. */
void line_bring_flight(struct line *line, struct script *script, struct choices *choices);
/* A segment that came already, if one is to come again. */
void line_bring_again(struct line *line, struct script *script);
/* Is it time to come to the end? */
bool script_is_long(const struct script *script);

#endif
