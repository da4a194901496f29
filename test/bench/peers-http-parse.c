// SPDX-License-Identifier: Apache-2.0
/*
 * Prints the first line of each packet that peers-http-parse.bpf.c lets through, until it is ended. BCC's example does the
 * same in Python, for more CPU time.
 *
 *	http-parse OBJECT DEVICE
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* As much of a packet as BCC's reads. */
#define READ_BYTES 2048

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static int attached_socket(const char *object_file, const char *device)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex(device),
	};
	struct bpf_object *object = bpf_object__open_file(object_file, NULL);
	struct bpf_program *program;
	int filter_fd, socket_fd;

	if (!object || bpf_object__load(object))
		return -1;
	program = bpf_object__find_program_by_name(object, "http_parse");
	filter_fd = bpf_program__fd(program);
	/* Without a protocol until the filter is attached, so that no packet comes by it. */
	socket_fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (socket_fd < 0 ||
	    setsockopt(socket_fd, SOL_SOCKET, SO_ATTACH_BPF, &filter_fd, sizeof(filter_fd)) ||
	    bind(socket_fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	return socket_fd;
}

static void print_first_line(const unsigned char *packet, size_t len)
{
	size_t payload_at = ETH_HLEN + (packet[ETH_HLEN] & 0x0f) * 4;
	const unsigned char *line, *end;

	payload_at += (packet[payload_at + 12] >> 4) * 4;
	line = packet + payload_at;
	end = memchr(line, '\r', len - payload_at);
	fwrite(line, 1, end ? (size_t)(end - line) : len - payload_at, stdout);
	putchar('\n');
}

int main(int argc, char **argv)
{
	/* Not SA_RESTART: the read that waits is to return. */
	struct sigaction action = {.sa_handler = end};
	unsigned char packet[READ_BYTES];
	int socket_fd;
	ssize_t len;

	if (argc != 3)
		return 2;
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	socket_fd = attached_socket(argv[1], argv[2]);
	if (socket_fd < 0) {
		fprintf(stderr, "http-parse: cannot attach to %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	fputs("attached\n", stderr);
	while (!ended) {
		len = read(socket_fd, packet, sizeof(packet));
		if (len > 0)
			print_first_line(packet, len);
	}
	return fflush(stdout) ? 1 : 0;
}
