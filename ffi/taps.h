/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets that carry the filter, one on each device of the network namespace; each packet of lo is filtered once. */
#ifndef KERNELCAST_TAPS_H
#define KERNELCAST_TAPS_H

#include <stdbool.h>
#include <stddef.h>

struct tap {
	int fd;
	int ifindex; /* 0: its device went; the next one that comes gets the socket, for closing it takes long */
};

struct taps {
	int filter_fd;
	int netlink_fd; /* readable when devices came, went or changed */
	struct tap *list;
	size_t count;
	size_t closed;
	size_t opened;	/* ever */
	size_t refused; /* tries that failed, ever */
	bool incomplete; /* a device has no socket, for want of memory or descriptors: refresh again later */
};

int taps_init(struct taps *taps, int filter_fd);

/* Brings the sockets in line with the devices there are. Returns 0, or the first error while carrying on. */
int taps_refresh(struct taps *taps);

/* Reads netlink_fd until it is empty and looks at the devices that it names. */
void taps_follow(struct taps *taps);

void taps_free(struct taps *taps);

#endif
