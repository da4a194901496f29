// SPDX-License-Identifier: Apache-2.0
/*
 * The player whose parser is bpf/http.bpf.c in this process. Arguments: capture the query (0 or 1), bytes kept of a
 * path. */
#include <stdlib.h>
#include <string.h>

#include "../../ffi/http_native.h"
#include "../bpf/guarded.h"
#include "player.h"

static struct {
	uint8_t *bytes;
	uint32_t size, room;
	bool taken; /* what is here has been answered with */
} batches;

static int keep_batch(void *context, const struct batch *batch, uint32_t bytes)
{
	(void)context;
	if (batches.taken)
		batches.size = 0;
	batches.taken = false;
	if (batches.size + bytes > batches.room) {
		batches.room = 2 * (batches.size + bytes);
		batches.bytes = realloc(batches.bytes, batches.room);
		if (!batches.bytes)
			player_fail("no memory for the events");
	}
	memcpy(batches.bytes + batches.size, batch, bytes);
	batches.size += bytes;
	return 0;
}

void player_open(int count, char **arguments)
{
	if (count != 3)
		player_fail("arguments: 0 or 1, and bytes of a path");
	struct http_native_options options = {.capture_query = arguments[1][0] == '1',
					      .path_max = atoi(arguments[2])};

	http_native_open(&options, keep_batch, NULL);
}

void player_packet(const uint8_t *frame, uint32_t size, uint64_t now_ns)
{
	uint32_t len = size - ETHERNET_BYTES;

	http_native_packet(guarded_copy(frame + ETHERNET_BYTES, len), len,
			   frame[ETHERNET_BYTES - 2] << 8 | frame[ETHERNET_BYTES - 1], now_ns);
}

void player_silence(bool is_long, uint64_t now_ns)
{
	(void)is_long;
	http_native_harvest(now_ns);
}

void player_forget(void)
{
	http_native_pause(true);
	http_native_pause(false);
}

const void *player_look(struct answer *answer)
{
	if (http_native_flush())
		player_fail("the events cannot be flushed");
	answer->batch_bytes = batches.taken ? 0 : batches.size;
	batches.taken = true;
	answer_add_counters(answer, http_native_counters());
	return batches.bytes;
}
