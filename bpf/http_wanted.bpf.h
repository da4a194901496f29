/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* Leaves out, before it is copied anywhere, what no subscriber and no exporter would take. */
#ifndef KERNELCAST_HTTP_WANTED_BPF_H
#define KERNELCAST_HTTP_WANTED_BPF_H

#include "events.h"
#include "platform.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, WANTED_SLOTS);
	__type(key, __u32);
	__type(value, struct http_wanted);
} http_wanted SEC(".maps");

/* The slot in use plus 1; 0: everything is wanted. Set at run time. */
volatile __u32 http_wanted_slot = 0;

static __always_inline bool http_net_has(const struct http_net *net, const __u8 *address)
{
	return (load64(address) & net->mask[0]) == net->address[0] &&
	       (load64(address + 8) & net->mask[1]) == net->address[1];
}

/* Returns 1 when somebody may want the transaction, which has ended. */
__noinline int http_is_wanted(const struct http_event *event)
{
	__u32 slot = http_wanted_slot - 1;
	const struct http_wanted *wanted = bpf_map_lookup_elem(&http_wanted, &slot);
	__u32 class;
	bool found;

	/* No such slot: everything is wanted. */
	if (!event || !wanted)
		return 1;
	class = event->status / 100;
	if (wanted->status_classes && !(wanted->status_classes >> (class < 5 ? class : 5) & 1))
		return 0;
	found = !wanted->port_count;
	for (__u32 i = 0; i < WANTED_PORTS_MAX && i < wanted->port_count; i++)
		found |= wanted->ports[i] == event->server_port;
	if (!found)
		return 0;
	found = !wanted->client_net_count;
	for (__u32 i = 0; i < WANTED_NETS_MAX && i < wanted->client_net_count; i++)
		found |= http_net_has(&wanted->client_nets[i], event->client_address);
	if (!found)
		return 0;
	found = !wanted->server_net_count;
	for (__u32 i = 0; i < WANTED_NETS_MAX && i < wanted->server_net_count; i++)
		found |= http_net_has(&wanted->server_nets[i], event->server_address);
	return found;
}

#endif
