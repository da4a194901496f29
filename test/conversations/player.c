// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../bpf/events.h"
#include "player.h"

_Static_assert((int)REFUSE_REASONS == sizeof(((struct answer *)0)->refused) / sizeof(uint32_t),
	       "an answer has each reason");

void player_fail(const char *what)
{
	fprintf(stderr, "%s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(EXIT_FAILURE);
}

void answer_add_counters(struct answer *answer, const struct counters *counters)
{
	for (int reason = 0; reason < DROP_REASONS; reason++)
		answer->dropped += counters->dropped[reason];
	for (int reason = 0; reason < REFUSE_REASONS; reason++)
		answer->refused[reason] += counters->refused[reason];
	answer->gaps += counters->gaps;
}

/* Returns false at the end of the input. Whoever waits for answers sends nothing, so they go out before it blocks. */
static bool read_bytes(void *to, size_t size)
{
	static uint8_t buffer[1 << 20];
	static size_t start, end;

	while (size) {
		if (start == end) {
			if (fflush(stdout))
				player_fail("cannot write an answer");
			ssize_t got = read(STDIN_FILENO, buffer, sizeof(buffer));
			if (got <= 0)
				return false;
			start = 0;
			end = got;
		}
		size_t part = end - start < size ? end - start : size;
		memcpy(to, buffer + start, part);
		start += part;
		to = (uint8_t *)to + part;
		size -= part;
	}
	return true;
}

static void write_bytes(const void *from, size_t size)
{
	if (size && fwrite(from, 1, size, stdout) != size)
		player_fail("cannot write an answer");
}

static void answer_since_last(void)
{
	static struct answer last;
	struct answer now = {}, since;
	const void *batches = player_look(&now);

	since = now;
	since.dropped -= last.dropped;
	since.gaps -= last.gaps;
	for (int reason = 0; reason < REFUSE_REASONS; reason++)
		since.refused[reason] -= last.refused[reason];
	last = now;
	write_bytes(&since, sizeof(since));
	write_bytes(batches, since.batch_bytes);
}

int main(int count, char **arguments)
{
	static uint8_t frame[FRAME_BYTES_MAX];
	struct command command;

	player_open(count, arguments);
	for (;;) {
		if (!read_bytes(&command, sizeof(command)))
			return EXIT_SUCCESS;
		errno = 0;
		switch (command.kind) {
		case COMMAND_PACKET:
			if (command.size < ETHERNET_BYTES || command.size > sizeof(frame) ||
			    !read_bytes(frame, command.size))
				player_fail("a frame of an impossible size");
			player_packet(frame, command.size, command.now_ns);
			break;
		case COMMAND_LOOK:
			answer_since_last();
			break;
		case COMMAND_SILENCE:
		case COMMAND_LONG_SILENCE:
			player_silence(command.kind == COMMAND_LONG_SILENCE, command.now_ns);
			break;
		case COMMAND_FORGET:
			player_forget();
			break;
		default:
			player_fail("an unknown command");
		}
	}
}
