/* SPDX-License-Identifier: Apache-2.0 */
/* What a client and a server that keep to RFC 9112 say to one another on one connection, and what must be reported of it. */
#ifndef KERNELCAST_FUZZ_TALK_H
#define KERNELCAST_FUZZ_TALK_H

#include "say.h"

enum talk_limits {
	TALK_EXCHANGES = 20,
	TALK_FLIGHTS = 2 * TALK_EXCHANGES + 16,
};

/* What one side says before it listens. */
struct flight {
	uint8_t role;
	uint8_t flags; /* TCP's FIN or RST, with the last byte */
	bool is_blind; /* what the other side said last has not come to this one */
	/* What a server sees first that refused a body: that body, or the next request. The first segment tells which. */
	bool is_refused_body;
	uint32_t from, to; /* of its speech */
};

struct talk {
	bool query;		   /* is to be reported */
	bool refused;		   /* the client has not said anything since its body was */
	struct speech speeches[2]; /* by role */
	uint32_t flight_count;
	struct flight flights[TALK_FLIGHTS];
	uint32_t count;
	struct http_event expected[TALK_EXCHANGES]; /* without addresses and times */
};

void talk_make(struct talk *talk, struct choices *choices, bool query);

#endif
