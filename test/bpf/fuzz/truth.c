// SPDX-License-Identifier: Apache-2.0
/*
 * A libFuzzer target: bytes choose what two clients and two servers say (talk.h) and how TCP brings it past us: in segments of
 * any size, again, late, overlapping, and of bodies not everything. What is reported must be what was said.
 */
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "print.h"
#include "subject.h"
#include "talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	CLIENT = 0,
	SERVER = 1,
	TALKS = 2,
	/* Of a larger one that comes too early only the beginning is kept. */
	SEGMENT_MAX = 2048 - 64,
	OVERLAP_MAX = 64,
	/* Late at once. */
	WAITING_MAX = 4,
	/* So many are kept until those come: HTTP_HELD_MAX. */
	OVERTAKING_MAX = 64,
};

struct segment_of {
	uint8_t role, flags;
	uint32_t from, to; /* of the speech */
};

/* One talk on its way. */
struct line {
	struct talk talk;
	struct endpoint ends[2];
	uint32_t isn[2], sent[2]; /* with FIN */
	uint32_t acked[2];	  /* of the other side's */
	bool ipv6, opened;
	uint32_t flights;	 /* that are through */
	struct segment_of again; /* comes once more, later */
};

static void bring(struct script *script, const struct line *line, struct segment_of segment)
{
	uint8_t role = segment.role;
	struct frame frame = {.ipv6 = line->ipv6,
			      .flags = segment.flags | TH_ACK,
			      .from = line->ends[role],
			      .to = line->ends[role ^ 1],
			      .seq = line->isn[role] + 1 + segment.from,
			      .ack = line->isn[role ^ 1] + 1 + line->acked[role],
			      .payload = line->talk.speeches[role].bytes + segment.from,
			      .payload_len = segment.to - segment.from};
	struct action packet = {.kind = ACTION_PACKET, .bytes = script->bytes + script->bytes_used};

	if (segment.flags & TH_SYN)
		frame.seq--;
	if (segment.flags & TH_SYN && role == CLIENT)
		frame.flags = TH_SYN;
	stop_unless(script->count < SCRIPT_ACTIONS &&
			    script->bytes_used + frame.payload_len + FRAME_EXTRA_MAX < SCRIPT_BYTES,
		    "a talk longer than a script");
	packet.len = frame_write(&frame, script->bytes + script->bytes_used, &packet.ethertype,
				 &packet.missing);
	script->bytes_used += packet.len;
	script->actions[script->count++] = packet;
}

/* Is its loss seen and known to be nothing but a body's? */
static bool may_be_lost(const struct line *line, struct segment_of segment)
{
	const struct flight *last = &line->talk.flights[line->talk.flight_count - 1];
	const bool *spare = line->talk.speeches[segment.role].spare;

	if (segment.flags || (last->role == segment.role && last->to == segment.to))
		return false;
	return segment.to > segment.from &&
	       !memchr(spare + segment.from, false, segment.to - segment.from);
}

/* May another one come first, or this one not at all? Not if it is what tells what comes. */
static bool may_wait(const struct line *line, struct segment_of segment)
{
	const struct flight *flight = &line->talk.flights[line->flights];

	return !segment.flags && (line->opened || line->flights) &&
	       !(flight->is_refused_body && segment.from == flight->from);
}

static void bring_again(struct script *script, struct line *line)
{
	if (line->again.to)
		bring(script, line, line->again);
	line->again.to = 0;
}

/* Is it time to come to the end? */
static bool is_long(const struct script *script)
{
	return script->count > SCRIPT_ACTIONS / 2 || script->bytes_used > SCRIPT_BYTES / 3;
}

static struct segment_of next_segment(const struct flight *flight, uint32_t at,
				      struct choices *choices)
{
	static const uint32_t lengths[] = {SEGMENT_MAX, 1, 2, 3, 10, 40, 100, 256, 700, 1400};
	uint32_t which = choose(choices, sizeof(lengths) / sizeof(*lengths));
	bool tells = flight->is_refused_body && at == flight->from;
	uint32_t to = at + lengths[tells ? 0 : which];
	bool ends = to >= flight->to;

	return (struct segment_of){flight->role, ends ? flight->flags : 0, at,
				   ends ? flight->to : to};
}

/* The last ones first. */
static void bring_waiting(struct script *script, const struct line *line,
			  const struct segment_of *waiting, uint32_t *waits, uint32_t most)
{
	for (; *waits && most; most--)
		bring(script, line, waiting[--*waits]);
}

static void bring_flight(struct script *script, struct line *line, struct choices *choices)
{
	const struct flight *flight = &line->talk.flights[line->flights];
	struct choices none = {};
	struct segment_of waiting[WAITING_MAX];
	uint32_t at = flight->from, waits = 0, before_waiting = 0;

	if (choose(choices, 2))
		bring_again(script, line);
	line->sent[flight->role] = flight->to + !!(flight->flags & TH_FIN);
	if (!flight->is_blind)
		line->acked[flight->role] = line->sent[flight->role ^ 1];
	if (is_long(script))
		choices = &none;
	do {
		struct segment_of segment = next_segment(flight, at, choices);
		uint32_t how = choose(choices, 8), before = choose(choices, OVERLAP_MAX);

		at = segment.to;
		if (how == 1 && waits < WAITING_MAX && may_wait(line, segment)) {
			if (!waits)
				before_waiting = script->count;
			waiting[waits++] = segment;
			continue;
		}
		if (how == 2)
			segment.from -= before < segment.from ? before : segment.from;
		if (how != 3 || !may_be_lost(line, segment) || !may_wait(line, segment))
			bring(script, line, segment);
		if (how == 4)
			bring(script, line, segment);
		if (how == 5 && !(segment.flags & TH_RST))
			line->again = segment;
		/* They may be overtaken by several, and by one another. */
		if (script->count - before_waiting >= OVERTAKING_MAX - WAITING_MAX)
			bring_waiting(script, line, waiting, &waits, WAITING_MAX);
		else if (choose(choices, 4) != 1)
			bring_waiting(script, line, waiting, &waits, 1);
	} while (at < flight->to);
	bring_waiting(script, line, waiting, &waits, WAITING_MAX);
	line->flights++;
}

static void line_make(struct line *line, uint32_t index, struct choices *choices, bool query)
{
	static const uint32_t isns[] = {1000, 0xffffffff, 0xffffff00, 0x7fffff00};
	bool swapped = choose(choices, 2);

	memset(&line->again, 0, sizeof(line->again));
	memset(line->sent, 0, sizeof(line->sent));
	memset(line->acked, 0, sizeof(line->acked));
	memset(line->ends, 0, sizeof(line->ends));
	line->ipv6 = choose(choices, 2);
	line->opened = !choose(choices, 4);
	line->flights = 0;
	for (int role = 0; role < 2; role++) {
		line->ends[role].address[0] = 10;
		line->ends[role].address[3] = 1 + role;
		line->ends[role].port = (role ^ swapped ? 80 : 40000) + index;
		/* Not the same: that would be one connection, seen behind a NAT. */
		line->isn[role] = isns[choose(choices, 4)] - index;
	}
	talk_make(&line->talk, choices, query);
}

static void open_line(struct script *script, const struct line *line)
{
	if (!line->opened)
		return;
	bring(script, line, (struct segment_of){CLIENT, TH_SYN, 0, 0});
	bring(script, line, (struct segment_of){SERVER, TH_SYN, 0, 0});
}

/* The events of one line, without what depends on when and where, are those that are expected. */
static void check_line(const struct line *line, const struct played *played)
{
	uint32_t found = 0;

	for (uint32_t i = 0; i < played->count; i++) {
		struct http_event event = played->events[i];

		if (event.client_port != line->ends[CLIENT].port)
			continue;
		stop_unless(event.server_port == line->ends[SERVER].port,
			    "client and server are confused");
		stop_unless(found < line->talk.count, "more than was said");
		event.start_ns = event.first_byte_ns = event.end_ns = 0;
		event.client_port = event.server_port = 0;
		memset(event.client_address, 0, sizeof(event.client_address));
		memset(event.server_address, 0, sizeof(event.server_address));
		stop_unless(!memcmp(&event, &line->talk.expected[found++], sizeof(event)),
			    "not what was said");
	}
	stop_unless(found == line->talk.count, "less than was said");
}

/* For whoever looks into a failure. */
static void print_truth(const struct script *script, const struct line *lines,
			const struct played *played)
{
	print_script(script);
	for (uint32_t i = 0; i < played->count; i++)
		print_event(&played->events[i]);
	puts("said:");
	for (uint32_t i = 0; i < TALKS; i++)
		for (uint32_t j = 0; j < lines[i].talk.count; j++)
			print_event(&lines[i].talk.expected[j]);
	fflush(stdout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct line lines[TALKS];
	static struct script script;
	struct choices choices = {data, size};
	const struct played *played;
	uint32_t left = 0;

	memset(&script.head, 0, sizeof(script.head));
	script.head.settings = choose(&choices, 2) ? SETTING_QUERY : 0;
	script.count = script.bytes_used = 0;
	for (uint32_t i = 0; i < TALKS; i++) {
		line_make(&lines[i], i, &choices, script.head.settings & SETTING_QUERY);
		open_line(&script, &lines[i]);
		left += lines[i].talk.flight_count;
	}
	while (left) {
		struct line *line = &lines[choose(&choices, TALKS)];

		if (line->flights == line->talk.flight_count)
			line = line == lines ? lines + 1 : lines;
		bring_flight(&script, line, &choices);
		left--;
	}
	for (uint32_t i = 0; i < TALKS; i++)
		bring_again(&script, &lines[i]);
	played = subject_play(&script, &(struct playing){});
	if (getenv("SHOW"))
		print_truth(&script, lines, played);
	for (uint32_t i = 0; i < TALKS; i++)
		check_line(&lines[i], played);
	return 0;
}
