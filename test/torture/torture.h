/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* What the programs, the load and the test agree on. event-view.ts reads struct torture_event by these offsets. */
#ifndef KERNELCAST_TORTURE_H
#define KERNELCAST_TORTURE_H

#include <linux/types.h>

enum torture_limits {
	TORTURE_PROTOCOL = 99,
	TORTURE_SOURCES = 1024,
	TORTURE_BITS_LOG2 = 27, /* ids of all sources together */
	TORTURE_RUN_MAX = 8,	/* events of one run of a program */
	TORTURE_WORDS = 8,
	TORTURE_CHECKED_WORDS = 14, /* 32-bit words before the checksum */
};

struct torture_event {
	__u64 id; /* source << 40 | sequence */
	__u32 source;
	__u32 cpu; /* on which it was made */
	__u64 sequence;
	__u32 words[TORTURE_WORDS]; /* made from id */
	__u64 checksum;		    /* of all that is before it */
};

/*
 * One thread of the load in one context on one CPU: it makes its events one after the other, so only one run at a time
 * writes here, whatever interrupts it.
 */
struct torture_source {
	__u64 next;	  /* sequence of the next event; all below were attempted */
	__u64 accepted;	  /* enqueue returned 0 */
	__u64 pages_full; /* -ENOSPC */
	__u64 contended;  /* -EAGAIN */
	__u64 other;	  /* any other error */
	__u64 misplaced; /* runs that came out of turn or on another CPU, and did nothing: the load is broken */
	__u32 cpu;
	__u32 pad[3];
	struct torture_event event; /* being made; see torture_one() */
};

/* How a program is asked for events: by a packet's payload, or by its arguments. */
struct torture_request {
	__u64 magic;
	__u64 source;
	__u64 first; /* the source's next sequence, or TORTURE_WHATEVER_IS_NEXT */
	__u64 count;
	__u64 flush; /* 0 or 1: afterwards hand over what is closed */
};

/* Each load's own, so that two on one host do not meet. */
struct torture_setup {
	__u64 magic;
	__u64 ids_per_source; /* a multiple of 64 */
};

#define TORTURE_WHATEVER_IS_NEXT (~0ull)

_Static_assert(sizeof(struct torture_event) == 64, "event-view.ts knows the offsets");
_Static_assert(__builtin_offsetof(struct torture_event, words) == 24,
	       "event-view.ts knows the offsets");
_Static_assert(__builtin_offsetof(struct torture_event, checksum) == 4 * TORTURE_CHECKED_WORDS,
	       "the checksum covers what is before it");
_Static_assert(sizeof(struct torture_source) == 128, "sources share no cache line");

#endif
