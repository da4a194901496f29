// SPDX-License-Identifier: Apache-2.0
#include <netinet/tcp.h>
#include <string.h>

#include "frame.h"
#include "line.h"
#include "subject.h"

enum {
	CLIENT = 0,
	SERVER = 1,
	/* Of a larger one that comes too early only the beginning is kept. */
	SEGMENT_MAX = 2048 - 64,
	OVERLAP_MAX = 64,
	/* Late at once. */
	WAITING_MAX = 4,
	/* So many are kept until those come: HTTP_HELD_MAX. */
	OVERTAKING_MAX = 64,
};

static void bring(struct script *script, const struct line *line, struct segment_of segment)
{
	uint8_t role = segment.role;
	struct frame frame = {.ipv6 = line->ipv6,
			      .layers = line->layers,
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

void line_bring_again(struct line *line, struct script *script)
{
	if (line->again.to)
		bring(script, line, line->again);
	line->again.to = 0;
}

bool script_is_long(const struct script *script)
{
	return script->count > SCRIPT_ACTIONS / 3 || script->bytes_used > SCRIPT_BYTES / 4;
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

void line_bring_flight(struct line *line, struct script *script, struct choices *choices)
{
	const struct flight *flight = &line->talk.flights[line->flights];
	struct choices none = {};
	struct segment_of waiting[WAITING_MAX];
	uint32_t at = flight->from, waits = 0, before_waiting = 0;

	if (choose(choices, 2))
		line_bring_again(line, script);
	line->sent[flight->role] = flight->to + !!(flight->flags & TH_FIN);
	if (!flight->is_blind)
		line->acked[flight->role] = line->sent[flight->role ^ 1];
	if (script_is_long(script))
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

void line_open(const struct line *line, struct script *script)
{
	if (!line->opened)
		return;
	bring(script, line, (struct segment_of){CLIENT, TH_SYN, 0, 0});
	bring(script, line, (struct segment_of){SERVER, TH_SYN, 0, 0});
}
