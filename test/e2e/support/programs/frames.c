// SPDX-License-Identifier: Apache-2.0
/* Sends frames as they are: frames DEVICE FILE, with a frame a line in the file, in hexadecimal. */
#include <arpa/inet.h>
#include <err.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	FRAME_MAX = 2048
};

int main(int argc, char **argv)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	unsigned char frame[FRAME_MAX];
	char line[2 * FRAME_MAX + 2];
	FILE *file = argc == 3 ? fopen(argv[2], "r") : NULL;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (!file || fd < 0)
		err(EXIT_FAILURE, "usage: frames DEVICE FILE");
	address.sll_ifindex = if_nametoindex(argv[1]);
	while (fgets(line, sizeof(line), file)) {
		size_t len = 0;

		while (len < FRAME_MAX && sscanf(line + 2 * len, "%2hhx", frame + len) == 1)
			len++;
		/* What the link says it carries is what the frame says, as with any sender. */
		address.sll_protocol = htons(frame[12] << 8 | frame[13]);
		if (sendto(fd, frame, len, 0, (struct sockaddr *)&address, sizeof(address)) < 0)
			err(EXIT_FAILURE, "%s", argv[1]);
	}
	return EXIT_SUCCESS;
}
