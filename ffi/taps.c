// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "taps.h"

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

/*
 * The filter is attached before the socket is bound, and protocol 0 hears nothing, so no packet is ever queued.
 * SOCK_DGRAM: the filter's data begins at the network header whatever the device's link layer, in both directions.
 *
 * ETH_P_ALL, on one device: such taps see an incoming packet before the IP layer does, so the filter is done with a
 * response before the client can answer it. A tap on a device for ETH_P_IP alone is run after the IP layer
 * (__netif_receive_skb_core, ptype_specific): then the next request may be met first, on another CPU.
 *
 * lo shows each packet twice, going out and coming in; there the outgoing one is left out, before the packet is cloned.
 */
static int tap_open(int filter_fd, int ifindex, bool loopback)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_ALL),
				      .sll_ifindex = ifindex};
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), ignore = loopback;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &filter_fd, sizeof(filter_fd)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &ignore, sizeof(ignore)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

static int tap_add(struct taps *taps, int ifindex, bool loopback)
{
	struct tap *list = realloc(taps->list, (taps->count + 1) * sizeof(*list));
	int fd;

	if (!list)
		return -ENOMEM;
	taps->list = list;
	fd = tap_open(taps->filter_fd, ifindex, loopback);
	if (fd < 0)
		return fd;
	taps->list[taps->count++] = (struct tap){.fd = fd, .ifindex = ifindex, .seen = true};
	taps->opened++;
	return 0;
}

static bool is_loopback(int fd, const char *name)
{
	struct ifreq request = {};

	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	return ioctl(fd, SIOCGIFFLAGS, &request) == 0 && request.ifr_flags & IFF_LOOPBACK;
}

static bool mark_known(struct taps *taps, int ifindex)
{
	bool known = false;

	for (size_t i = 0; i < taps->count; i++)
		if (taps->list[i].ifindex == ifindex)
			taps->list[i].seen = known = true;
	return known;
}

/* A device's sockets fall silent when it goes; they are only closed here. */
static void drop_unseen(struct taps *taps)
{
	size_t kept = 0;

	for (size_t i = 0; i < taps->count; i++) {
		if (taps->list[i].seen)
			taps->list[kept++] = taps->list[i];
		else
			close(taps->list[i].fd);
	}
	taps->count = kept;
}

int taps_refresh(struct taps *taps)
{
	struct if_nameindex *devices = if_nameindex();
	int first_error = 0, err;

	if (!devices)
		return -errno;
	for (size_t i = 0; i < taps->count; i++)
		taps->list[i].seen = false;
	for (struct if_nameindex *device = devices; device->if_index; device++) {
		if (mark_known(taps, device->if_index))
			continue;
		err = tap_add(taps, device->if_index,
			      is_loopback(taps->netlink_fd, device->if_name));
		/* A device that went meanwhile is no error. */
		if (err && err != -ENODEV && err != -ENXIO && !first_error)
			first_error = err;
	}
	if_freenameindex(devices);
	drop_unseen(taps);
	return first_error;
}

int taps_init(struct taps *taps, int filter_fd)
{
	struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

	memset(taps, 0, sizeof(*taps));
	taps->filter_fd = filter_fd;
	taps->netlink_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (taps->netlink_fd < 0)
		return -errno;
	if (bind(taps->netlink_fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return taps_refresh(taps);
}

void taps_drain_netlink(struct taps *taps)
{
	char buffer[8192];

	/* ENOBUFS means that messages were lost; the refresh that follows looks at everything anyway. */
	while (recv(taps->netlink_fd, buffer, sizeof(buffer), 0) > 0 || errno == ENOBUFS)
		errno = 0;
}

void taps_free(struct taps *taps)
{
	for (size_t i = 0; i < taps->count; i++)
		close(taps->list[i].fd);
	free(taps->list);
	if (taps->netlink_fd > 0)
		close(taps->netlink_fd);
	taps->list = NULL;
	taps->count = 0;
	taps->netlink_fd = -1;
}
