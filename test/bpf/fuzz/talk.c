// SPDX-License-Identifier: Apache-2.0
#include <netinet/tcp.h>
#include <string.h>

#include "talk.h"

enum {
	CLIENT = 0,
	SERVER = 1,
	PIPELINED_MAX = 4,
	/* One exchange of several requests, then one that ends the talk. */
	FLIGHTS_MAX = 2 * PIPELINED_MAX + 6,
};

static struct flight *end_flight(struct talk *talk, uint8_t role, uint8_t flags)
{
	struct flight *flight = &talk->flights[talk->flight_count];
	uint32_t from = 0;

	for (uint32_t i = 0; i < talk->flight_count; i++)
		if (talk->flights[i].role == role)
			from = talk->flights[i].to;
	*flight = (struct flight){.role = role,
				  .flags = flags,
				  .from = from,
				  .to = talk->speeches[role].len};
	if (role == CLIENT && flight->to > from) {
		flight->is_refused_body = talk->refused;
		talk->refused = false;
	}
	if (flight->to > from || flags)
		talk->flight_count++;
	return flight;
}

static struct body begin_request(struct talk *talk, struct choices *choices, const char *method,
				 enum framing framing, bool expects)
{
	struct speech *speech = &talk->speeches[CLIENT];
	struct request request = {method, framing, expects, talk->query};

	/* RFC 9112 section 2.2: an empty line before a request is none. */
	if (talk->count && !talk->refused && choose(choices, 8) == 1)
		say(speech, "\r\n");
	return say_request_head(speech, choices, request, &talk->expected[talk->count++]);
}

static void say_request(struct talk *talk, struct choices *choices, const char *method)
{
	bool tunnel = !strcmp(method, "CONNECT");
	enum framing framing = tunnel ? FRAMING_NONE : choose(choices, FRAMING_CLOSE);
	struct body body = begin_request(talk, choices, method, framing, false);

	say_body(&talk->speeches[CLIENT], choices, body,
		 &talk->expected[talk->count - 1].request_body_bytes);
}

/* To the transaction of that number. */
static void answer(struct talk *talk, struct choices *choices, uint32_t number, uint16_t status,
		   enum framing framing)
{
	say_response(&talk->speeches[SERVER], choices, status, framing, talk->refused,
		     &talk->expected[number]);
}

static void answer_somehow(struct talk *talk, struct choices *choices, uint32_t number)
{
	static const uint16_t statuses[] = {200, 204, 304, 404, 500, 999};

	answer(talk, choices, number, statuses[choose(choices, 6)],
	       FRAMING_LENGTH + choose(choices, 2));
}

/* Some requests, and as many responses. */
static void exchange_several(struct talk *talk, struct choices *choices)
{
	static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "PROPFIND"};
	uint32_t left = choose(choices, 4) == 1 ? 1 + choose(choices, PIPELINED_MAX) : 1;
	uint32_t next = talk->count;

	while (left || next < talk->count) {
		bool waits = next < talk->count;

		if (left && (!waits || choose(choices, 2))) {
			say_request(talk, choices, methods[choose(choices, 5)]);
			end_flight(talk, CLIENT, 0)->is_blind = waits;
			left--;
		} else {
			answer_somehow(talk, choices, next++);
			end_flight(talk, SERVER, 0);
		}
	}
}

/* The client says that it has a body, and whether it says it depends: RFC 9110 section 10.1.1. */
static void exchange_expecting(struct talk *talk, struct choices *choices)
{
	uint32_t number = talk->count;
	struct body body =
		begin_request(talk, choices, "PUT", FRAMING_LENGTH + choose(choices, 2), true);
	bool wanted = choose(choices, 2), said = wanted || choose(choices, 2);
	__u64 unreported = 0;

	end_flight(talk, CLIENT, 0);
	if (wanted) {
		say_interim(&talk->speeches[SERVER], 100);
	} else {
		talk->refused = true;
		answer_somehow(talk, choices, number);
	}
	end_flight(talk, SERVER, 0);
	if (said) {
		say_body(&talk->speeches[CLIENT], choices, body,
			 wanted ? &talk->expected[number].request_body_bytes : &unreported);
		end_flight(talk, CLIENT, 0);
	}
	if (wanted) {
		answer_somehow(talk, choices, number);
		end_flight(talk, SERVER, 0);
	}
}

/* The server answers before it has got all; what it has got until then is reported. */
static void exchange_early(struct talk *talk, struct choices *choices)
{
	uint32_t number = talk->count;
	struct body rest = begin_request(talk, choices, "POST", FRAMING_LENGTH, false),
		    first = rest;
	__u64 unreported = 0;

	first.len /= 2;
	rest.len -= first.len;
	say_body(&talk->speeches[CLIENT], choices, first,
		 &talk->expected[number].request_body_bytes);
	end_flight(talk, CLIENT, 0);
	answer_somehow(talk, choices, number);
	end_flight(talk, SERVER, 0);
	say_body(&talk->speeches[CLIENT], choices, rest, &unreported);
	end_flight(talk, CLIENT, 0);
}

static void exchange(struct talk *talk, struct choices *choices)
{
	switch (choose(choices, 8)) {
	case 1:
		exchange_expecting(talk, choices);
		break;
	case 2:
		exchange_early(talk, choices);
		break;
	default:
		exchange_several(talk, choices);
	}
}

/* What follows is not HTTP any more. */
static void change_protocol(struct talk *talk, struct choices *choices, const char *method,
			    uint16_t status)
{
	say_request(talk, choices, method);
	end_flight(talk, CLIENT, 0);
	answer(talk, choices, talk->count - 1, status, FRAMING_NONE);
	end_flight(talk, SERVER, 0);
	say(&talk->speeches[CLIENT], "GET /no HTTP/1.1\r\n\r\n");
	end_flight(talk, CLIENT, 0);
	say(&talk->speeches[SERVER], "HTTP/1.1 200 OK\r\n\r\n");
	end_flight(talk, SERVER, 0);
}

static void end_unanswered(struct talk *talk, struct choices *choices)
{
	static const uint8_t outcomes[] = {HTTP_OUTCOME_TIMEOUT, HTTP_OUTCOME_CLOSED,
					   HTTP_OUTCOME_RESET};
	uint8_t outcome = outcomes[choose(choices, 3)];

	say_request(talk, choices, "GET");
	end_flight(talk, CLIENT, 0);
	talk->expected[talk->count - 1].outcome = outcome;
	if (outcome != HTTP_OUTCOME_TIMEOUT)
		end_flight(talk, SERVER, outcome == HTTP_OUTCOME_CLOSED ? TH_FIN : TH_RST);
}

static void end_with_the_connection(struct talk *talk, struct choices *choices)
{
	say_request(talk, choices, "GET");
	end_flight(talk, CLIENT, choose(choices, 2) ? TH_FIN : 0);
	answer(talk, choices, talk->count - 1, 200, FRAMING_CLOSE);
	end_flight(talk, SERVER, TH_FIN);
}

static bool has_room(const struct talk *talk)
{
	/* And one more, which ends it. */
	const uint32_t bytes = (PIPELINED_MAX + 1) * MESSAGE_MAX;

	return talk->count + PIPELINED_MAX < TALK_EXCHANGES &&
	       talk->flight_count + FLIGHTS_MAX < TALK_FLIGHTS &&
	       talk->speeches[CLIENT].len + bytes < TALK_BYTES &&
	       talk->speeches[SERVER].len + bytes < TALK_BYTES;
}

void talk_make(struct talk *talk, struct choices *choices, bool query)
{
	talk->query = query;
	talk->refused = false;
	talk->speeches[CLIENT].len = talk->speeches[SERVER].len = 0;
	talk->flight_count = talk->count = 0;
	memset(talk->expected, 0, sizeof(talk->expected));
	do
		exchange(talk, choices);
	while (has_room(talk) && choose(choices, 4));
	switch (choose(choices, 8)) {
	case 1:
		end_flight(talk, SERVER, TH_FIN);
		end_flight(talk, CLIENT, TH_FIN);
		break;
	case 2:
		end_flight(talk, CLIENT, TH_RST);
		break;
	case 3:
		end_unanswered(talk, choices);
		break;
	case 4:
		end_with_the_connection(talk, choices);
		break;
	case 5:
		change_protocol(talk, choices, "GET", 101);
		break;
	case 6:
		change_protocol(talk, choices, "CONNECT", 200);
		break;
	}
}
