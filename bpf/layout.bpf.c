// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* Compiled for its BTF only, never loaded: a type appears there only if something names it. */
#include "events.h"

const enum text_limits *anchor_text_limits __attribute__((unused));
const enum protocol *anchor_protocol __attribute__((unused));
const enum http_outcome *anchor_http_outcome __attribute__((unused));
const enum http_flags *anchor_http_flags __attribute__((unused));
const enum drop_reason *anchor_drop_reason __attribute__((unused));
const enum refuse_reason *anchor_refuse_reason __attribute__((unused));
const enum wanted_limits *anchor_wanted_limits __attribute__((unused));
const struct http_wanted *anchor_http_wanted __attribute__((unused));
const struct http_net *anchor_http_net __attribute__((unused));
const struct batch *anchor_batch __attribute__((unused));
const struct counters *anchor_counters __attribute__((unused));
const struct http_event *anchor_http_event __attribute__((unused));
const enum tcp_outcome *anchor_tcp_outcome __attribute__((unused));
const enum tcp_role *anchor_tcp_role __attribute__((unused));
const struct tcp_event *anchor_tcp_event __attribute__((unused));
