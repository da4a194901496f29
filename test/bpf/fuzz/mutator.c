// SPDX-License-Identifier: Apache-2.0
/*
 * Changes scripts by their steps: most changes of bytes make another script as well, but a step that moves, comes again or
 * gets another text makes one that is worth trying.
 */
#include <string.h>

#include "script.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
				 size_t size2, uint8_t *out, size_t max_size, unsigned int seed);

enum {
	HEAD = sizeof(struct script_head),
	STEP = sizeof(struct step_head),
	STEPS = 256,
	STEP_MAX = STEP + 255,
};

/* The bytes of a step in a script; the last one may be cut. */
struct range {
	size_t at, len;
};

static uint32_t random_state;

static uint32_t below(uint32_t limit)
{
	random_state = random_state * 1664525 + 1013904223;
	return (random_state >> 8) % limit;
}

static uint32_t find_steps(const uint8_t *data, size_t size, struct range *steps)
{
	uint32_t count = 0;

	for (size_t at = HEAD; at + STEP <= size && count < STEPS; count++) {
		size_t len = STEP + data[at + offsetof(struct step_head, text)];

		steps[count] = (struct range){at, len < size - at ? len : size - at};
		at += steps[count].len;
	}
	return count;
}

/* Puts len bytes in the place of others. Returns the new size, or the old one when there is no room. */
static size_t replace(uint8_t *data, size_t size, size_t max_size, struct range old,
		      const uint8_t *bytes, size_t len)
{
	if (size - old.len + len > max_size)
		return size;
	memmove(data + old.at + len, data + old.at + old.len, size - old.at - old.len);
	memcpy(data + old.at, bytes, len);
	return size - old.len + len;
}

static size_t change_text(uint8_t *data, size_t size, size_t max_size, struct range step)
{
	uint8_t changed[STEP_MAX];
	size_t text = step.len - STEP;

	memcpy(changed, data + step.at, step.len);
	text = LLVMFuzzerMutate(changed + STEP, text, sizeof(changed) - STEP);
	changed[offsetof(struct step_head, text)] = text;
	return replace(data, size, max_size, step, changed, STEP + text);
}

static void change_head(uint8_t *step)
{
	static const size_t fields[] = {
		offsetof(struct step_head, what),   offsetof(struct step_head, how),
		offsetof(struct step_head, order),  offsetof(struct step_head, number),
		offsetof(struct step_head, layers),
	};
	uint8_t *field = step + fields[below(sizeof(fields) / sizeof(*fields))];

	switch (below(4)) {
	case 0:
		*field = 0;
		break;
	case 1:
		*field = below(256);
		break;
	default:
		*field ^= 1 << below(8);
	}
}

/* A message of either side: the fragments that are whole ones come first. */
static size_t insert_new(uint8_t *data, size_t size, size_t max_size, size_t at)
{
	uint8_t step[STEP + 1] = {[offsetof(struct step_head, what)] = below(8),
				  [offsetof(struct step_head, text)] = 1,
				  [STEP] = 0x80 + below(0x60)};

	return replace(data, size, max_size, (struct range){.at = at}, step, sizeof(step));
}

static size_t insert_copy(uint8_t *data, size_t size, size_t max_size, struct range step, size_t at)
{
	uint8_t copy[STEP_MAX];

	memcpy(copy, data + step.at, step.len);
	return replace(data, size, max_size, (struct range){.at = at}, copy, step.len);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct range steps[STEPS];
	uint32_t count = find_steps(data, size, steps);
	struct range step;
	size_t other;

	random_state = seed;
	if (size < HEAD || max_size < HEAD)
		return LLVMFuzzerMutate(data, size, max_size);
	if (!count)
		return insert_new(data, size, max_size, size);
	step = steps[below(count)];
	other = steps[below(count)].at;
	switch (below(16)) {
	case 0:
		return LLVMFuzzerMutate(data, size, max_size);
	case 1:
		LLVMFuzzerMutate(data, HEAD, HEAD);
		return size;
	case 2:
	case 3:
		return insert_new(data, size, max_size, below(2) ? step.at : step.at + step.len);
	case 4:
		return insert_copy(data, size, max_size, step, other);
	case 5:
	case 6:
		return replace(data, size, max_size, step, data, 0);
	case 7:
	case 8:
	case 9:
	case 10:
		change_head(data + step.at);
		return size;
	default:
		return change_text(data, size, max_size, step);
	}
}

/* The first steps of one script, then the last ones of another. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1, const uint8_t *data2,
				 size_t size2, uint8_t *out, size_t max_size, unsigned int seed)
{
	struct range first[STEPS], second[STEPS];
	uint32_t count1 = find_steps(data1, size1, first),
		 count2 = find_steps(data2, size2, second);
	size_t head, tail;

	random_state = seed;
	if (!count1 || !count2)
		return 0;
	head = first[below(count1)].at;
	tail = second[below(count2)].at;
	if (head + size2 - tail > max_size)
		return 0;
	memcpy(out, data1, head);
	memcpy(out + head, data2 + tail, size2 - tail);
	return head + size2 - tail;
}
