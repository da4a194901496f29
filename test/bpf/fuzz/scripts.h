/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KERNELCAST_FUZZ_SCRIPTS_H
#define KERNELCAST_FUZZ_SCRIPTS_H

#include <stddef.h>
#include <stdint.h>

typedef void (*take_script)(const char *path, const uint8_t *data, size_t size);

/* Hands every file of a folder to take, in the order of their names, or one file. A failure ends the process with a message. */
void scripts_read(const char *path, take_script take);

#endif
