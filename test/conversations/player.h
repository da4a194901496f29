/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that takes packets from its standard input and says on its standard output what the parser made of them.
 * player.c reads and answers; native.c and kernel.c are two parsers behind it, inject.c is a wire. player.ts is the other end.
 */
#ifndef KERNELCAST_PLAYER_H
#define KERNELCAST_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum command_kind {
	COMMAND_PACKET = 1,	  /* followed by size bytes: an Ethernet frame */
	COMMAND_LOOK = 2,	  /* answered by struct answer and batch_bytes of batches */
	COMMAND_SILENCE = 3,	  /* shorter than the idle time-out */
	COMMAND_LONG_SILENCE = 4, /* longer than it */
	COMMAND_FORGET = 5,	  /* what comes next has to do with nothing that was before */
};

struct command {
	uint32_t size;
	uint32_t kind;
	uint64_t now_ns; /* when it happens, for players whose time is not real */
};

/* What came since the last answer. */
struct answer {
	uint32_t batch_bytes;
	uint32_t refused[5]; /* by enum refuse_reason */
	uint32_t gaps;
	uint32_t dropped; /* events that were observed and are not in the batches */
};

enum {
	ETHERNET_BYTES = 14,
	FRAME_BYTES_MAX = 128 * 1024,
};

/* The parser or the wire. arguments: those of the program. A failure ends the program with a message. */
void player_open(int count, char **arguments);
void player_packet(const uint8_t *frame, uint32_t size, uint64_t now_ns);
void player_silence(bool is_long, uint64_t now_ns);
void player_forget(void);

/* Fills answer with all counts since the beginning and batch_bytes. Returns the batches, valid until the next call. */
const void *player_look(struct answer *answer);

/* Ends the program: what failed, and errno's reason if it is not 0. */
_Noreturn void player_fail(const char *what);

struct counters;

/* Adds one CPU's counters. */
void answer_add_counters(struct answer *answer, const struct counters *counters);

#endif
