// SPDX-License-Identifier: Apache-2.0
#include <stdbool.h>
#include <string.h>

#include "event_fault.h"

static bool is_zero(const void *bytes, size_t len)
{
	static const char zeros[HTTP_TARGET_MAX];

	return !memcmp(bytes, zeros, len);
}

/* Zero behind its length. A field's value is of one line. */
static bool is_text(const char *text, size_t len, size_t max)
{
	return len <= max && is_zero(text + len, max - len) && !memchr(text, '\n', len);
}

static const char *text_fault(const struct http_event *event)
{
	if (!event->method_len || !is_text(event->method, event->method_len, HTTP_METHOD_MAX) ||
	    memchr(event->method, ' ', event->method_len))
		return "method";
	if (!is_text(event->target, event->target_len, HTTP_TARGET_MAX))
		return "target";
	if (!is_text(event->host, event->host_len, HTTP_HOST_MAX))
		return "host";
	if (!is_text(event->user_agent, event->user_agent_len, HTTP_USER_AGENT_MAX))
		return "user_agent";
	if (!is_text(event->traceparent, event->traceparent_len, HTTP_TRACEPARENT_MAX))
		return "traceparent";
	if (!is_text(event->tracestate, event->tracestate_len, HTTP_TRACESTATE_MAX))
		return "tracestate";
	return is_zero(event->pad, sizeof(event->pad)) ? NULL : "pad";
}

static const char *target_fault(const struct http_event *event, const struct event_limits *limits)
{
	bool truncated = event->flags & HTTP_PATH_TRUNCATED;

	if (event->path_len > event->target_len || event->path_len > limits->path_max)
		return "path_len";
	if (memchr(event->target, '?', event->path_len))
		return "a query in the path";
	if (event->path_len != event->target_len &&
	    (!limits->query || truncated || event->target[event->path_len] != '?'))
		return "a query that nobody asked for";
	if (truncated && event->path_len != limits->path_max)
		return "a path that was cut too early";
	return NULL;
}

static const char *outcome_fault(const struct http_event *event, const struct event_limits *limits)
{
	__u16 status = event->status;

	if (event->version > 2 || event->outcome > HTTP_OUTCOME_UPGRADED ||
	    event->flags & ~HTTP_PATH_TRUNCATED)
		return "an enum without a name";
	if (status && status != 101 && (status < 200 || status > 999))
		return "status";
	if (event->outcome == HTTP_OUTCOME_COMPLETE && status < 200)
		return "complete without a final status";
	if ((event->outcome == HTTP_OUTCOME_UPGRADED) != (status == 101))
		return "upgraded without 101, or the other way";
	if (event->request_header_bytes > limits->head_max ||
	    event->response_header_bytes > limits->head_max)
		return "a head that should be refused";
	if (!status && (event->response_body_bytes || event->response_header_bytes))
		return "bytes of a response that did not come";
	return NULL;
}

static const char *time_fault(const struct http_event *event, const struct event_limits *limits)
{
	if (event->start_ns < limits->first_ns || event->end_ns > limits->last_ns)
		return "a time of no packet";
	if (event->end_ns < event->start_ns)
		return "the end before the start";
	if (event->first_byte_ns &&
	    (event->first_byte_ns < event->start_ns || event->first_byte_ns > event->end_ns))
		return "first_byte_ns outside the transaction";
	if (event->status && !event->first_byte_ns)
		return "a status without first_byte_ns";
	return NULL;
}

const char *event_fault(const struct http_event *event, const struct event_limits *limits)
{
	const char *fault = text_fault(event);

	fault = fault ?: target_fault(event, limits);
	fault = fault ?: outcome_fault(event, limits);
	return fault ?: time_fault(event, limits);
}
