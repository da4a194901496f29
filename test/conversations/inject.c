// SPDX-License-Identifier: Apache-2.0
/* The player that is a wire: each frame is sent as it is on a device, its argument, and nothing is ever seen. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>

#include "player.h"

static int wire;

/* What is sent here is received on the same CPU, so that all is seen in the order in which it was sent. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		player_fail("cannot stay on a CPU");
}

void player_open(int count, char **arguments)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};

	if (count != 2)
		player_fail("argument: a device");
	stay_on_this_cpu();
	address.sll_ifindex = if_nametoindex(arguments[1]);
	/* Protocol 0: nothing is received. */
	wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (!address.sll_ifindex || wire < 0)
		player_fail(arguments[1]);
	if (bind(wire, (struct sockaddr *)&address, sizeof(address)) < 0)
		player_fail(arguments[1]);
}

void player_packet(const uint8_t *frame, uint32_t size, uint64_t now_ns)
{
	(void)now_ns;
	if (send(wire, frame, size, 0) != (ssize_t)size)
		player_fail("cannot send a frame");
}

void player_silence(bool is_long, uint64_t now_ns)
{
	(void)is_long, (void)now_ns;
}

void player_forget(void)
{
}

const void *player_look(struct answer *answer)
{
	return answer;
}
