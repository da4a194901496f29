// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "say.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

uint32_t choose(struct choices *choices, uint32_t limit)
{
	if (!choices->left)
		return 0;
	choices->left--;
	return *choices->data++ % limit;
}

void say(struct speech *speech, const char *format, ...)
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

/* Bytes that look like what they are not, but for the first. */
static void say_any(struct speech *speech, uint32_t len)
{
	static const char text[] = "HTTP/1.1 200 OK\r\n\r\n0\r\n\r\nGET /no HTTP/1.1\r\n\r\n";

	for (uint32_t i = 0; i < len; i++) {
		speech->spare[speech->len] = true;
		speech->bytes[speech->len++] = text[i % (sizeof(text) - 1)];
	}
}

static uint32_t choose_length(struct choices *choices)
{
	static const uint32_t lengths[] = {0, 1, 5, 20, 100, 255, 256, 600, 1023, 1024, 1500};

	return lengths[choose(choices, COUNT_OF(lengths))];
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

/* Says a field that is reported, and what is to be reported of it. Returns the reported length. */
static uint8_t say_field(struct speech *speech, struct choices *choices, const char *name,
			 char *reported, uint32_t max)
{
	static const char *const forms[] = {"%s: %s\r\n", "%s:%s\n", "%s: \t %s  \r\n"};
	static const int lengths[] = {1, 55, 56, 63, 64, 65, 88, 89, 240, 256, 300};
	char text[512];
	int len = snprintf(text, sizeof(text), "%0*u", lengths[choose(choices, COUNT_OF(lengths))],
			   speech->len);

	say(speech, forms[choose(choices, COUNT_OF(forms))], name, text);
	if (len > max)
		len = max;
	memcpy(reported, text, len);
	return len;
}

static void say_known_fields(struct speech *speech, struct choices *choices,
			     struct http_event *event)
{
	uint32_t which = choose(choices, 16);

	event->host_len =
		say_field(speech, choices, which % 2 ? "Host" : "hOST", event->host, HTTP_HOST_MAX);
	if (which & 2)
		event->user_agent_len = say_field(speech, choices, "User-Agent", event->user_agent,
						  HTTP_USER_AGENT_MAX);
	if (which & 4)
		event->traceparent_len = say_field(speech, choices, "traceparent",
						   event->traceparent, HTTP_TRACEPARENT_MAX);
	if (which & 8)
		event->tracestate_len = say_field(speech, choices, "Tracestate", event->tracestate,
						  HTTP_TRACESTATE_MAX);
}

static struct body say_framing(struct speech *speech, struct choices *choices, enum framing framing)
{
	static const char *const codings[] = {"chunked", "Chunked ", "gzip, chunked",
					      "gzip,chunked"};
	struct body body = {framing, choose_length(choices)};

	if (framing == FRAMING_LENGTH)
		say(speech, "Content-Length: %s%u\r\n", choose(choices, 2) ? "00" : "", body.len);
	else if (framing == FRAMING_CHUNKED)
		say(speech, "Transfer-Encoding: %s\r\n",
		    codings[choose(choices, COUNT_OF(codings))]);
	return body;
}

static void say_chunks(struct speech *speech, struct choices *choices, __u64 *bytes)
{
	static const char *const sizes[] = {"%x\r\n", "%X;a=\"b\"\r\n", "000%x ; a\r\n", "%x\n"};

	for (uint32_t chunks = choose(choices, 5); chunks; chunks--) {
		uint32_t len = 1 + choose(choices, 255);

		say(speech, sizes[choose(choices, COUNT_OF(sizes))], len);
		say_any(speech, len);
		say(speech, "\r\n");
		*bytes += len;
	}
	say(speech, "0\r\n%s\r\n", choose(choices, 2) ? "Trailer: x\r\n" : "");
}

void say_body(struct speech *speech, struct choices *choices, struct body body, __u64 *bytes)
{
	if (body.framing == FRAMING_CHUNKED) {
		say_chunks(speech, choices, bytes);
	} else if (body.framing != FRAMING_NONE) {
		say_any(speech, body.len);
		*bytes += body.len;
	}
}

/* Says a target, and what is to be reported of it. */
static void say_target(struct speech *speech, struct choices *choices, bool query,
		       struct http_event *event)
{
	static const char *const forms[] = {"/%0*u", "http://h/%0*u", "*%0*u", "/%%20%0*u"};
	char text[2048];
	uint32_t len = snprintf(text, sizeof(text), forms[choose(choices, COUNT_OF(forms))],
				(int)choose_length(choices), speech->len);

	event->path_len = len < HTTP_TARGET_MAX ? len : HTTP_TARGET_MAX;
	event->flags = len > HTTP_TARGET_MAX ? HTTP_PATH_TRUNCATED : 0;
	if (choose(choices, 2))
		len += snprintf(text + len, sizeof(text) - len, "?a=b?/%0*u",
				(int)choose(choices, 32), 0);
	say(speech, "%s", text);
	event->target_len = event->path_len;
	if (query && !(event->flags & HTTP_PATH_TRUNCATED))
		event->target_len = len < HTTP_TARGET_MAX ? len : HTTP_TARGET_MAX;
	memcpy(event->target, text, event->target_len);
}

struct body say_request_head(struct speech *speech, struct choices *choices, struct request request,
			     struct http_event *event)
{
	uint32_t head = speech->len;
	struct body body;

	event->version = 1 + (choose(choices, 4) != 1);
	event->method_len = strlen(request.method);
	memcpy(event->method, request.method, event->method_len);
	say(speech, "%s ", request.method);
	say_target(speech, choices, request.query, event);
	say(speech, " HTTP/1.%u\r\n", event->version - 1);
	say_other_fields(speech, choices);
	say_known_fields(speech, choices, event);
	if (request.expects)
		say(speech, "Expect: 100-Continue\r\n");
	body = say_framing(speech, choices, request.framing);
	say_other_fields(speech, choices);
	say(speech, "\r\n");
	event->request_header_bytes = speech->len - head;
	return body;
}

void say_interim(struct speech *speech, uint16_t status)
{
	say(speech, "HTTP/1.1 %u Interim\r\nLink: x\r\n\r\n", status);
}

void say_response(struct speech *speech, struct choices *choices, uint16_t status,
		  enum framing framing, bool refuses, struct http_event *event)
{
	static const char *const reasons[] = {" Reason", " ", ""};
	bool without_body = status == 204 || status == 304 || status == 101 ||
			    !memcmp(event->method, "HEAD", 5) ||
			    !memcmp(event->method, "CONNECT", 8);
	uint32_t head;
	struct body body;

	/* After 100 the client would say its body. */
	for (uint32_t interim = choose(choices, 8); interim > 5; interim--)
		say_interim(speech, interim == 7 || refuses ? 103 : 100);
	head = speech->len;
	say(speech, "HTTP/1.%u %u%s\r\n", choose(choices, 4) != 1, status,
	    reasons[choose(choices, COUNT_OF(reasons))]);
	event->status = status;
	event->outcome = status == 101 ? HTTP_OUTCOME_UPGRADED : HTTP_OUTCOME_COMPLETE;
	body = say_framing(speech, choices, framing);
	say_other_fields(speech, choices);
	say(speech, "\r\n");
	event->response_header_bytes = speech->len - head;
	if (!without_body)
		say_body(speech, choices, body, &event->response_body_bytes);
}
