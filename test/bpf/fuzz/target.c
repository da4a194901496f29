// SPDX-License-Identifier: Apache-2.0
/*
 * The libFuzzer target: bytes become traffic (script.h), which the parser must come through without a fault (subject.h).
 * What other connections left in memory must make no difference, nor a packet that comes twice.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

const char *__asan_default_options(void);

static unsigned long runs;

/* Runs are many and small. */
const char *__asan_default_options(void)
{
	return "quarantine_size_mb=4:malloc_context_size=4";
}

static void report(void)
{
	printf("fuzz: %lu runs\n", runs);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return atexit(report);
}

/* Of what was given up a repetition may make something. */
static bool is_in_order(const struct counters *counters)
{
	uint64_t refused = counters->gaps;

	for (int reason = 0; reason < REFUSE_REASONS; reason++)
		refused += counters->refused[reason];
	return !refused && counters->observed == counters->enqueued + counters->filtered;
}

/* Plays the script in another way, from which nothing else may come than from the plain one. */
static void play_again(const struct script *script, const struct playing *playing, const char *what)
{
	const struct played *played = subject_play(script, &(struct playing){});
	uint32_t count = played->count;

	if (playing->twice && !is_in_order(&played->counters))
		return;
	size_t bytes = count * sizeof(*played->events);
	struct http_event *first = memcpy(malloc(bytes + 1), played->events, bytes);

	played = subject_play(script, playing);
	stop_unless(played->count == count && !memcmp(played->events, first, bytes), what);
	free(first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script script;

	script_read(&script, data, size);
	/* Each costs as much again, so an input gets one of them or none. */
	if (size % 4 == 0)
		play_again(&script, &(struct playing){.rubbish = 0xff},
			   "what was left in memory makes a difference");
	else if (size % 4 == 1 && !script.head.limits && !script.strange)
		play_again(&script, &(struct playing){.twice = true},
			   "a packet that comes twice makes a difference");
	else
		subject_play(&script, &(struct playing){});
	runs++;
	return 0;
}
