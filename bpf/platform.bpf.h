/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The few primitives the library and the parser stand on, for the BPF target and, so that the very same code runs in
 * tests and over captures, for the native one.
 */
#ifndef KERNELCAST_PLATFORM_BPF_H
#define KERNELCAST_PLATFORM_BPF_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

#define READ_ONCE(x)	 (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* Atomic between contexts of one CPU and between CPUs. The value-returning form needs Linux 5.12 and -mcpu=v3. */
#define atomic_add(p, n)	((void)__sync_fetch_and_add((p), (n)))
#define atomic_cas(p, old, new) __sync_val_compare_and_swap((p), (old), (new))

/* A setting is written before load; natively it is a variable. */
#ifdef __bpf__
#define setting const volatile
#else
#define setting volatile
#endif

/* Keeps the compiler from moving memory accesses across; one CPU sees its own accesses in program order. */
#define compiler_barrier() asm volatile("" ::: "memory")

#ifdef __bpf__

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

/* Hides a value's origin from the compiler, so that a bounds check stays right before the access it guards. */
#define opaque(x) asm volatile("" : "+r"(x))

/* len may vary, 0 < len; the verifier sees that `to` has room for it. */
#define memory_copy(to, len, from) bpf_probe_read_kernel(to, len, from)

/* Unaligned load; the in-tree JITs and the verifier allow it on map values. */
static __always_inline __u64 load64(const void *p)
{
	return *(const __u64 *)p;
}

#else

#include <string.h>
#include <endian.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#define opaque(x)		   ((void)(x))
#define memory_copy(to, len, from) memcpy(to, from, len)
#define bpf_ntohs(x)		   be16toh(x)
#define bpf_ntohl(x)		   be32toh(x)
#define bpf_htonl(x)		   htobe32(x)

static __always_inline __u64 load64(const void *p)
{
	__u64 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

#endif
#endif
