/* SPDX-License-Identifier: Apache-2.0 */
/* What a client and a server that keep to RFC 9112 say to one another on one connection, and what must be reported of it. */
#ifndef KERNELCAST_FUZZ_TALK_H
#define KERNELCAST_FUZZ_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../bpf/events.h"

/* The fuzzer's bytes, one for each decision; when they are used up, everything is as simple as can be. */
struct choices {
	const uint8_t *data;
	size_t left;
};

/* Below limit, which is at most 256. */
uint32_t choose(struct choices *choices, uint32_t limit);

enum talk_limits {
	TALK_BYTES = 40 * 1024,
	TALK_EXCHANGES = 24,
	TALK_FLIGHTS = 2 * TALK_EXCHANGES + 8,
};

struct speech {
	uint32_t len;
	uint8_t bytes[TALK_BYTES];
	/* Of each byte: may it pass unseen? Those of a body may, for its length is known. */
	bool spare[TALK_BYTES];
};

/* What one side says before it listens. */
struct flight {
	uint8_t role;
	uint8_t flags;	   /* TCP's FIN or RST, with the last byte */
	uint32_t from, to; /* of its speech */
};

struct talk {
	struct speech speeches[2]; /* by role */
	uint32_t flight_count;
	struct flight flights[TALK_FLIGHTS];
	uint32_t count;
	struct http_event expected[TALK_EXCHANGES]; /* without addresses and times */
};

void talk_make(struct talk *talk, struct choices *choices);

#endif
