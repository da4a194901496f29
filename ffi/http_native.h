/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bpf/http.bpf.c as a library: the very same source that runs in the kernel, over packets that are handed in. There is one
 * instance in a process, for one thread. Times are whatever clock the caller uses, in nanoseconds.
 */
#ifndef KERNELCAST_HTTP_NATIVE_H
#define KERNELCAST_HTTP_NATIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "../bpf/events.h"

struct http_native_options {
	uint32_t connections_max; /* 0: as in http.bpf.c */
	uint64_t idle_timeout_ns; /* 0: as in http.bpf.c */
	bool capture_query;
	uint32_t path_max; /* bytes kept of a request target; 0: all that this build has room for */
};

/*
 * Takes one batch: its head and its events, `bytes` in all, to be copied before it returns. 0 accepts it; a negative
 * errno refuses it, and the same batch comes again with a later packet or flush.
 */
typedef int (*http_native_on_batch)(void *context, const struct batch *batch, uint32_t bytes);

/* Begins with nothing, also after an earlier open. */
void http_native_open(const struct http_native_options *options, http_native_on_batch on_batch,
		      void *context);

/* Reads one packet, given from its network header on. Full pages go to on_batch before this returns. */
void http_native_packet(const uint8_t *bytes, uint32_t len, uint16_t ethertype, uint64_t now_ns);

/* The same for one of which only the first `captured` of its len bytes are there. */
void http_native_cut_packet(const uint8_t *bytes, uint32_t captured, uint32_t len,
			    uint16_t ethertype, uint64_t now_ns);

/* Ends what has been silent for the idle time-out at now_ns. */
void http_native_harvest(uint64_t now_ns);

/* The same, and forgets connections without an open transaction that have been silent for spare_ns. */
void http_native_make_room(uint64_t now_ns, uint64_t spare_ns);

/*
 * Ends what is open, as the idle time-out does, and forgets everything but the counters: what comes next belongs to nothing
 * that came before.
 */
void http_native_end(uint64_t now_ns);

/* Hands every event that is complete to on_batch. Returns 0, or what on_batch refused with. */
int http_native_flush(void);

/* Stops or resumes the observation; on resuming connections begin afresh. */
void http_native_pause(bool paused);

/* Those of the only CPU; valid until http_native_close(). */
const struct counters *http_native_counters(void);

/* Bytes of the largest batch. */
uint32_t http_native_batch_max(void);

/* How many connections are remembered. */
uint32_t http_native_connections(void);

/* Forgets everything; transactions that are still open are not reported. */
void http_native_close(void);

#endif
