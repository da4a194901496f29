/* SPDX-License-Identifier: Apache-2.0 */
/* From a captured frame to its network header, which is where the HTTP programs begin. */
#ifndef KERNELCAST_LINK_LAYER_H
#define KERNELCAST_LINK_LAYER_H

#include <stdbool.h>
#include <stdint.h>

/* The link types that are known, by their numbers and names, for messages. */
#define LINK_TYPES_KNOWN                                                                           \
	"Ethernet (1), Linux cooked (113, 276), raw IP (12, 14, 101, 228, 229), loopback (0, 108)"

bool link_type_is_known(uint32_t link_type);

/*
 * Finds the network header of a frame: where it begins, and its ethertype (that of the outermost VLAN tag, if it has any,
 * whose content then begins there). False when the frame is too short, or of no known link type.
 */
bool link_find_network(uint32_t link_type, const uint8_t *bytes, uint32_t len, uint32_t *network,
		       uint16_t *ethertype);

#endif
