/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP segment as a packet, from its network header on, with the oddities of enum step_layers. */
#ifndef KERNELCAST_FUZZ_FRAME_H
#define KERNELCAST_FUZZ_FRAME_H

#include "script.h"

enum {
	/* Before the payload and behind it. */
	FRAME_EXTRA_MAX = 160
};

struct endpoint {
	uint8_t address[16]; /* network order; IPv4: the first four */
	uint16_t port;
};

struct frame {
	bool ipv6;
	uint8_t layers; /* enum step_layers */
	uint8_t cut_off;
	uint8_t flags; /* of TCP */
	struct endpoint from, to;
	uint32_t seq, ack; /* as the header has them */
	const uint8_t *payload;
	uint32_t payload_len;
};

/*
 * Writes a packet: at most payload_len + FRAME_EXTRA_MAX bytes. Returns the length of what was captured of it, how much was
 * not, and its ethertype.
 */
uint32_t frame_write(const struct frame *frame, uint8_t *to, uint16_t *ethertype,
		     uint32_t *missing);

#endif
