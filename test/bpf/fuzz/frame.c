// SPDX-License-Identifier: Apache-2.0
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <string.h>

#include "frame.h"

enum {
	IPV4_BYTES = 20,
	TCP_BYTES = 20,
	PADDING = 6,
	OPTIONS = 12,
};

static uint8_t *put16(uint8_t *at, uint16_t value)
{
	at[0] = value >> 8;
	at[1] = value;
	return at + 2;
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	return put16(put16(at, value >> 16), value);
}

static uint8_t *put(uint8_t *at, const void *bytes, uint32_t len)
{
	memcpy(at, bytes, len);
	return at + len;
}

static uint8_t *put_tag(uint8_t *at, uint16_t inner)
{
	return put16(put16(at, 7), inner);
}

static uint8_t *put_ipv4(uint8_t *at, const struct frame *frame, uint32_t tcp_len)
{
	/* No operation, to its end. */
	static const uint8_t options[OPTIONS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	uint32_t len = IPV4_BYTES + (frame->layers & LAYER_IP_OPTIONS ? OPTIONS : 0);

	*at++ = 0x40 | len / 4;
	*at++ = 0;
	at = put16(at, frame->layers & LAYER_NO_LENGTH ? 0 : len + tcp_len);
	at = put16(at, 1);
	at = put16(at, frame->layers & LAYER_FRAGMENT ? 0x2000 : 0x4000);
	*at++ = 64;
	*at++ = IPPROTO_TCP;
	at = put16(at, 0);
	at = put(at, frame->from.address, 4);
	at = put(at, frame->to.address, 4);
	return put(at, options, len - IPV4_BYTES);
}

static uint8_t *put_ipv6(uint8_t *at, const struct frame *frame, uint32_t tcp_len)
{
	enum {
		OPTIONS_AT = 0, /* hop by hop: padding */
		ROUTING_AT = 8, /* with nothing left to visit */
		AUTHENTICATION_AT = 16,
		FRAGMENT_AT = 40, /* the whole packet */
		EXTENSIONS = 48,
	};
	static const uint8_t extensions[EXTENSIONS] = {
		[OPTIONS_AT] = IPPROTO_ROUTING, [OPTIONS_AT + 2] = 1,
		[OPTIONS_AT + 3] = 4,		[ROUTING_AT] = IPPROTO_AH,
		[ROUTING_AT + 2] = 4,		[AUTHENTICATION_AT] = IPPROTO_FRAGMENT,
		[AUTHENTICATION_AT + 1] = 4,	[FRAGMENT_AT] = IPPROTO_TCP,
	};
	bool extended = frame->layers & (LAYER_IP_OPTIONS | LAYER_FRAGMENT);
	uint32_t len = extended ? EXTENSIONS : 0;

	at = put32(at, 0x60000000);
	at = put16(at, frame->layers & LAYER_NO_LENGTH ? 0 : len + tcp_len);
	*at++ = extended ? IPPROTO_HOPOPTS : IPPROTO_TCP;
	*at++ = 64;
	at = put(at, frame->from.address, 16);
	at = put(at, frame->to.address, 16);
	put(at, extensions, len);
	/* More of them follow. */
	if (frame->layers & LAYER_FRAGMENT)
		at[FRAGMENT_AT + 3] = 1;
	return at + len;
}

static uint8_t *put_tcp(uint8_t *at, const struct frame *frame, uint32_t options)
{
	at = put16(at, frame->from.port);
	at = put16(at, frame->to.port);
	at = put32(at, frame->seq);
	at = put32(at, frame->ack);
	*at++ = (TCP_BYTES + options) / 4 << 4;
	*at++ = frame->flags;
	at = put16(at, 0xffff);
	at = put32(at, 0);
	memset(at, 1, options);
	return put(at + options, frame->payload, frame->payload_len);
}

uint32_t frame_write(const struct frame *frame, uint8_t *to, uint16_t *ethertype, uint32_t *missing)
{
	uint16_t inner = frame->ipv6 ? ETH_P_IPV6 : ETH_P_IP;
	uint32_t options = frame->layers & LAYER_TCP_OPTIONS ? OPTIONS : 0, len;
	uint32_t tcp_len = TCP_BYTES + options + frame->payload_len;
	uint8_t *at = to;

	*ethertype = inner;
	if (frame->layers & LAYER_QINQ) {
		*ethertype = ETH_P_8021AD;
		at = put_tag(at, ETH_P_8021Q);
		at = put_tag(at, inner);
	} else if (frame->layers & LAYER_VLAN) {
		*ethertype = ETH_P_8021Q;
		at = put_tag(at, inner);
	}
	at = frame->ipv6 ? put_ipv6(at, frame, tcp_len) : put_ipv4(at, frame, tcp_len);
	at = put_tcp(at, frame, options);
	/* Without a length nobody could tell it from the payload. */
	if (frame->layers & LAYER_PADDING && !(frame->layers & LAYER_NO_LENGTH)) {
		memset(at, 'G', PADDING);
		at += PADDING;
	}
	len = at - to;
	*missing = frame->layers & LAYER_CUT_OFF ? frame->cut_off % len : 0;
	return len - *missing;
}
