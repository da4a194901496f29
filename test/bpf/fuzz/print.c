// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>

#include "print.h"
#include "subject.h"

enum {
	SHOWN_BYTES = 4096
};

static const char *const names[] = {
	[ACTION_PACKET] = "packet",
	[ACTION_SILENCE] = "silence",
	[ACTION_LONG_SILENCE] = "long silence",
	[ACTION_SECOND] = "second",
	[ACTION_FLUSH] = "flush",
	[ACTION_REFUSE] = "refuse",
	[ACTION_FORGET] = "forget",
	[ACTION_PAUSE] = "pause",
};

static void print_bytes(const void *bytes, uint32_t len)
{
	const uint8_t *at = bytes;

	for (uint32_t i = 0; i < len && i < SHOWN_BYTES; i++) {
		if (at[i] == '\r' || at[i] == '\n')
			fputs(at[i] == '\r' ? "\\r" : "\\n", stdout);
		else if (isprint(at[i]))
			putchar(at[i]);
		else
			printf("\\x%02x", at[i]);
	}
}

static uint32_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static void print_tcp(const uint8_t *ip, bool ipv6, const uint8_t *end)
{
	const uint8_t *tcp = ipv6 ? ip + 40 : ip + (ip[0] & 15) * 4;

	if (end - tcp < 20)
		return;
	/* The last byte of an address is enough to tell them apart. */
	printf(" .%u:%u > .%u:%u seq %u ack %u %s%s%s%s ", ipv6 ? ip[23] : ip[15], get16(tcp),
	       ipv6 ? ip[39] : ip[19], get16(tcp + 2), get16(tcp + 4) << 16 | get16(tcp + 6),
	       get16(tcp + 8) << 16 | get16(tcp + 10), tcp[13] & TH_SYN ? "S" : "",
	       tcp[13] & TH_FIN ? "F" : "", tcp[13] & TH_RST ? "R" : "",
	       tcp[13] & TH_ACK ? "." : "");
	tcp += (tcp[12] >> 4) * 4;
	if (tcp < end)
		print_bytes(tcp, end - tcp);
}

static void print_packet(const struct action *action)
{
	const uint8_t *ip = action->bytes, *end = ip + action->len;
	uint16_t ethertype = action->ethertype;

	printf(" %u bytes, ethertype %04x", action->len, ethertype);
	for (; (ethertype == 0x8100 || ethertype == 0x88a8) && end - ip > 4; ip += 4)
		ethertype = get16(ip + 2);
	if (end - ip > 20 && (ethertype == 0x0800 || ethertype == 0x86dd))
		print_tcp(ip, ethertype != 0x0800, end);
	else
		print_bytes(action->bytes, action->len);
}

void print_event(const struct http_event *event)
{
	printf("= %u>%u ", event->client_port, event->server_port);
	print_bytes(event->method, event->method_len);
	putchar(' ');
	print_bytes(event->target, event->target_len);
	printf(" %u outcome %u version %u head %u/%u body %llu/%llu at %llu..%llu..%llu ",
	       event->status, event->outcome, event->version, event->request_header_bytes,
	       event->response_header_bytes, event->request_body_bytes, event->response_body_bytes,
	       event->start_ns - SUBJECT_START_NS,
	       event->first_byte_ns ? event->first_byte_ns - SUBJECT_START_NS : 0,
	       event->end_ns - SUBJECT_START_NS);
	print_bytes(event->host, event->host_len);
	putchar('\n');
}

void print_script(const struct script *script)
{
	for (uint32_t i = 0; i < script->count; i++) {
		printf("%u: %s", i, names[script->actions[i].kind]);
		if (script->actions[i].kind == ACTION_PACKET)
			print_packet(&script->actions[i]);
		putchar('\n');
	}
	/* What comes now may end the process. */
	fflush(stdout);
}
