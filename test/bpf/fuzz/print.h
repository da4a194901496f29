/* SPDX-License-Identifier: Apache-2.0 */
/* Scripts and events in words, on the standard output. */
#ifndef KERNELCAST_FUZZ_PRINT_H
#define KERNELCAST_FUZZ_PRINT_H

#include "../../../bpf/events.h"
#include "script.h"

void print_script(const struct script *script);
void print_event(const struct http_event *event);

#endif
