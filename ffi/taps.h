/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets that carry the filter, one on each device of the network namespace; each packet of lo is filtered once. */
#ifndef KERNELCAST_TAPS_H
#define KERNELCAST_TAPS_H

#include <stdbool.h>
#include <stddef.h>

struct tap {
	int fd;
	int ifindex;
	bool seen;
};

struct taps {
	int filter_fd;
	int netlink_fd; /* readable when devices came or went */
	struct tap *list;
	size_t count;
	size_t opened; /* ever */
};

int taps_init(struct taps *taps, int filter_fd);

/* Brings the sockets in line with the devices there are. Returns 0, or the first error while carrying on. */
int taps_refresh(struct taps *taps);

/* Empties netlink_fd; then call taps_refresh(). */
void taps_drain_netlink(struct taps *taps);

void taps_free(struct taps *taps);

#endif
