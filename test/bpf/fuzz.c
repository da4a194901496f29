// SPDX-License-Identifier: Apache-2.0
/*
 * A libFuzzer target: bytes become a conversation, whose events must hold to what every event must be. The input is a
 * row of packets, each a head of three bytes and its payload:
 *
 *   flags: bit 0 sender, 1 FIN, 2 RST, 3 SYN, 4 twice, 5 before what is due (overlap), 6 behind it (gap), 7 cut in two
 *   length: of the payload, 0..255; a number: by how much it is before or behind, or where it is cut
 */
#include <stdint.h>

#include "conversation.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	SHORTEST_REQUEST = sizeof("A / HTTP/1.1\n\n") - 1,
};

static unsigned long conversations, events;

static void report(void)
{
	printf("fuzz: %lu conversations, %lu events\n", conversations, events);
}

static void stop_unless(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	__builtin_trap();
}

static void check_event(const struct http_event *event)
{
	const char *fault = event_fault(event);

	if (fault)
		stop_unless(false, fault);
}

static void check_connection(const struct http_conn *conn)
{
	for (int role = 0; role < 2; role++) {
		const struct http_flow *flow = &conn->flow[role];

		stop_unless(flow->carry_len <= HTTP_CARRY, "carry_len is beyond carry");
		stop_unless(flow->state <= FLOW_OPAQUE, "a state without a name");
		stop_unless(flow->head_bytes <= HTTP_HEAD_MAX, "a head that should be refused");
	}
	stop_unless(conn->open <= 1 && conn->client <= 1 && conn->fin < 4, "conn is out of range");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return atexit(report);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conversation talk;
	__u64 delivered = 0;

	if (!size)
		return 0;
	http_capture_query = data[0] & 1;
	conversation_begin(&talk, data[0] >> 1 & 1, (__u32)data[0] << 24, -data[0]);
	data++, size--;
	while (size >= 3) {
		__u8 how = data[0], number = data[2];
		__u32 len = data[1] < size - 3 ? data[1] : size - 3;
		enum http_role role = how & 1;
		__u8 flags =
			(how & 2 ? TCP_FIN : 0) | (how & 4 ? TCP_RST : 0) | (how & 8 ? TCP_SYN : 0);
		__u32 seq = talk.next_seq[role], first = how & 0x80 ? number % (len + 1) : len;

		if (how & 0x20)
			seq -= number;
		else if (how & 0x40)
			seq += number;
		for (int copy = 0; copy <= (how >> 4 & 1); copy++) {
			conversation_deliver(&talk, role, seq, data + 3, first, flags);
			if (first < len)
				conversation_deliver(&talk, role, seq + first, data + 3 + first,
						     len - first, flags);
			delivered += len;
			if (talk.known)
				check_connection(talk.conn);
		}
		talk.next_seq[role] = seq + len;
		data += 3 + len, size -= 3 + len;
	}
	for (__u32 i = 0; i < talk.count && i < EVENTS_KEPT; i++)
		check_event(&talk.events[i]);
	stop_unless(talk.count * SHORTEST_REQUEST <= delivered, "more events than requests");
	conversations++;
	events += talk.count;
	return 0;
}
