/* SPDX-License-Identifier: Apache-2.0 */
/* Copies that end at an unreadable page: one byte too far is a crash, whatever reads it. */
#ifndef KERNELCAST_GUARDED_H
#define KERNELCAST_GUARDED_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	GUARDED_MAX = 128 * 1024
};

/* One copy at a time: the next call overwrites it. */
static inline void *guarded_copy(const void *bytes, size_t size)
{
	static char *end;
	size_t page = sysconf(_SC_PAGESIZE);

	if (!end) {
		char *start = mmap(NULL, GUARDED_MAX + page, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (start == MAP_FAILED || mprotect(start + GUARDED_MAX, page, PROT_NONE)) {
			perror("guard page");
			exit(EXIT_FAILURE);
		}
		end = start + GUARDED_MAX;
	}
	if (size > GUARDED_MAX) {
		fprintf(stderr, "%zu bytes are more than the guarded pages hold\n", size);
		exit(EXIT_FAILURE);
	}
	return memcpy(end - size, bytes, size);
}

#endif
