/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text of a step. A byte below 0x80 stands for itself and is what HTTP is made of; one above for a fragment of HTTP,
 * so that a small change makes a meaningful one; 0xf8 to 0xfe repeat what stood before them; 0xff says that the next
 * byte stands for itself. The corpus is written so: new fragments go to the end.
 */
#ifndef KERNELCAST_FUZZ_FRAGMENTS_H
#define KERNELCAST_FUZZ_FRAGMENTS_H

#include <stdint.h>

enum fragment_bytes {
	FRAGMENT_FIRST = 0x80,
	FRAGMENT_REPEAT = 0xf8, /* twice; each further one doubles */
	FRAGMENT_LITERAL = 0xff,
};

/* Writes out a text. Returns the bytes written, at most max. */
uint32_t fragments_expand(const uint8_t *text, uint32_t len, uint8_t *to, uint32_t max);

#endif
