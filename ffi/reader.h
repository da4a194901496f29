/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C ABI between Kernelcast's reader and its one binding (symbols.ts).
 *
 * The reader loads the eBPF object, attaches it, and runs one thread, the pump, that moves batches from the perf rings
 * into one ring in memory, the shared ring, which JavaScript reads in place. Native code never calls JavaScript: a byte
 * on a socket says that there is something to read.
 *
 * Unless said otherwise a function returns 0 or a count, or a negative errno, and is called on one thread, the one that
 * opened the reader. Times are in milliseconds, sizes in bytes.
 */
#ifndef KERNELCAST_READER_H
#define KERNELCAST_READER_H

#include <stdint.h>

struct reader;

/* A record of the shared ring: this, then its payload, padded to 8 bytes. Records never wrap. */
enum record_kind {
	RECORD_PAD = 0,	    /* skip: the rest of the ring up to its end */
	RECORD_BATCH = 1,   /* struct batch and its events */
	RECORD_BARRIER = 2, /* struct barrier_done */
	RECORD_STOPPED = 3, /* no payload: the last record there will be */
	RECORD_ENDED = 4,   /* no payload: a replay has come to its end; see replay.h */
};

struct record {
	uint32_t kind;
	uint32_t size; /* with this header and the padding */
};

enum barrier_limits {
	BARRIER_MISSING_MAX = 12,
};

/* All that was enqueued before barrier `ticket` was asked for stands before this record. */
struct barrier_done {
	uint32_t ticket;
	uint32_t missing_count;		       /* CPUs that did not answer */
	uint16_t missing[BARRIER_MISSING_MAX]; /* the lowest of them */
};

/* Written by the pump, readable at any moment; each rises only. */
struct reader_stats {
	uint64_t batches;
	uint64_t events; /* put into the shared ring */
	uint64_t bytes;
	uint64_t wakes; /* bytes written to wake JavaScript */
	uint64_t kicks; /* barrier programs run because events waited on a quiet CPU */
	uint64_t barriers;
	uint64_t barrier_retries; /* runs repeated because an enqueue or a flush was half-way */
	uint64_t ring_full;	  /* times the pump had to wait for JavaScript */
	uint64_t
		lost_records; /* as the kernel reports; such a batch is kept there and sent again */
	uint64_t out_of_order;	  /* batches whose index was not the next one: a bug, never seen */
	uint64_t malformed;	  /* perf records that are no batch of ours: a bug, never seen */
	uint64_t sockets;	  /* packet sockets opened */
	uint64_t sockets_refused; /* a device got none; that is tried again each second */
	uint64_t pad[3];
};

enum cgroup_limits {
	CGROUP_PATH_MAX = 1024,
};

/* Where packets are seen. */
enum reader_attach {
	ATTACH_SOCKET = 0, /* on the devices of this network namespace, by packet sockets */
	ATTACH_CGROUP = 1, /* at the sockets of a cgroup, in every network namespace */
};

struct reader_options {
	uint32_t ring_bytes; /* of each perf ring: one per CPU; a power of two, at least a page */
	uint32_t shared_ring_bytes; /* a power of two */
	uint32_t watermark_bytes;   /* fill level at which a perf ring wakes the pump */
	uint32_t kick_millis;	    /* how long an event may wait on a quiet CPU */
	uint32_t connections_max;
	uint32_t idle_timeout_millis;
	uint32_t capture_query; /* 0 or 1 */
	uint32_t path_max;	/* bytes kept of a request target, if the object has the room */
	uint32_t attach;	/* enum reader_attach */
	char cgroup[CGROUP_PATH_MAX]; /* its directory, terminated; empty: the root */
};

enum reader_limits {
	READER_OBJECTS_MAX = 8,
};

/*
 * Loads object files, given as paths with a line feed between them; each holds one stream, which is named as the file up
 * to its first dot. Nothing is attached yet. Returns NULL after writing one line to error (cut at error_size, always
 * terminated): what failed, on what, and the kernel's reason.
 */
struct reader *reader_open(const char *object_paths, const struct reader_options *options,
			   char *error, uint32_t error_size);

/* Attaches the programs and starts the pump. On failure error is written as by reader_open. */
int reader_start(struct reader *reader, char *error, uint32_t error_size);

/* The end of a stream socket on which a byte arrives when there is something to read. The caller owns
 * it from this call on: it is to call once and close what it gets. */
int reader_wake_fd(struct reader *reader);

/* The shared ring's memory; valid until reader_close(). */
void *reader_ring(struct reader *reader);

/* Position behind the last record that may be read. Positions rise for ever; modulo the size they index the ring. */
double reader_head(struct reader *reader);

/* Gives back all up to position tail; nothing before it may be touched afterwards. */
void reader_release(struct reader *reader, double tail);

/* Asks for one byte on the wake socket at the next record, and returns reader_head() as it was after asking. */
double reader_arm(struct reader *reader);

/* Asks for a barrier that begins after this call. Returns its ticket; tickets rise, and one RECORD_BARRIER
 * answers all tickets up to its own. */
uint32_t reader_sync(struct reader *reader);

/* Detaches the programs; what they had enqueued still comes, then RECORD_STOPPED. Returns at once. */
void reader_stop(struct reader *reader);

/* Ends the pump, unloads everything and frees the reader. With or without reader_stop(); NULL is fine. */
void reader_close(struct reader *reader);

struct reader_stats *reader_stats(struct reader *reader);

/* How many CPUs may ever exist. */
int reader_cpus(struct reader *reader);

/*
 * Writes a line for each loaded program: its name, how often it ran, and nanoseconds that took. Both stand still unless
 * somebody has kernel.bpf_stats_enabled on; nobody here does. out is cut at size, always terminated.
 */
void reader_programs(struct reader *reader, char *out, uint32_t size);

/* The counters of a stream ("http"): reader_cpus() times struct counters, kernel memory, read-only; NULL: no such stream. */
void *reader_counters(struct reader *reader, const char *stream);

/*
 * Stops or resumes the observation of a stream, at once and without unloading it. What was enqueued still comes.
 * -ENOENT: no such stream.
 */
int reader_pause(struct reader *reader, const char *stream, uint32_t paused);

struct http_wanted;

/*
 * From now on leaves out, in the kernel, HTTP transactions that do not meet the conditions; NULL: all are wanted again.
 * Programs that run meanwhile judge by the conditions before. Ask for a barrier between two calls. -ENOENT: no stream
 * of HTTP is loaded.
 */
int reader_set_wanted(struct reader *reader, const struct http_wanted *wanted);

/*
 * Names the TCP port on which this process listens, on one address or on any, so that the connections which that socket
 * accepts are left out. -ENOENT: no socket of this process listens there.
 */
int reader_set_listen_port(struct reader *reader, uint32_t port);

/* CLOCK_REALTIME minus CLOCK_MONOTONIC, in nanoseconds, taken between two readings as close together as can be had. */
int64_t reader_clock_offset_ns(void);

/*
 * Tries, one by one, what the reader needs of the kernel, and undoes it. Writes lines "name errno detail\n", errno 0 for
 * what works. Returns the bytes written.
 */
int reader_probe(char *out, uint32_t size);

#endif
