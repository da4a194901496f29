/* SPDX-License-Identifier: Apache-2.0 */
/* What every event must be, whatever the traffic was. */
#ifndef KERNELCAST_FUZZ_EVENT_FAULT_H
#define KERNELCAST_FUZZ_EVENT_FAULT_H

#include "../../../bpf/events.h"

struct event_limits {
	__u64 first_ns, last_ns; /* when there was traffic */
	__u32 path_max, head_max;
	bool query;
};

/* Returns NULL, or what is wrong. */
const char *event_fault(const struct http_event *event, const struct event_limits *limits);

#endif
