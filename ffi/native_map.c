// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "native_map.h"

enum {
	MAPS_MAX = 32,
	VALUE_ALIGN = 8,
};

struct entry {
	struct entry *chained;	     /* next of its bucket */
	struct entry *newer, *older; /* on the list that begins and ends at the map */
	uint64_t hash;
	bool gone;		   /* deleted while the map was walked */
	_Alignas(8) uint8_t key[]; /* programs read wide members of keys in place */
};

struct native_map {
	const void *definition;
	uint32_t type, key_size, value_size, max_entries;
	uint8_t *array; /* of values, for the array types */
	uint32_t stride;
	/* For the hash types. */
	struct entry **buckets;
	uint64_t mask;
	uint64_t seed; /* what a capture holds cannot be made to fall into one bucket */
	uint32_t count;
	struct entry *newest, *oldest;
	uint32_t walks;	       /* under way: what is deleted meanwhile is freed afterwards */
	struct entry *deleted; /* by `chained` */
	struct entry *last_deleted;
};

static struct native_map maps[MAPS_MAX];
static uint32_t map_count;

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "native maps: %s\n", what);
	abort();
}

static void *allocate(size_t count, size_t size)
{
	void *memory = calloc(count, size);

	if (!memory)
		give_up("out of memory");
	return memory;
}

static bool is_array(const struct native_map *map)
{
	return map->type == BPF_MAP_TYPE_ARRAY || map->type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool is_lru(const struct native_map *map)
{
	return map->type == BPF_MAP_TYPE_LRU_HASH || map->type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool is_hash(const struct native_map *map)
{
	return is_lru(map) || map->type == BPF_MAP_TYPE_HASH ||
	       map->type == BPF_MAP_TYPE_PERCPU_HASH;
}

struct native_map *native_map_of(const void *definition, uint32_t type, uint32_t key_size,
				 uint32_t value_size, uint32_t max_entries)
{
	struct native_map *map;

	for (uint32_t i = 0; i < map_count; i++)
		if (maps[i].definition == definition)
			return &maps[i];
	if (!type)
		give_up("a map was used before its definition was seen; see NATIVE_MAP");
	if (map_count == MAPS_MAX)
		give_up("too many maps");
	map = &maps[map_count++];
	*map = (struct native_map){.definition = definition,
				   .type = type,
				   .key_size = key_size,
				   .value_size = value_size,
				   .max_entries = max_entries,
				   .stride = (value_size + VALUE_ALIGN - 1) & -VALUE_ALIGN};
	if (!max_entries || (!is_array(map) && !is_hash(map)))
		give_up("a map of a type that is not known here, or without entries");
	return map;
}

void native_map_limit(struct native_map *map, uint32_t max_entries)
{
	if (map->array || map->buckets)
		give_up("a map that is in use cannot change its size");
	map->max_entries = max_entries;
}

/* Memory is taken by the first use, so that the limit may be set before. */
static void prepare_hash(struct native_map *map)
{
	if (map->buckets)
		return;
	map->mask = 1;
	while (map->mask < map->max_entries)
		map->mask <<= 1;
	map->buckets = allocate(map->mask, sizeof(*map->buckets));
	map->mask--;
	if (getrandom(&map->seed, sizeof(map->seed), GRND_NONBLOCK) < 0)
		map->seed = (uintptr_t)map->buckets;
}

static uint64_t hash_of(const struct native_map *map, const uint8_t *key)
{
	uint64_t hash = map->seed, word;

	for (uint32_t at = 0; at < map->key_size; at += sizeof(word)) {
		uint32_t rest = map->key_size - at;

		word = 0;
		memcpy(&word, key + at, rest < sizeof(word) ? rest : sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29 ^ map->seed;
	}
	return hash ^ hash >> 32;
}

static uint8_t *value_of(const struct native_map *map, struct entry *entry)
{
	size_t offset = offsetof(struct entry, key) + map->key_size;

	return (uint8_t *)entry + ((offset + VALUE_ALIGN - 1) & -VALUE_ALIGN);
}

/* The link that leads to the entry of a key, or the NULL at the end of its bucket. */
static struct entry **find(struct native_map *map, const void *key, uint64_t hash)
{
	struct entry **link = &map->buckets[hash & map->mask];

	while (*link && ((*link)->hash != hash || memcmp((*link)->key, key, map->key_size)))
		link = &(*link)->chained;
	return link;
}

static void list_add(struct native_map *map, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = map->newest;
	*(map->newest ? &map->newest->newer : &map->oldest) = entry;
	map->newest = entry;
}

static void list_remove(struct native_map *map, struct entry *entry)
{
	*(entry->newer ? &entry->newer->older : &map->newest) = entry->older;
	*(entry->older ? &entry->older->newer : &map->oldest) = entry->newer;
}

static void remove_entry(struct native_map *map, struct entry **link)
{
	struct entry *entry = *link;

	*link = entry->chained;
	map->count--;
	if (map->walks) {
		/* It stays on the list, so that a walk that stands on it finds its way. */
		entry->gone = true;
		entry->chained = map->deleted;
		map->deleted = entry;
		return;
	}
	list_remove(map, entry);
	free(map->last_deleted);
	map->last_deleted = entry;
}

static void *array_at(struct native_map *map, const void *key)
{
	uint32_t index;

	memcpy(&index, key, sizeof(index));
	if (index >= map->max_entries)
		return NULL;
	if (!map->array)
		map->array = allocate(map->max_entries, map->stride);
	return map->array + (size_t)index * map->stride;
}

void *native_map_lookup(struct native_map *map, const void *key)
{
	struct entry *entry;

	if (is_array(map))
		return array_at(map, key);
	if (!map->count)
		return NULL;
	entry = *find(map, key, hash_of(map, key));
	if (!entry)
		return NULL;
	if (is_lru(map) && !map->walks) {
		list_remove(map, entry);
		list_add(map, entry);
	}
	return value_of(map, entry);
}

static struct entry *new_entry(struct native_map *map, const void *key, const void *value,
			       uint64_t hash)
{
	struct entry *entry =
		allocate(1, sizeof(*entry) + map->key_size + VALUE_ALIGN + map->value_size);

	entry->hash = hash;
	memcpy(entry->key, key, map->key_size);
	memcpy(value_of(map, entry), value, map->value_size);
	return entry;
}

static void evict_oldest(struct native_map *map)
{
	struct entry *entry = map->oldest;

	while (entry && entry->gone)
		entry = entry->newer;
	if (entry)
		remove_entry(map, find(map, entry->key, entry->hash));
}

long native_map_update(struct native_map *map, const void *key, const void *value, uint64_t flags)
{
	if (is_array(map)) {
		void *slot = array_at(map, key);

		if (flags == BPF_NOEXIST)
			return -EEXIST;
		if (!slot)
			return -E2BIG;
		memcpy(slot, value, map->value_size);
		return 0;
	}
	prepare_hash(map);
	uint64_t hash = hash_of(map, key);
	struct entry **link = find(map, key, hash), *entry;
	if (*link && flags == BPF_NOEXIST)
		return -EEXIST;
	if (!*link && flags == BPF_EXIST)
		return -ENOENT;
	if (!*link && map->count >= map->max_entries && !is_lru(map))
		return -E2BIG;
	/* A new entry also for a known key, as in the kernel: whoever has the old value has no part in the new one. */
	entry = new_entry(map, key, value, hash);
	if (*link)
		remove_entry(map, link);
	else if (map->count >= map->max_entries)
		evict_oldest(map);
	entry->chained = map->buckets[hash & map->mask];
	map->buckets[hash & map->mask] = entry;
	list_add(map, entry);
	map->count++;
	return 0;
}

long native_map_delete(struct native_map *map, const void *key)
{
	struct entry **link;

	if (is_array(map))
		return -EINVAL;
	if (!map->count)
		return -ENOENT;
	link = find(map, key, hash_of(map, key));
	if (!*link)
		return -ENOENT;
	remove_entry(map, link);
	return 0;
}

static void free_deleted(struct native_map *map)
{
	while (map->deleted) {
		struct entry *entry = map->deleted;

		map->deleted = entry->chained;
		list_remove(map, entry);
		free(entry);
	}
}

long native_map_for_each(struct native_map *map, const void *definition, void *callback,
			 void *context)
{
	long (*call)(const void *, const void *, void *, void *) = callback, seen = 0;

	if (is_array(map))
		return -EINVAL;
	map->walks++;
	for (struct entry *entry = map->oldest; entry; entry = entry->newer) {
		if (entry->gone)
			continue;
		seen++;
		if (call(definition, entry->key, value_of(map, entry), context))
			break;
	}
	if (!--map->walks)
		free_deleted(map);
	return seen;
}

uint32_t native_map_count(const struct native_map *map)
{
	return map->count;
}

static void clear(struct native_map *map)
{
	while (map->newest) {
		struct entry *older = map->newest->older;

		free(map->newest);
		map->newest = older;
	}
	map->oldest = NULL;
	map->count = 0;
	/* Large ones are cheaper to have anew than to write over. */
	free(map->last_deleted);
	map->last_deleted = NULL;
	free(map->buckets);
	map->buckets = NULL;
}

void native_maps_clear(void)
{
	for (uint32_t i = 0; i < map_count; i++)
		clear(&maps[i]);
}

void native_maps_free(void)
{
	for (uint32_t i = 0; i < map_count; i++) {
		struct native_map *map = &maps[i];

		clear(map);
		free(map->array);
	}
	map_count = 0;
}
