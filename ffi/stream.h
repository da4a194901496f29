/* SPDX-License-Identifier: Apache-2.0 */
/* One protocol's stream: its perf rings, one per CPU, its counters, and the barrier that empties its pages. */
#ifndef KERNELCAST_STREAM_H
#define KERNELCAST_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <bpf/libbpf.h>

#include "../bpf/events.h"
#include "reader.h"
#include "shared_ring.h"

enum {
	STREAM_CPUS_MAX = 1024
};

struct stream {
	char name[16];
	uint32_t event_size;
	uint32_t batch_max; /* bytes of the largest batch */
	int cpus;	    /* possible CPUs */
	int barrier_fd;
	int drain_fd;	       /* or negative: the kernel cannot reach another CPU's pages */
	int harvest_fd;	       /* or negative: nothing to harvest */
	int forget_fd;	       /* or negative: nothing to forget */
	uint32_t entries_max;  /* of its table of connections; 0: it has none */
	uint64_t spare_ns;     /* while that is nearly full: how long an idle connection is kept */
	bool *paused;	       /* the program's variable, mapped; NULL: it cannot be paused */
	uint32_t *wanted_slot; /* the program's variable, mapped; NULL: it filters nothing */
	int wanted_fd;	       /* its conditions */
	void *bss;
	size_t bss_bytes;
	int events_fd;
	struct counters *counters; /* mapped, one per possible CPU */
	size_t counters_bytes;
	struct cpu_ring *rings; /* per possible CPU */
	struct shared_ring *out;
	struct reader_stats *stats;
};

struct cpu_ring {
	struct perf_buffer *buffer; /* NULL: the CPU is offline */
	struct stream *stream;
	uint64_t next_idx;
	bool barrier_owed;  /* the barrier under way has not been answered here */
	bool stopped_early; /* the last consume left records for want of room */
};

/* Finds the maps and programs that USM_EVENTS_INIT(name, ...) declared in a loaded object. */
int stream_init(struct stream *stream, struct bpf_object *object, const char *name, int cpus,
		struct shared_ring *out, struct reader_stats *stats);

/* Opens the ring of one CPU; its readiness is to be polled on the returned fd. */
int stream_open_ring(struct stream *stream, int cpu, uint32_t bytes, uint32_t watermark);
void stream_close_ring(struct stream *stream, int cpu);

/* Moves what the CPU's ring holds into the shared ring, as far as that has room. Returns true when the ring is empty. */
bool stream_consume(struct stream *stream, int cpu);

/* True when events wait in the CPU's pages. Reads two counters. */
bool stream_is_pending(const struct stream *stream, int cpu);

/*
 * Runs the barrier program on one CPU. Returns 0 when all its pages went to its ring; -EAGAIN or -EBUSY when something
 * was half-way there and it is to be run again; -ENOSPC when the ring must be emptied first; -ENXIO: CPU offline.
 */
int stream_barrier(struct stream *stream, int cpu);

/* Maps the program's variables, which the kernel shares; paused and wanted_slot then lie in there. */
int stream_map_bss(struct stream *stream, const struct bpf_map *bss);

/* Puts the conditions into the slot that is not in use, and that one into use; NULL: into none. */
int stream_set_wanted(struct stream *stream, const struct http_wanted *wanted);

/* Moves the pages of a CPU that is offline into the ring of the calling thread's CPU. As stream_barrier(). */
int stream_drain_offline(struct stream *stream, int cpu);

/* Is its table of connections so full that idle ones should make room? Reads two counters a CPU. */
bool stream_is_crowded(const struct stream *stream);

/* Runs a program of the stream, if it has it, on the calling thread's CPU, with one argument. */
void stream_run(int program_fd, uint64_t argument);

void stream_free(struct stream *stream);

#endif
