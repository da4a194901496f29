// SPDX-License-Identifier: Apache-2.0
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "talk.h"

enum {
	CLIENT = 0,
	SERVER = 1,
	/* No message is longer. */
	MESSAGE_MAX = 6500,
	PIPELINED_MAX = 4,
};

enum framing {
	FRAMING_NONE,
	FRAMING_LENGTH,
	FRAMING_CHUNKED,
	FRAMING_CLOSE, /* only of a response */
};

uint32_t choose(struct choices *choices, uint32_t limit)
{
	if (!choices->left)
		return 0;
	choices->left--;
	return *choices->data++ % limit;
}

__attribute__((format(printf, 2, 3))) static void say(struct speech *speech, const char *format,
						      ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf((char *)speech->bytes + speech->len, TALK_BYTES - speech->len, format,
			args);
	va_end(args);
	memset(speech->spare + speech->len, false, len);
	speech->len += len;
}

/* Bytes that look like what they are not. */
static void say_body(struct speech *speech, uint32_t len)
{
	static const char text[] = "GET /no HTTP/1.1\r\n\r\nHTTP/1.1 200 OK\r\n\r\n0\r\n\r\n";

	for (uint32_t i = 0; i < len; i++) {
		speech->spare[speech->len] = true;
		speech->bytes[speech->len++] = text[i % (sizeof(text) - 1)];
	}
}

static uint32_t choose_length(struct choices *choices)
{
	static const uint32_t lengths[] = {0, 1, 5, 20, 100, 255, 256, 600, 1023, 1024, 1500};

	return lengths[choose(choices, sizeof(lengths) / sizeof(*lengths))];
}

/* Fields that nobody looks at, in front of those that matter. */
static void say_other_fields(struct speech *speech, struct choices *choices)
{
	uint32_t kind = choose(choices, 8);

	if (kind == 1)
		say(speech, "Cookie: %0*d\r\n", (int)choose_length(choices), 0);
	else if (kind == 2)
		for (uint32_t i = choose(choices, 100); i; i--)
			say(speech, "X: %u\n", i);
	else if (kind == 3)
		say(speech, "Content-Lengths: 7\r\nX-Transfer-Encoding: chunked\r\nHosts: x\r\n");
}

static void say_chunks(struct speech *speech, struct choices *choices, __u64 *bytes)
{
	for (uint32_t chunks = choose(choices, 5); chunks; chunks--) {
		uint32_t len = 1 + choose(choices, 255);

		say(speech, "%x%s\r\n", len, choose(choices, 2) ? ";a=\"b\"" : "");
		say_body(speech, len);
		say(speech, "\r\n");
		*bytes += len;
	}
	say(speech, "0\r\n%s\r\n", choose(choices, 2) ? "Trailer: x\r\n" : "");
}

/* The end of a head, and the body. without_body: the head says of one that does not follow. */
static void say_rest(struct speech *speech, struct choices *choices, enum framing framing,
		     bool without_body, uint32_t head, __u32 *header_bytes, __u64 *body_bytes)
{
	uint32_t len = choose_length(choices);

	if (framing == FRAMING_LENGTH)
		say(speech, "Content-Length: %u\r\n", len);
	else if (framing == FRAMING_CHUNKED)
		say(speech, "Transfer-Encoding: chunked\r\n");
	say_other_fields(speech, choices);
	say(speech, "\r\n");
	*header_bytes = speech->len - head;
	if (without_body || framing == FRAMING_NONE)
		return;
	if (framing == FRAMING_CHUNKED) {
		say_chunks(speech, choices, body_bytes);
		return;
	}
	say_body(speech, len);
	*body_bytes = len;
}

static void end_flight(struct talk *talk, uint8_t role, uint8_t flags)
{
	struct flight *flight = &talk->flights[talk->flight_count];
	uint32_t from = 0;

	for (uint32_t i = 0; i < talk->flight_count; i++)
		if (talk->flights[i].role == role)
			from = talk->flights[i].to;
	*flight = (struct flight){role, flags, from, talk->speeches[role].len};
	if (flight->to > from || flags)
		talk->flight_count++;
}

static void say_request(struct talk *talk, struct choices *choices, const char *method)
{
	struct speech *speech = &talk->speeches[CLIENT];
	struct http_event *event = &talk->expected[talk->count++];
	uint32_t version = choose(choices, 4) != 1, head, target, host;
	char text[2048];

	/* RFC 9112 section 2.2: an empty line before a request is none. */
	if (talk->count > 1 && choose(choices, 8) == 1)
		say(speech, "\r\n");
	head = speech->len;
	target = snprintf(text, sizeof(text), "/%u%0*d", talk->count, (int)choose_length(choices),
			  0);
	say(speech, "%s %s%s HTTP/1.%u\r\n", method, text, choose(choices, 2) ? "?a=b" : "",
	    version);
	event->path_len = event->target_len = target < HTTP_TARGET_MAX ? target : HTTP_TARGET_MAX;
	event->flags = target > HTTP_TARGET_MAX ? HTTP_PATH_TRUNCATED : 0;
	event->method_len = strlen(method);
	event->version = version + 1;
	memcpy(event->method, method, event->method_len);
	memcpy(event->target, text, event->path_len);
	say_other_fields(speech, choices);
	host = snprintf(text, sizeof(text), "h%u", talk->count);
	say(speech, "Host: %s\r\n", text);
	event->host_len = host;
	memcpy(event->host, text, host);
	say_rest(speech, choices,
		 strcmp(method, "CONNECT") ? choose(choices, FRAMING_CLOSE) : FRAMING_NONE, false,
		 head, &event->request_header_bytes, &event->request_body_bytes);
}

static void say_response(struct talk *talk, struct choices *choices, struct http_event *event,
			 uint16_t status, enum framing framing)
{
	struct speech *speech = &talk->speeches[SERVER];
	bool without_body = status == 204 || status == 304 || status == 101 ||
			    !memcmp(event->method, "HEAD", 4) ||
			    !memcmp(event->method, "CONNECT", 7);
	uint32_t head;

	for (uint32_t interim = choose(choices, 8); interim > 5; interim--)
		say(speech, "HTTP/1.1 %u Interim\r\nLink: x\r\n\r\n", interim == 7 ? 103 : 100);
	head = speech->len;
	say(speech, "HTTP/1.1 %u Reason\r\n", status);
	event->status = status;
	event->outcome = status == 101 ? HTTP_OUTCOME_UPGRADED : HTTP_OUTCOME_COMPLETE;
	say_rest(speech, choices, framing, without_body, head, &event->response_header_bytes,
		 &event->response_body_bytes);
}

/* Some requests, then as many responses. */
static void exchange(struct talk *talk, struct choices *choices)
{
	static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "PROPFIND"};
	static const uint16_t statuses[] = {200, 204, 304, 404, 500, 999};
	uint32_t first = talk->count, requests = 1;

	if (choose(choices, 4) == 1)
		requests += choose(choices, PIPELINED_MAX);

	for (uint32_t i = 0; i < requests; i++)
		say_request(talk, choices, methods[choose(choices, 5)]);
	end_flight(talk, CLIENT, 0);
	for (uint32_t i = 0; i < requests; i++)
		say_response(talk, choices, &talk->expected[first + i],
			     statuses[choose(choices, 6)], FRAMING_LENGTH + choose(choices, 2));
	end_flight(talk, SERVER, 0);
}

/* What follows is not HTTP any more. */
static void change_protocol(struct talk *talk, struct choices *choices, const char *method,
			    uint16_t status)
{
	say_request(talk, choices, method);
	end_flight(talk, CLIENT, 0);
	say_response(talk, choices, &talk->expected[talk->count - 1], status, FRAMING_NONE);
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
	say_response(talk, choices, &talk->expected[talk->count - 1], 200, FRAMING_CLOSE);
	end_flight(talk, SERVER, TH_FIN);
}

static bool has_room(const struct talk *talk)
{
	/* And one more, which ends it. */
	const uint32_t bytes = (PIPELINED_MAX + 1) * MESSAGE_MAX;

	return talk->count + PIPELINED_MAX < TALK_EXCHANGES &&
	       talk->speeches[CLIENT].len + bytes < TALK_BYTES &&
	       talk->speeches[SERVER].len + bytes < TALK_BYTES;
}

void talk_make(struct talk *talk, struct choices *choices)
{
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
