// SPDX-License-Identifier: Apache-2.0
/* Takes ThreadSanitizer's place: what the compiler reports of the subject's accesses goes to the explorer. */
#include "explore.h"

#define PLAIN(name, bytes, writes)                                                                 \
	void __tsan_##name(void *address)                                                          \
	{                                                                                          \
		explore_access(address, bytes, writes);                                            \
	}

#define PLAIN_SIZE(bytes)                                                                          \
	PLAIN(read##bytes, bytes, false)                                                           \
	PLAIN(write##bytes, bytes, true)                                                           \
	PLAIN(unaligned_read##bytes, bytes, false)                                                 \
	PLAIN(unaligned_write##bytes, bytes, true)

#define ATOMIC_SIZE(bits)                                                                          \
	__u##bits __tsan_atomic##bits##_fetch_add(__u##bits *word, __u##bits n, int order)         \
	{                                                                                          \
		(void)order;                                                                       \
		explore_access(word, sizeof(*word), true);                                         \
		*word += n;                                                                        \
		return *word - n;                                                                  \
	}                                                                                          \
	__u##bits __tsan_atomic##bits##_compare_exchange_val(__u##bits *word, __u##bits old,       \
							     __u##bits new, int order,             \
							     int failure_order)                    \
	{                                                                                          \
		__u##bits found;                                                                   \
                                                                                                   \
		(void)order, (void)failure_order;                                                  \
		explore_access(word, sizeof(*word), true);                                         \
		found = *word;                                                                     \
		if (found == old)                                                                  \
			*word = new;                                                               \
		return found;                                                                      \
	}

PLAIN_SIZE(1)
PLAIN_SIZE(2)
PLAIN_SIZE(4)
PLAIN_SIZE(8)
PLAIN_SIZE(16)
ATOMIC_SIZE(32)
ATOMIC_SIZE(64)

void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller)
{
	(void)caller;
}

void __tsan_func_exit(void)
{
}
