// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The behaviour of BCC's example http-parse-simple: lets through the packets whose payload begins like a message of HTTP.
 * BCC compiles against the running kernel's headers, which many a host has not, so that this is a program of our own.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define DROP 0
#define KEEP -1

static __always_inline int begins_a_message(const char *text)
{
	switch (text[0]) {
	case 'H':
		return (text[1] == 'T' && text[2] == 'T' && text[3] == 'P') ||
		       (text[1] == 'E' && text[2] == 'A' && text[3] == 'D');
	case 'G':
		return text[1] == 'E' && text[2] == 'T';
	case 'P':
		return (text[1] == 'O' && text[2] == 'S' && text[3] == 'T') ||
		       (text[1] == 'U' && text[2] == 'T');
	case 'D':
		return text[1] == 'E' && text[2] == 'L' && text[3] == 'E';
	}
	return 0;
}

SEC("socket")
int http_parse(struct __sk_buff *skb)
{
	__u32 ip_at = ETH_HLEN, tcp_at, payload_at;
	__u8 version_and_len, protocol, data_offset;
	char text[4];

	/* Not so in BCC's, which sees each packet of a loopback device twice. */
	if (skb->pkt_type == PACKET_OUTGOING || skb->protocol != bpf_htons(ETH_P_IP))
		return DROP;
	if (bpf_skb_load_bytes(skb, ip_at + 9, &protocol, 1) || protocol != IPPROTO_TCP)
		return DROP;
	if (bpf_skb_load_bytes(skb, ip_at, &version_and_len, 1))
		return DROP;
	tcp_at = ip_at + (version_and_len & 0x0f) * 4;
	if (bpf_skb_load_bytes(skb, tcp_at + 12, &data_offset, 1))
		return DROP;
	payload_at = tcp_at + (data_offset >> 4) * 4;
	if (bpf_skb_load_bytes(skb, payload_at, text, sizeof(text)))
		return DROP;
	return begins_a_message(text) ? KEEP : DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
