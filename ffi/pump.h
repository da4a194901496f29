/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reader's one thread. It sleeps until a perf ring passes its watermark, a timer tick, a changed device list or a
 * command, then moves everything there is into the shared ring and wakes JavaScript once.
 */
#ifndef KERNELCAST_PUMP_H
#define KERNELCAST_PUMP_H

#include <pthread.h>

#include "outlet.h"
#include "reader.h"
#include "stream.h"
#include "taps.h"

enum {
	STREAMS_MAX = READER_OBJECTS_MAX
};

struct pump {
	struct outlet *out;
	pthread_t thread;
	bool running;
	int epoll_fd;
	int cpu_online_fd;    /* /sys/devices/system/cpu/online */
	char cpu_online[256]; /* as last read */
	struct stream streams[STREAMS_MAX];
	int stream_count;
	int cpus;
	struct taps taps;
	struct reader_options options;
	void (*detach)(void *context); /* called once, on this thread, when stopping */
	void *context;
	uint64_t next_tick_ns, next_harvest_ns, next_retry_ns;
};

int pump_init(struct pump *pump);
int pump_start(struct pump *pump);

/* Joins the thread; the rings stay. */
void pump_join(struct pump *pump);
void pump_free(struct pump *pump);

#endif
