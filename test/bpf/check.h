/* SPDX-License-Identifier: Apache-2.0 */
/* Checks for the tests in C: a failed one is told of and counted, and the rest goes on. */
#ifndef KERNELCAST_CHECK_H
#define KERNELCAST_CHECK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	FAILURES_SHOWN = 40
};

static unsigned long checks_made, checks_failed;

__attribute__((format(printf, 2, 3))) static inline bool check(bool holds, const char *format, ...)
{
	va_list args;

	checks_made++;
	if (holds)
		return true;
	if (checks_failed++ < FAILURES_SHOWN) {
		va_start(args, format);
		vfprintf(stderr, format, args);
		va_end(args);
		fputc('\n', stderr);
	}
	return false;
}

/* Closes the test. Returns the process's exit status. */
static inline int checks_end(const char *name)
{
	if (checks_failed)
		fprintf(stderr, "%s: %lu of %lu checks failed\n", name, checks_failed, checks_made);
	else
		printf("%s: %lu checks hold\n", name, checks_made);
	return checks_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
