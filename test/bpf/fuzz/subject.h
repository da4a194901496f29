/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser that is fuzzed: ffi/http_native.c, small enough to begin anew thousands of times a second, and looked into.
 * What must always hold is checked as it goes, and ends the process where it does not.
 */
#ifndef KERNELCAST_FUZZ_SUBJECT_H
#define KERNELCAST_FUZZ_SUBJECT_H

#include "../../../bpf/events.h"
#include "script.h"

enum subject_times {
	SUBJECT_START_NS = 1000000000,
	SUBJECT_STEP_NS = 1000, /* between packets */
	SUBJECT_IDLE_NS = 10000000,
};

/* How a script is played. */
struct playing {
	uint8_t rubbish; /* what other connections left in memory that is used again */
	bool twice;	 /* each packet comes twice, as from two devices */
	/* Only what the kernel can be made to do: its tables have room, its time is its own, its ring takes everything. */
	bool as_kernel;
	/* If not NULL: that action's packet was captured only up to cut bytes. */
	const struct action *cut_action;
	uint32_t cut;
};

/* What came of it; valid until the next script. */
struct played {
	uint32_t count;
	struct http_event *events;
	struct counters counters;
	bool passed_over; /* bytes that seem to be of no HTTP connection */
};

const struct played *subject_play(const struct script *script, const struct playing *playing);

/* Ends the process and says why, unless it holds. */
void stop_unless(bool holds, const char *what);

#endif
