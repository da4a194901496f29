// SPDX-License-Identifier: Apache-2.0
/* The code under test, compiled so that it calls out before each of its memory accesses (-fsanitize=thread). */
#define USM_EVENTS_SMALL_PAGES
#include "model.h"

USM_EVENTS_INIT(model, PROTOCOL_HTTP, struct model_event, MODEL_CAP)

const void *const subject_state = &model_state, *const subject_pages = &model_pages,
		  *const subject_counters = &model_counters;

int subject_enqueue(const struct model_event *event)
{
	return is_model_monitoring_enabled() ? model_batch_enqueue(event) : -ENOENT;
}

int subject_flush(void)
{
	return model_batch_flush(NULL);
}

int subject_barrier(void)
{
	return model_barrier(NULL);
}
