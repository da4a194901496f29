// SPDX-License-Identifier: Apache-2.0
/*
 * The libFuzzer target: bytes become traffic (script.h), which the parser must come through without a fault (subject.h).
 * What other connections left in memory must make no difference, nor a packet that comes twice.
 */
#define _GNU_SOURCE
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

/* Was everything understood? Of what was not, the same bytes in another way may make something. */
static bool is_in_order(const struct played *played)
{
	const struct counters *counters = &played->counters;
	uint64_t refused = counters->gaps + played->passed_over;

	for (int reason = 0; reason < REFUSE_REASONS; reason++)
		refused += counters->refused[reason];
	return !refused && counters->observed == counters->enqueued + counters->filtered;
}

/* Events that are kept while another script is played. */
struct kept {
	uint32_t count;
	struct http_event *events;
};

static struct kept keep(const struct played *played)
{
	size_t bytes = played->count * sizeof(*played->events);

	return (struct kept){played->count, memcpy(malloc(bytes + 1), played->events, bytes)};
}

static void forget_times(struct http_event *events, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		events[i].start_ns = events[i].first_byte_ns = events[i].end_ns = 0;
}

static void stop_unless_same(struct kept first, const struct played *second, const char *what)
{
	stop_unless(first.count == second->count && !memcmp(first.events, second->events,
							    first.count * sizeof(*first.events)),
		    what);
	free(first.events);
}

static void play_over_rubbish(const struct script *script)
{
	struct kept first = keep(subject_play(script, &(struct playing){}));

	stop_unless_same(first, subject_play(script, &(struct playing){.rubbish = 0xff}),
			 "what was left in memory makes a difference");
}

static void play_twice(const struct script *script)
{
	const struct played *played = subject_play(script, &(struct playing){});

	if (is_in_order(played) && !script->strange)
		stop_unless_same(keep(played),
				 subject_play(script, &(struct playing){.twice = true}),
				 "a packet that comes twice makes a difference");
}

/*
 * It depends on how much of a line is seen at once whether a method that is not of capital letters is taken for one where it
 * could be anything.
 */
static bool is_odd(const struct http_event *event)
{
	for (int i = 0; i < event->method_len; i++)
		if (event->method[i] < 'A' || event->method[i] > 'Z')
			return true;
	return false;
}

static bool has_odd(const struct kept *kept)
{
	for (uint32_t i = 0; i < kept->count; i++)
		if (is_odd(&kept->events[i]))
			return true;
	return false;
}

static void play_cut(struct script *script, const uint8_t *data, size_t size)
{
	const struct played *played = subject_play(script, &(struct playing){});
	struct kept first;

	/* Half a PROXY line is none. */
	if (!is_in_order(played) || script->strange || script->uncut ||
	    memmem(script->bytes, script->bytes_used, "PROXY", 5))
		return;
	first = keep(played);
	if (has_odd(&first)) {
		free(first.events);
		return;
	}
	script_read(script, data, size, SCRIPT_CUT);
	played = subject_play(script, &(struct playing){});
	forget_times(first.events, first.count);
	forget_times(played->events, played->count);
	stop_unless_same(first, played, "a segment that comes in two makes a difference");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct script script;

	script_read(&script, data, size, SCRIPT_AS_IT_IS);
	/* Each costs as much again, so an input gets one of them or none. */
	if (size % 4 == 0)
		play_over_rubbish(&script);
	else if (size % 4 == 1 && !script.head.limits)
		play_twice(&script);
	else if (size % 4 == 2 && !script.head.limits)
		play_cut(&script, data, size);
	else
		subject_play(&script, &(struct playing){});
	runs++;
	return 0;
}
