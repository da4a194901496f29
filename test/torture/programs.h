/* SPDX-License-Identifier: Apache-2.0 */
/* The programs and maps of the torture stream, which another process has loaded. */
#ifndef KERNELCAST_TORTURE_PROGRAMS_H
#define KERNELCAST_TORTURE_PROGRAMS_H

#include <sys/types.h>

#include "torture.h"

struct programs {
	int filter_fd;
	int process_fd;
	int irq_fd;
	int uprobe_fd;
	int setup_fd;
	int sources_fd;
	int bits_fd;
	volatile struct torture_source *sources; /* mapped */
	const volatile __u64 *bits;		 /* mapped */
};

/* Finds them among what process pid holds open. Returns 0 or a negative errno. */
int programs_find(struct programs *programs, pid_t pid);

/* Runs the uprobe program whenever any thread calls function, which is of this executable. */
int programs_attach_uprobe(const struct programs *programs, const void *function);

/* Runs one of the two raw tracepoint programs on a CPU. */
int programs_run_raw(int program_fd, const struct torture_request *request, int cpu);

/* Runs the filter over one frame, repeat times, on this CPU. */
int programs_run_filter(const struct programs *programs, const struct torture_request *request,
			int repeat);

#endif
