// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "scripts.h"

enum {
	SCRIPT_MAX = 64 * 1024,
	PATH_BYTES = 4096,
};

static _Noreturn void give_up(const char *path)
{
	perror(path);
	exit(EXIT_FAILURE);
}

static void read_file(const char *path, take_script take)
{
	static uint8_t data[SCRIPT_MAX];
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file)
		give_up(path);
	size = fread(data, 1, sizeof(data), file);
	if (ferror(file))
		give_up(path);
	fclose(file);
	take(path, data, size);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

void scripts_read(const char *path, take_script take)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, alphasort);
	char file[PATH_BYTES];

	if (count < 0 && errno != ENOTDIR)
		give_up(path);
	if (count < 0)
		read_file(path, take);
	for (int i = 0; i < count; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		read_file(file, take);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}
