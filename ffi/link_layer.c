// SPDX-License-Identifier: Apache-2.0
#include <linux/if_ether.h>
#include <stddef.h>

#include "link_layer.h"

/* https://www.tcpdump.org/linktypes.html; 12 and 14 are what some systems write for 101. */
enum link_type {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_BSD = 12,
	LINK_RAW_OPENBSD = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_LINUX_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_LINUX_SLL2 = 276,
};

/* Where the ethertype lies, in network order, and where the network header begins. */
struct framing {
	uint32_t link_type;
	uint32_t ethertype_at;
	uint32_t header;
};

enum {
	/* No ethertype in the header: the first byte of the packet says what it is. */
	NO_ETHERTYPE = ~0,
};

static const struct framing FRAMINGS[] = {
	{LINK_ETHERNET, 12, 14},
	{LINK_LINUX_SLL, 14, 16},
	{LINK_LINUX_SLL2, 0, 20},
	{LINK_RAW, NO_ETHERTYPE, 0},
	{LINK_RAW_BSD, NO_ETHERTYPE, 0},
	{LINK_RAW_OPENBSD, NO_ETHERTYPE, 0},
	{LINK_IPV4, NO_ETHERTYPE, 0},
	{LINK_IPV6, NO_ETHERTYPE, 0},
	/* The header is an address family, whose number for IPv6 depends on the system, and whose byte order, too. */
	{LINK_NULL, NO_ETHERTYPE, 4},
	{LINK_LOOP, NO_ETHERTYPE, 4},
};

static const struct framing *find(uint32_t link_type)
{
	for (size_t i = 0; i < sizeof(FRAMINGS) / sizeof(*FRAMINGS); i++)
		if (FRAMINGS[i].link_type == link_type)
			return &FRAMINGS[i];
	return NULL;
}

bool link_type_is_known(uint32_t link_type)
{
	return find(link_type);
}

bool link_find_network(uint32_t link_type, const uint8_t *bytes, uint32_t len, uint32_t *network,
		       uint16_t *ethertype)
{
	const struct framing *framing = find(link_type);

	if (!framing || len <= framing->header)
		return false;
	*network = framing->header;
	if (framing->ethertype_at != (uint32_t)NO_ETHERTYPE)
		*ethertype = bytes[framing->ethertype_at] << 8 | bytes[framing->ethertype_at + 1];
	else
		*ethertype = bytes[framing->header] >> 4 == 6 ? ETH_P_IPV6 : ETH_P_IP;
	return true;
}
