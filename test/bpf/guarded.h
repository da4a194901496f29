/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that touches an unreadable page: one byte too far is a crash, whatever reads it. */
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

/* GUARDED_MAX bytes between two unreadable pages. */
static inline char *guarded_pages(void)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *start =
		mmap(NULL, GUARDED_MAX + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (start == MAP_FAILED || mprotect(start + page, GUARDED_MAX, PROT_READ | PROT_WRITE)) {
		perror("guard pages");
		exit(EXIT_FAILURE);
	}
	return start + page;
}

/* A copy that ends at an unreadable page. One at a time: the next call overwrites it. */
static inline void *guarded_copy(const void *bytes, size_t size)
{
	static char *start;

	if (!start)
		start = guarded_pages();
	if (size > GUARDED_MAX) {
		fprintf(stderr, "%zu bytes are more than the guarded pages hold\n", size);
		exit(EXIT_FAILURE);
	}
	return memcpy(start + GUARDED_MAX - size, bytes, size);
}

#endif
