/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a BPF program finds in the kernel, for one that is compiled into user space: included before it, once. There is
 * one CPU and one thread, and time is what native_now_ns says.
 */
#ifndef KERNELCAST_NATIVE_H
#define KERNELCAST_NATIVE_H

#include <errno.h>
#include <linux/bpf.h>

#include "../bpf/platform.bpf.h"
#include "native_map.h"

static __u64 native_now_ns;

/* Takes what bpf_perf_event_output() puts out; a negative errno refuses it. */
static long native_output(const void *data, __u64 size);

/* A definition as libbpf's macros make it: pointers whose types say everything and whose values are NULL. */
#define SEC(name)	    __attribute__((unused))
#define __uint(name, value) int(*name)[value]
#define __type(name, value) typeof(value) *name

/* Stands in for a definition that is only known as an address, as the batching library and callbacks have it. */
struct native_unknown {
	int (*type)[0], (*max_entries)[0];
	char *key, *value;
};

#define NATIVE_DEFINITION(map)                                                                     \
	((typeof(_Generic((map), void *                                                            \
			  : (struct native_unknown *)0, struct bpf_map *                           \
			  : (struct native_unknown *)0, default                                    \
			  : (map))))0)
#define NATIVE_UINT(map, name) (sizeof(*NATIVE_DEFINITION(map)->name) / sizeof(int))

/* The map behind a definition. What is only ever passed on as an address must have been named here before. */
#define NATIVE_MAP(map)                                                                            \
	native_map_of(map, NATIVE_UINT(map, type), sizeof(*NATIVE_DEFINITION(map)->key),           \
		      sizeof(*NATIVE_DEFINITION(map)->value), NATIVE_UINT(map, max_entries))

/* The maps that USM_EVENTS_INIT(name, ...) declares. */
#define NATIVE_STREAM(name)                                                                        \
	((void)NATIVE_MAP(&name##_state), (void)NATIVE_MAP(&name##_pages),                         \
	 (void)NATIVE_MAP(&name##_counters))

#define bpf_get_smp_processor_id()		  0u
#define bpf_ktime_get_ns()			  native_now_ns
#define bpf_map_lookup_elem(map, key)		  native_map_lookup(NATIVE_MAP(map), key)
#define bpf_map_lookup_percpu_elem(map, key, cpu) ((cpu) ? NULL : bpf_map_lookup_elem(map, key))
#define bpf_map_update_elem(map, key, value, flags)                                                \
	native_map_update(NATIVE_MAP(map), key, value, flags)
#define bpf_map_delete_elem(map, key) native_map_delete(NATIVE_MAP(map), key)
#define bpf_for_each_map_elem(map, callback, context, flags)                                       \
	native_map_for_each(NATIVE_MAP(map), map, callback, context)
#define bpf_perf_event_output(ctx, ring, flags, data, size) native_output(data, size)

#endif
