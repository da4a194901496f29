// SPDX-License-Identifier: Apache-2.0
/* The maps of programs in user space against what bpf-helpers(7) says of the kernel's, and against a plain model. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <string.h>

#include "../../ffi/native_map.h"
#include "../bpf/check.h"

enum {
	ENTRIES_MAX = 16,
	KEYS = 40,
	STEPS = 200000,
};

/* Of no size that a word divides. */
struct key {
	uint16_t number;
	uint8_t rest[9];
};

struct value {
	uint64_t number;
	uint32_t copy;
};

/* The entries of a map, the one that was looked up, added or changed latest at the end. */
struct model {
	uint16_t keys[ENTRIES_MAX];
	uint64_t values[ENTRIES_MAX];
	int count;
};

static struct model model;
static uint64_t state = 88172645463325252ull;

static uint32_t next_random(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (state >> 11) % below;
}

static struct key key_of(uint16_t number)
{
	struct key key = {.number = number};

	memset(key.rest, number & 3, sizeof(key.rest));
	return key;
}

static int model_find(uint16_t key)
{
	for (int i = 0; i < model.count; i++)
		if (model.keys[i] == key)
			return i;
	return -1;
}

static void model_remove(int at)
{
	model.count--;
	memmove(&model.keys[at], &model.keys[at + 1], (model.count - at) * sizeof(*model.keys));
	memmove(&model.values[at], &model.values[at + 1],
		(model.count - at) * sizeof(*model.values));
}

static void model_add(uint16_t key, uint64_t value)
{
	model.keys[model.count] = key;
	model.values[model.count++] = value;
}

static long model_update(uint16_t key, uint64_t value, uint64_t flags, bool lru)
{
	int at = model_find(key);

	if (at >= 0 && flags == BPF_NOEXIST)
		return -EEXIST;
	if (at < 0 && flags == BPF_EXIST)
		return -ENOENT;
	if (at < 0 && model.count == ENTRIES_MAX && !lru)
		return -E2BIG;
	if (at >= 0)
		model_remove(at);
	else if (model.count == ENTRIES_MAX)
		model_remove(0);
	model_add(key, value);
	return 0;
}

static void step_update(struct native_map *map, uint16_t number, bool lru)
{
	static const uint64_t FLAGS[] = {BPF_ANY, BPF_NOEXIST, BPF_EXIST};
	uint64_t flags = FLAGS[next_random(3)];
	struct value value = {.number = next_random(1 << 30)};
	struct key key = key_of(number);
	long expected = model_update(number, value.number, flags, lru);

	value.copy = value.number;
	long found = native_map_update(map, &key, &value, flags);
	check(found == expected, "update of %d with flags %llu: %ld, not %ld", number,
	      (unsigned long long)flags, found, expected);
}

static void step_lookup(struct native_map *map, uint16_t number, bool lru)
{
	struct key key = key_of(number);
	const struct value *found = native_map_lookup(map, &key);
	int at = model_find(number);

	check(!found == (at < 0), "lookup of %d", number);
	if (!found || at < 0)
		return;
	check(found->number == model.values[at] && found->copy == (uint32_t)found->number,
	      "the value of %d", number);
	if (lru) {
		uint64_t value = model.values[at];

		model_remove(at);
		model_add(number, value);
	}
}

static void step_delete(struct native_map *map, uint16_t number)
{
	struct key key = key_of(number);
	int at = model_find(number);
	long found = native_map_delete(map, &key);

	check(found == (at < 0 ? -ENOENT : 0), "delete of %d: %ld", number, found);
	if (at >= 0)
		model_remove(at);
}

struct walk {
	struct native_map *map;
	uint32_t seen;
};

/* Deletes about a third of what it meets, and another one now and then. */
static long on_entry(void *definition, const struct key *key, struct value *value,
		     struct walk *walk)
{
	int at = model_find(key->number);

	(void)definition;
	walk->seen++;
	if (check(at >= 0, "met %d, which is not there", key->number))
		check(value->number == model.values[at], "the value of %d in a walk", key->number);
	if (next_random(3) == 0)
		step_delete(walk->map, key->number);
	if (next_random(5) == 0)
		step_delete(walk->map, next_random(KEYS));
	return 0;
}

static void step_walk(struct native_map *map)
{
	struct walk walk = {.map = map};
	uint32_t before = model.count;

	long seen = native_map_for_each(map, NULL, (void *)on_entry, &walk);
	check(seen == (long)walk.seen && walk.seen <= before, "a walk met %u of %u", walk.seen,
	      before);
}

static void test_against_model(uint32_t type)
{
	static const char definitions[2];
	bool lru = type == BPF_MAP_TYPE_LRU_HASH;
	struct native_map *map = native_map_of(&definitions[lru], type, sizeof(struct key),
					       sizeof(struct value), ENTRIES_MAX);

	model.count = 0;
	for (int i = 0; i < STEPS; i++) {
		uint16_t number = next_random(KEYS);

		switch (next_random(8)) {
		case 0:
			step_delete(map, number);
			break;
		case 1:
			if (next_random(10) == 0)
				step_walk(map);
			break;
		case 2:
		case 3:
		case 4:
			step_update(map, number, lru);
			break;
		default:
			step_lookup(map, number, lru);
		}
		check(native_map_count(map) == (uint32_t)model.count, "%u entries, not %d",
		      native_map_count(map), model.count);
	}
	native_maps_clear();
	check(native_map_count(map) == 0, "cleared");
	model.count = 0;
	step_lookup(map, 1, lru);
	step_update(map, 1, lru);
	native_maps_free();
}

static void test_array(void)
{
	static const char definition;
	struct value value = {.number = 7};
	uint32_t one = 1, four = 4;
	struct native_map *map = native_map_of(&definition, BPF_MAP_TYPE_PERCPU_ARRAY, sizeof(one),
					       sizeof(value), 4);
	const struct value *found = native_map_lookup(map, &one);

	check(found && !found->number, "an array's values are zero at first");
	check(native_map_update(map, &one, &value, BPF_ANY) == 0, "an update");
	check(found && found->number == 7, "an array's values stay where they are");
	check(native_map_update(map, &one, &value, BPF_NOEXIST) == -EEXIST, "all are there");
	check(!native_map_lookup(map, &four), "lookup behind the end");
	check(native_map_update(map, &four, &value, BPF_ANY) == -E2BIG, "update behind the end");
	check(native_map_delete(map, &one) == -EINVAL, "nothing of an array can be deleted");
	check(native_map_of(&definition, 0, 0, 0, 0) == map, "found again by its address alone");
	native_maps_free();
}

int main(void)
{
	test_against_model(BPF_MAP_TYPE_HASH);
	test_against_model(BPF_MAP_TYPE_LRU_HASH);
	test_array();
	return checks_end("native_map");
}
