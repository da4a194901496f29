// SPDX-License-Identifier: Apache-2.0
#include "http_native.h"
#include "native.h"

#include "../bpf/http.bpf.c"

static http_native_on_batch on_batch;
static void *on_batch_context;
/* The settings as http.bpf.c has them, kept by the first open. */
static bool defaults_known;
static __u64 default_idle_timeout_ns;

/* spare_ns: the program's argument; see http_harvest(). */
static void harvest(__u64 now_ns, __u64 spare_ns)
{
	struct {
		struct bpf_raw_tracepoint_args head;
		__u64 arguments[1];
	} context = {.arguments = {spare_ns}};

	native_now_ns = now_ns;
	http_harvest(&context.head);
}

static long native_output(const void *data, __u64 size)
{
	return on_batch(on_batch_context, data, size);
}

void http_native_open(const struct http_native_options *options, http_native_on_batch take,
		      void *context)
{
	if (!defaults_known)
		default_idle_timeout_ns = http_idle_timeout_ns;
	defaults_known = true;
	native_maps_free();
	NATIVE_STREAM(http);
	if (options->connections_max)
		native_map_limit(NATIVE_MAP(&http_conns), options->connections_max);
	http_idle_timeout_ns = options->idle_timeout_ns ?: default_idle_timeout_ns;
	http_capture_query = options->capture_query;
	http_path_max = options->path_max && options->path_max < HTTP_TARGET_MAX ? options->path_max
										 : HTTP_TARGET_MAX;
	http_paused = false;
	native_now_ns = 0;
	on_batch = take;
	on_batch_context = context;
}

void http_native_packet(const uint8_t *bytes, uint32_t len, uint16_t ethertype, uint64_t now_ns)
{
	packet_t packet = {.bytes = bytes, .len = len, .protocol = htobe16(ethertype)};

	native_now_ns = now_ns;
	http_filter(&packet);
}

/* First what is there; then the whole: what was read is passed over, and what is missing by count where that is enough. */
void http_native_cut_packet(const uint8_t *bytes, uint32_t captured, uint32_t len,
			    uint16_t ethertype, uint64_t now_ns)
{
	packet_t whole = {.bytes = bytes,
			  .len = len,
			  .missing = len - captured,
			  .protocol = htobe16(ethertype)};

	http_native_packet(bytes, captured, ethertype, now_ns);
	http_filter(&whole);
}

void http_native_harvest(uint64_t now_ns)
{
	harvest(now_ns, 0);
}

void http_native_make_room(uint64_t now_ns, uint64_t spare_ns)
{
	harvest(now_ns, spare_ns);
}

void http_native_end(uint64_t now_ns)
{
	__u64 timeout_ns = http_idle_timeout_ns;

	http_idle_timeout_ns = 0;
	harvest(now_ns, 0);
	http_idle_timeout_ns = timeout_ns;
	native_maps_clear();
}

int http_native_flush(void)
{
	return http_barrier(NULL);
}

void http_native_pause(bool paused)
{
	if (!paused)
		http_forget(NULL);
	http_paused = paused;
}

const struct counters *http_native_counters(void)
{
	return http_counters_get();
}

uint32_t http_native_batch_max(void)
{
	return sizeof(struct batch) + sizeof(((struct http_page *)NULL)->events);
}

uint32_t http_native_connections(void)
{
	return native_map_count(NATIVE_MAP(&http_conns));
}

void http_native_close(void)
{
	native_maps_free();
}
