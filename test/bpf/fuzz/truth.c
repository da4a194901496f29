// SPDX-License-Identifier: Apache-2.0
/*
 * A libFuzzer target: bytes choose what two clients and two servers say (talk.h) and how TCP brings it past us (line.h): in
 * segments of any size, again, late, overlapping, and of bodies not everything. What is reported must be what was said.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "print.h"
#include "subject.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	CLIENT = 0,
	SERVER = 1,
	PATHS = 2,
	LINES = 2,
	LAYERS = LAYER_VLAN | LAYER_QINQ | LAYER_IP_OPTIONS | LAYER_TCP_OPTIONS,
};

/* Two addresses and ports, and one connection after another between them. */
struct path {
	uint32_t count;
	struct line lines[LINES];
};

static void make_numbers(struct line *line, uint32_t index, struct choices *choices)
{
	static const uint32_t isns[] = {1000, 0xffffffff, 0xffffff00, 0x7fffff00};

	/* Not the same on two paths: that would be one connection, seen behind a NAT. */
	for (int role = 0; role < 2; role++)
		line->isn[role] = isns[choose(choices, 4)] - index;
}

static void make_line(struct line *line, struct script *script, struct choices *choices)
{
	memset(&line->again, 0, sizeof(line->again));
	memset(line->sent, 0, sizeof(line->sent));
	memset(line->acked, 0, sizeof(line->acked));
	line->flights = 0;
	talk_make(&line->talk, choices, script->head.settings & SETTING_QUERY);
	line_open(line, script);
}

static void begin_path(struct path *path, uint32_t index, uint8_t layers, struct script *script,
		       struct choices *choices)
{
	struct line *line = &path->lines[0];
	bool swapped = choose(choices, 2);

	path->count = 1;
	memset(line->ends, 0, sizeof(line->ends));
	for (int role = 0; role < 2; role++) {
		line->ends[role].address[0] = 10;
		line->ends[role].address[3] = 1 + role;
		line->ends[role].port = (role ^ swapped ? 80 : 40000) + index;
	}
	line->layers = layers;
	line->ipv6 = choose(choices, 2);
	line->opened = !choose(choices, 4);
	make_numbers(line, index, choices);
	make_line(line, script, choices);
}

/* A connection after another one, which may never have been closed. */
static void go_on(struct path *path, struct script *script, struct choices *choices)
{
	static const uint32_t steps[] = {1, 64, 70000, 0x40000000};
	struct line *before = &path->lines[path->count - 1], *line = before + 1;
	struct http_event *last = &before->talk.expected[before->talk.count - 1];

	line_bring_again(before, script);
	if (last->outcome == HTTP_OUTCOME_TIMEOUT)
		last->outcome = HTTP_OUTCOME_CLOSED;
	path->count++;
	memcpy(line->ends, before->ends, sizeof(line->ends));
	line->layers = before->layers;
	line->ipv6 = before->ipv6;
	line->opened = true;
	for (int role = 0; role < 2; role++)
		line->isn[role] =
			before->isn[role] + before->sent[role] + steps[choose(choices, 4)];
	make_line(line, script, choices);
}

/* Returns false when all is said. */
static bool advance(struct path *path, struct script *script, struct choices *choices)
{
	struct line *line = &path->lines[path->count - 1];

	if (line->flights < line->talk.flight_count) {
		line_bring_flight(line, script, choices);
		return true;
	}
	if (path->count == LINES || script_is_long(script) || !choose(choices, 2))
		return false;
	go_on(path, script, choices);
	return true;
}

static const struct http_event *expected_at(const struct path *path, uint32_t at)
{
	for (uint32_t i = 0; i < path->count; at -= path->lines[i++].talk.count)
		if (at < path->lines[i].talk.count)
			return &path->lines[i].talk.expected[at];
	return NULL;
}

/* The events of one path, without what depends on when and where, are those that are expected. */
static void check_path(const struct path *path, const struct played *played)
{
	const struct endpoint *ends = path->lines[0].ends;
	uint32_t found = 0;

	for (uint32_t i = 0; i < played->count; i++) {
		struct http_event event = played->events[i];
		const struct http_event *expected = expected_at(path, found);

		if (event.client_port != ends[CLIENT].port)
			continue;
		stop_unless(event.server_port == ends[SERVER].port,
			    "client and server are confused");
		stop_unless(expected, "more than was said");
		event.start_ns = event.first_byte_ns = event.end_ns = 0;
		event.client_port = event.server_port = 0;
		memset(event.client_address, 0, sizeof(event.client_address));
		memset(event.server_address, 0, sizeof(event.server_address));
		stop_unless(!memcmp(&event, expected, sizeof(event)), "not what was said");
		found++;
	}
	stop_unless(!expected_at(path, found), "less than was said");
}

/* For whoever looks into a failure. */
static void print_truth(const struct script *script, const struct path *paths,
			const struct played *played)
{
	const struct http_event *expected;

	print_script(script);
	for (uint32_t i = 0; i < played->count; i++)
		print_event(&played->events[i]);
	puts("said:");
	for (uint32_t i = 0; i < PATHS; i++)
		for (uint32_t j = 0; (expected = expected_at(&paths[i], j)); j++)
			print_event(expected);
	fflush(stdout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct path paths[PATHS];
	static struct script script;
	struct choices choices = {data, size};
	const struct played *played;
	uint32_t how = choose(&choices, 256);

	memset(&script.head, 0, sizeof(script.head));
	script.head.settings = how & 1 ? SETTING_QUERY : 0;
	script.count = script.bytes_used = 0;
	for (uint32_t i = 0; i < PATHS; i++)
		begin_path(&paths[i], i, how >> 4 & LAYERS, &script, &choices);
	for (bool more = true; more;) {
		uint32_t first = choose(&choices, PATHS);

		more = advance(&paths[first], &script, &choices) ||
		       advance(&paths[first ^ 1], &script, &choices);
	}
	for (uint32_t i = 0; i < PATHS; i++)
		line_bring_again(&paths[i].lines[paths[i].count - 1], &script);
	played = subject_play(&script,
			      &(struct playing){.rubbish = 0xff, .twice = (how & 14) == 14});
	if (getenv("SHOW"))
		print_truth(&script, paths, played);
	for (uint32_t i = 0; i < PATHS; i++)
		check_path(&paths[i], played);
	return 0;
}
