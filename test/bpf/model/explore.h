/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNELCAST_EXPLORE_H
#define KERNELCAST_EXPLORE_H

#include "model.h"

/* Called before each access of the subject. Returns when the schedule says that it is to happen. */
void explore_access(const void *address, __u32 bytes, bool writes);

#endif
