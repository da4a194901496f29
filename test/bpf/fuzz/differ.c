// SPDX-License-Identifier: Apache-2.0
/*
 * The same scripts through the parser in this process and through the one that the kernel has loaded, which must say the
 * same, but for times. Arguments: the eBPF object, capture the query (0 or 1), how many scripts to make besides, and
 * folders of scripts, which are tried first and then made into others.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../conversations/player.h"
#include "scripts.h"
#include "subject.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

enum {
	SCRIPT_MAX = 1024,
	CHANGES_MAX = 6,
	DIFFERENCES_SHOWN = 5,
};

static struct {
	struct counters counters, before; /* of the kernel */
	uint32_t count, room;
	struct http_event *events;
} loaded;

static unsigned long scripts, events, differences;
static bool capture_query;

const char *__asan_default_options(void);

/* libbpf's own are no concern of ours. */
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

void player_fail(const char *what)
{
	fprintf(stderr, "%s%s%s\n", what, errno ? ": " : "", errno ? strerror(errno) : "");
	exit(EXIT_FAILURE);
}

void answer_add_counters(struct answer *answer, const struct counters *counters)
{
	(void)answer;
	loaded.counters = *counters;
}

/* Takes the events that have come since the last look. */
static void look(void)
{
	struct answer answer = {};
	const uint8_t *at = player_look(&answer), *end = at + answer.batch_bytes;

	while (at < end) {
		const struct batch *batch = (const void *)at;
		uint32_t count = loaded.count + batch->len;

		if (count > loaded.room) {
			loaded.room = 2 * count;
			loaded.events =
				realloc(loaded.events, loaded.room * sizeof(*loaded.events));
			stop_unless(loaded.events, "out of memory");
		}
		memcpy(loaded.events + loaded.count, batch + 1,
		       batch->len * sizeof(*loaded.events));
		loaded.count = count;
		at += sizeof(*batch) + batch->len * sizeof(*loaded.events);
	}
}

/* The test run refuses what is shorter than its IP header, which nobody could read. */
static void deliver(const struct action *packet)
{
	static uint8_t frame[ETHERNET_BYTES + SCRIPT_BYTES];

	if (packet->len <
	    (packet->ethertype == ETH_P_IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)))
		return;
	frame[ETHERNET_BYTES - 2] = packet->ethertype >> 8;
	frame[ETHERNET_BYTES - 1] = packet->ethertype;
	memcpy(frame + ETHERNET_BYTES, packet->bytes, packet->len);
	player_packet(frame, ETHERNET_BYTES + packet->len, 0);
}

/* As subject_play() does when it plays as the kernel. */
static void play_loaded(const struct script *script)
{
	player_forget();
	look();
	loaded.count = 0;
	loaded.before = loaded.counters;
	for (uint32_t i = 0; i < script->count; i++) {
		const struct action *action = &script->actions[i];

		if (action->kind == ACTION_LONG_SILENCE)
			player_silence(true, 0);
		else if (action->kind == ACTION_FORGET)
			player_forget();
		else if (action->kind == ACTION_PACKET)
			deliver(action);
		look();
	}
	player_silence(true, 0);
	look();
}

static int compare_events(const void *a, const void *b)
{
	const struct http_event *one = a, *other = b;
	int order = memcmp(one->client_address, other->client_address, 16);

	order = order ?: memcmp(one->server_address, other->server_address, 16);
	order = order ?: one->client_port - other->client_port;
	order = order ?: one->server_port - other->server_port;
	return order ?: (one->start_ns > other->start_ns) - (one->start_ns < other->start_ns);
}

/* The harvest goes through the table in an order of its own; those of one connection keep theirs. */
static void sort_events(struct http_event *events, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		events[i].start_ns = i;
		events[i].end_ns = 0;
		events[i].first_byte_ns = !!events[i].first_byte_ns;
	}
	if (count)
		qsort(events, count, sizeof(*events), compare_events);
	for (uint32_t i = 0; i < count; i++)
		events[i].start_ns = 0;
}

static bool differs(const struct played *native)
{
	const uint64_t *here = (const void *)&native->counters, *now = (void *)&loaded.counters,
		       *before = (void *)&loaded.before;

	/* A harvest finds full pages or not by its order. */
	if (native->counters.dropped[DROP_PAGES_FULL] ||
	    loaded.counters.dropped[DROP_PAGES_FULL] != loaded.before.dropped[DROP_PAGES_FULL])
		return false;
	for (size_t i = 0; i < sizeof(native->counters) / sizeof(*here); i++)
		if (now[i] - before[i] != here[i]) {
			fprintf(stderr, "counter %zu rose by %lu in the kernel, by %lu here\n", i,
				now[i] - before[i], here[i]);
			return true;
		}
	sort_events(native->events, native->count);
	sort_events(loaded.events, loaded.count);
	for (size_t at = 0; at < native->count * sizeof(*native->events); at++)
		if (((char *)native->events)[at] != ((char *)loaded.events)[at]) {
			fprintf(stderr, "event %zu differs in its byte %zu\n",
				at / sizeof(*native->events), at % sizeof(*native->events));
			return true;
		}
	return false;
}

static void keep_difference(const uint8_t *data, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/difference-%lu", OUT, differences);
	file = fopen(path, "w");
	if (!file || fwrite(data, 1, size, file) != size || fclose(file))
		player_fail(path);
	fprintf(stderr, "... in %s\n", path);
}

static void play_both(const uint8_t *data, size_t size)
{
	static struct script script;
	const struct playing playing = {.as_kernel = true, .rubbish = scripts};
	const struct played *played;

	script_read(&script, data, size, SCRIPT_AS_IT_IS);
	script.head.settings &= ~SETTING_QUERY;
	script.head.settings |= capture_query ? SETTING_QUERY : 0;
	played = subject_play(&script, &playing);
	play_loaded(&script);
	if (differs(played) && differences++ < DIFFERENCES_SHOWN)
		keep_difference(data, size);
	scripts++;
	events += played->count;
}

static struct kept {
	uint8_t *data;
	size_t size;
} * kept;
static size_t kept_count;

static void take(const char *path, const uint8_t *data, size_t size)
{
	(void)path;
	play_both(data, size);
	kept = realloc(kept, (kept_count + 1) * sizeof(*kept));
	stop_unless(kept, "out of memory");
	kept[kept_count].data = memcpy(malloc(size + 1), data, size);
	kept[kept_count++].size = size;
}

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	size_t at = size ? rand() % size : 0;

	if (size && rand() % 3) {
		data[at] = rand();
		return size;
	}
	if (size == max_size)
		return size;
	memmove(data + at + 1, data + at, size - at);
	data[at] = rand();
	return size + 1;
}

/* Another script, made from one of those that are kept. */
static void play_another(void)
{
	uint8_t data[SCRIPT_MAX];
	const struct kept *one = &kept[rand() % kept_count];
	size_t size = one->size < sizeof(data) ? one->size : sizeof(data);

	memcpy(data, one->data, size);
	for (int changes = 1 + rand() % CHANGES_MAX; changes; changes--)
		size = LLVMFuzzerCustomMutator(data, size, sizeof(data), rand());
	play_both(data, size);
}

int main(int count, char **arguments)
{
	char path_max[16];

	if (count < 5)
		player_fail("arguments: the eBPF object, 0 or 1, a number, folders of scripts");
	snprintf(path_max, sizeof(path_max), "%d", HTTP_TARGET_MAX);
	player_open(4, (char *[]){arguments[0], arguments[2], path_max, arguments[1]});
	capture_query = arguments[2][0] == '1';
	for (int i = 4; i < count; i++)
		scripts_read(arguments[i], take);
	for (int i = atoi(arguments[3]); i > 0; i--)
		play_another();
	printf("differ: %lu scripts, %lu events, %lu differences\n", scripts, events, differences);
	return differences ? EXIT_FAILURE : EXIT_SUCCESS;
}
