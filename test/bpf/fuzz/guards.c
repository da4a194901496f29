// SPDX-License-Identifier: Apache-2.0
/*
 * Scripts, each with one of its packets cut at every length: what is in no packet must not be read. Packets end at an
 * unreadable page. Arguments: folders of scripts; in every other script another packet has its turn.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "scripts.h"
#include "subject.h"

enum {
	/* Longer ones are cut nearly everywhere. */
	EVERYWHERE_BYTES = 200,
	STRIDE = 30,
};

static unsigned long scripts, cuts;
static struct playing playing;
static const char *path;

static void tell(int number)
{
	fprintf(stderr, "%s, its packet cut to %u bytes\n", path, playing.cut);
	signal(number, SIG_DFL);
	raise(number);
}

static void take(const char *from, const uint8_t *data, size_t size)
{
	static struct script script;
	uint32_t len;

	script_read(&script, data, size, SCRIPT_AS_IT_IS);
	if (!script.count)
		return;
	path = from;
	playing.cut_action = &script.actions[scripts++ % script.count];
	len = playing.cut_action->len;
	for (playing.cut = 0; playing.cut < len; playing.cut++) {
		if (playing.cut > EVERYWHERE_BYTES)
			playing.cut += STRIDE;
		subject_play(&script, &playing);
		cuts++;
	}
}

int main(int count, char **arguments)
{
	signal(SIGABRT, tell);
	for (int i = 1; i < count; i++)
		scripts_read(arguments[i], take);
	printf("guards: %lu scripts, %lu packets cut\n", scripts, cuts);
	return cuts ? EXIT_SUCCESS : EXIT_FAILURE;
}
