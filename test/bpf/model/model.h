/* SPDX-License-Identifier: Apache-2.0 */
/* What the explorer and the code under test know of each other: bpf/batch.bpf.h, on kernel helpers of our own. */
#ifndef KERNELCAST_MODEL_H
#define KERNELCAST_MODEL_H

#include <linux/bpf.h>

#include "../../../bpf/platform.bpf.h"

/* An event that gives itself away when it is torn. */
struct model_event {
	__u64 id;
	__u64 check;
};

/* The explorer's part. All may be interrupted, the output and the copy also half-way. */
void *model_lookup(const void *map, __u32 index);
long model_output(const void *data, __u64 size);
void model_copy(void *to, const void *from, __u64 size);

/* The subject's part. */
int subject_enqueue(const struct model_event *event);
int subject_flush(void);
int subject_barrier(void);
extern const void *const subject_state, *const subject_pages, *const subject_counters;

#define SEC(name)					  __attribute__((unused))
#define __uint(name, value)				  int(*name)[value]
#define __type(name, value)				  typeof(value) *name
#define bpf_get_smp_processor_id()			  0u
#define bpf_map_lookup_elem(map, key)			  model_lookup(map, *(key))
#define bpf_map_lookup_percpu_elem(map, key, cpu)	  ((void)(cpu), model_lookup(map, *(key)))
#define bpf_perf_event_output(ctx, ring, cpu, data, size) model_output(data, size)
#define __builtin_memcpy(to, from, size)		  model_copy(to, from, size)

#include "../../../bpf/batch.bpf.h"

#undef __builtin_memcpy

#endif
