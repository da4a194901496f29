// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "taps.h"

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

enum {
	CLOSERS_MAX = 64,
};

/* The filter is attached before the socket is bound, and protocol 0 hears nothing, so no packet is ever queued. */
static int make_socket(int filter_fd)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &filter_fd, sizeof(filter_fd)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* The device that a socket is bound to, as the kernel has it now: sll_ifindex is -1 when that device is gone. */
static struct sockaddr_ll bound_to(int fd)
{
	struct sockaddr_ll address = {.sll_ifindex = -1};
	socklen_t size = sizeof(address);

	getsockname(fd, (struct sockaddr *)&address, &size);
	return address;
}

/*
 * SOCK_DGRAM: the filter's data begins at the network header whatever the device's link layer, in both directions.
 *
 * ETH_P_ALL, on one device: such taps see an incoming packet before the IP layer does, so the filter is done with a
 * response before the client can answer it. A tap on a device for ETH_P_IP alone is run after the IP layer
 * (__netif_receive_skb_core, ptype_specific): then the next request may be met first, on another CPU.
 *
 * A device that is down is heard from when it comes up (packet_notifier).
 *
 * lo shows each packet twice, going out and coming in; there the outgoing one is left out, before the packet is cloned.
 */
static int bind_to(int fd, int ifindex)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons(ETH_P_ALL),
				      .sll_ifindex = ifindex};

	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	int ignore = bound_to(fd).sll_hatype == ARPHRD_LOOPBACK;
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &ignore, sizeof(ignore)) < 0)
		return -errno;
	return 0;
}

static struct tap *find_tap(struct taps *taps, int ifindex)
{
	for (size_t i = 0; i < taps->count; i++)
		if (taps->list[i].ifindex == ifindex)
			return &taps->list[i];
	return NULL;
}

static struct tap *add_tap(struct taps *taps, int *err)
{
	struct tap *list = realloc(taps->list, (taps->count + 1) * sizeof(*list));
	int fd;

	*err = -ENOMEM;
	if (!list)
		return NULL;
	taps->list = list;
	*err = fd = make_socket(taps->filter_fd);
	if (fd < 0)
		return NULL;
	*err = 0;
	taps->opened++;
	taps->list[taps->count] = (struct tap){.fd = fd};
	return &taps->list[taps->count++];
}

/*
 * Brings one device's socket in line with whether the device is there; that it is not is no error. The kernel is asked,
 * since a device may have gone and come back, or another with its number, before its messages are read.
 */
static int look_at(struct taps *taps, int ifindex)
{
	struct tap *tap = find_tap(taps, ifindex);
	int err = 0;

	if (tap && bound_to(tap->fd).sll_ifindex == ifindex)
		return 0;
	if (tap)
		tap->ifindex = 0;
	tap = find_tap(taps, 0) ?: add_tap(taps, &err);
	if (tap)
		err = bind_to(tap->fd, ifindex);
	if (tap && !err)
		tap->ifindex = ifindex;
	if (!err || err == -ENODEV)
		return 0;
	taps->incomplete = true;
	taps->refused++;
	return err;
}

int taps_refresh(struct taps *taps)
{
	struct if_nameindex *devices = if_nameindex();
	int first_error = 0, err;

	taps->incomplete = !devices;
	if (!devices)
		return -errno;
	for (size_t i = 0; i < taps->count; i++)
		if (bound_to(taps->list[i].fd).sll_ifindex != taps->list[i].ifindex)
			taps->list[i].ifindex = 0;
	for (struct if_nameindex *device = devices; device->if_index; device++) {
		err = look_at(taps, device->if_index);
		first_error = first_error ?: err;
	}
	if_freenameindex(devices);
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

/*
 * A notification is one message, and its beginning names the device; recv() leaves out the rest. What happened is not
 * asked: a bridge's port that goes is told of in the words of a device that goes (br_ifinfo_notify).
 */
void taps_follow(struct taps *taps)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg device;
	} message;
	bool overrun = false;
	ssize_t len;

	for (;;) {
		len = recv(taps->netlink_fd, &message, sizeof(message), 0);
		if (len == sizeof(message) && message.device.ifi_index > 0) {
			look_at(taps, message.device.ifi_index);
		} else if (len < 0 && errno == ENOBUFS) {
			overrun = true; /* messages were lost */
		} else if (len < 0 && errno != EINTR) {
			break;
		}
	}
	if (overrun)
		taps_refresh(taps);
}

static void *close_some(void *argument)
{
	struct taps *taps = argument;
	size_t i;

	while ((i = __atomic_fetch_add(&taps->closed, 1, __ATOMIC_RELAXED)) < taps->count)
		close(taps->list[i].fd);
	return NULL;
}

/* Several at a time: each close waits until no CPU can be in the tap any more (packet_release), some 10 ms. */
static void close_all(struct taps *taps)
{
	pthread_t threads[CLOSERS_MAX];
	size_t started = 0;

	taps->closed = 0;
	while (started < CLOSERS_MAX && started + 1 < taps->count &&
	       pthread_create(&threads[started], NULL, close_some, taps) == 0)
		started++;
	close_some(taps);
	while (started)
		pthread_join(threads[--started], NULL);
}

void taps_free(struct taps *taps)
{
	close_all(taps);
	free(taps->list);
	if (taps->netlink_fd > 0)
		close(taps->netlink_fd);
	taps->list = NULL;
	taps->count = 0;
	taps->netlink_fd = -1;
}
