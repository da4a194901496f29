// SPDX-License-Identifier: Apache-2.0
/* Tells what scripts are, and what comes of them. Arguments: files, such as those that the fuzzer leaves behind. */
#include <stdio.h>
#include <stdlib.h>

#include "print.h"
#include "scripts.h"
#include "subject.h"

static void show_events(const struct script *script, const struct playing *playing)
{
	const struct played *played = subject_play(script, playing);

	for (uint32_t i = 0; i < played->count; i++)
		print_event(&played->events[i]);
}

static void show(const char *path, const uint8_t *data, size_t size)
{
	static struct script script;

	script_read(&script, data, size, SCRIPT_AS_IT_IS);
	printf("%s: settings %u, limits %#x\n", path, script.head.settings, script.head.limits);
	print_script(&script);
	show_events(&script, &(struct playing){});
	puts("with each packet twice:");
	show_events(&script, &(struct playing){.twice = true});
	puts("with each segment in two:");
	script_read(&script, data, size, SCRIPT_CUT);
	print_script(&script);
	show_events(&script, &(struct playing){});
}

int main(int count, char **arguments)
{
	for (int i = 1; i < count; i++)
		scripts_read(arguments[i], show);
	return EXIT_SUCCESS;
}
