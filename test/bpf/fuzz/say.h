/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that keep to RFC 9112, and what must be reported of each. */
#ifndef KERNELCAST_FUZZ_SAY_H
#define KERNELCAST_FUZZ_SAY_H

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

enum say_limits {
	TALK_BYTES = 40 * 1024,
	/* No message is longer. */
	MESSAGE_MAX = 7000,
};

/* All that one side says. */
struct speech {
	uint32_t len;
	uint8_t bytes[TALK_BYTES];
	/* Of each byte: may it pass unseen? Those of a body may, for its length is known. */
	bool spare[TALK_BYTES];
};

enum framing {
	FRAMING_NONE,
	FRAMING_LENGTH,
	FRAMING_CHUNKED,
	FRAMING_CLOSE, /* only of a response */
};

/* What follows a head. */
struct body {
	enum framing framing;
	uint32_t len; /* unless it is chunked */
};

struct request {
	const char *method;
	enum framing framing;
	bool expects; /* 100 */
	bool query;   /* is to be reported */
};

__attribute__((format(printf, 2, 3))) void say(struct speech *speech, const char *format, ...);
/* The event gets what is to be reported of the message. */
struct body say_request_head(struct speech *speech, struct choices *choices, struct request request,
			     struct http_event *event);
/* Adds to *bytes. */
void say_body(struct speech *speech, struct choices *choices, struct body body, __u64 *bytes);
void say_interim(struct speech *speech, uint16_t status);
/* The response to event's request, with interim ones before it. refuses: it does not want the request's body. */
void say_response(struct speech *speech, struct choices *choices, uint16_t status,
		  enum framing framing, bool refuses, struct http_event *event);

#endif
