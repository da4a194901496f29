// SPDX-License-Identifier: Apache-2.0
/*
 * A cable between two networks: a tun device in each, and this process in between, which does to packets what a bad
 * line does, by a rule and not by chance.
 *
 *   link PID DEVICE PID DEVICE [tap] [drop=N] [twice=N] [late=N]
 *
 * PID: a process in the network. tap: Ethernet devices instead. Of the packets with TCP payload, counted by direction,
 * each Nth is lost; or comes again behind the next one; or comes only behind the next two, or when the line was silent.
 * Prints "up" when the devices are there.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	PACKET_MAX = 65536 + 14,
	ETHERNET_HEADER = 14,
	TCP = 6,
	SILENCE_MILLIS = 5,
};

/* What comes out of a device and goes into the other one. */
struct direction {
	unsigned long packets; /* with payload */
	unsigned char held[PACKET_MAX];
	size_t held_len;
	unsigned behind; /* packets with payload that go before the held one */
};

static struct rules {
	bool tap;
	unsigned long drop, twice, late;
} rules;

static int open_device(const char *pid, const char *name)
{
	struct ifreq request = {.ifr_flags = (rules.tap ? IFF_TAP : IFF_TUN) | IFF_NO_PI};
	char path[64];
	int network, fd;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	network = open(path, O_RDONLY);
	if (network < 0 || setns(network, CLONE_NEWNET))
		err(EXIT_FAILURE, "%s", path);
	close(network);
	fd = open("/dev/net/tun", O_RDWR);
	strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		err(EXIT_FAILURE, "/dev/net/tun");
	return fd;
}

static bool has_payload(const unsigned char *packet, size_t len)
{
	size_t ip = rules.tap ? ETHERNET_HEADER : 0, tcp, total;

	if (len < ip + 40)
		return false;
	packet += ip;
	if (packet[0] >> 4 == 4 && packet[9] == TCP) {
		tcp = (packet[0] & 15) * 4;
		total = packet[2] << 8 | packet[3];
	} else if (packet[0] >> 4 == 6 && packet[6] == TCP) {
		tcp = 40;
		total = (packet[4] << 8 | packet[5]) + tcp;
	} else {
		return false;
	}
	return tcp + 13 < len - ip && total > tcp + (packet[tcp + 12] >> 4) * 4;
}

/* A device that is down takes none: lost, as on any line. */
static void put(int fd, const unsigned char *packet, size_t len)
{
	if (write(fd, packet, len) < 0)
		return;
}

static void release(struct direction *direction, int to)
{
	if (direction->held_len)
		put(to, direction->held, direction->held_len);
	direction->held_len = 0;
}

static void hold(struct direction *direction, const unsigned char *packet, size_t len,
		 unsigned behind)
{
	memcpy(direction->held, packet, len);
	direction->held_len = len;
	direction->behind = behind;
}

static bool is_each(unsigned long n, unsigned long count)
{
	return n && count % n == 0;
}

static void forward(struct direction *direction, int to, const unsigned char *packet, size_t len)
{
	if (!has_payload(packet, len)) {
		put(to, packet, len);
		return;
	}
	direction->packets++;
	if (is_each(rules.drop, direction->packets))
		return;
	if (is_each(rules.late, direction->packets) && !direction->held_len) {
		hold(direction, packet, len, 2);
		return;
	}
	put(to, packet, len);
	if (direction->held_len && !--direction->behind)
		release(direction, to);
	else if (is_each(rules.twice, direction->packets) && !direction->held_len)
		hold(direction, packet, len, 1);
}

static unsigned long number(const char *argument, const char *name)
{
	size_t len = strlen(name);

	return strncmp(argument, name, len) ? 0 : strtoul(argument + len, NULL, 10);
}

int main(int argc, char **argv)
{
	/* Of what comes out of end 0, and of what comes out of end 1. */
	static struct direction directions[2];
	static unsigned char packet[PACKET_MAX];
	struct pollfd ends[2] = {{.events = POLLIN}, {.events = POLLIN}};

	if (argc < 5)
		errx(EXIT_FAILURE,
		     "usage: link PID DEVICE PID DEVICE [tap] [drop=N] [twice=N] [late=N]");
	for (int i = 5; i < argc; i++) {
		rules.tap |= !strcmp(argv[i], "tap");
		rules.drop += number(argv[i], "drop=");
		rules.twice += number(argv[i], "twice=");
		rules.late += number(argv[i], "late=");
	}
	for (int i = 0; i < 2; i++)
		ends[i].fd = open_device(argv[1 + 2 * i], argv[2 + 2 * i]);
	puts("up");
	fflush(stdout);
	for (;;) {
		bool holds = directions[0].held_len || directions[1].held_len;

		if (poll(ends, 2, holds ? SILENCE_MILLIS : -1) == 0)
			for (int i = 0; i < 2; i++)
				release(&directions[i], ends[!i].fd);
		for (int i = 0; i < 2; i++) {
			if (!(ends[i].revents & POLLIN))
				continue;
			ssize_t len = read(ends[i].fd, packet, sizeof(packet));
			if (len > 0)
				forward(&directions[i], ends[!i].fd, packet, len);
		}
	}
}
