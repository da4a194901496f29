/* SPDX-License-Identifier: Apache-2.0 */
/* BPF maps in user space, for one thread. Results and errors are those of the helpers in bpf-helpers(7). */
#ifndef KERNELCAST_NATIVE_MAP_H
#define KERNELCAST_NATIVE_MAP_H

#include <stdint.h>

struct native_map;

/*
 * The map that belongs to a definition's address; made by the first call for it. A type of 0 says that the caller does
 * not know the definition: the map must have been made before. Aborts where a program would not have been loaded.
 */
struct native_map *native_map_of(const void *definition, uint32_t type, uint32_t key_size,
				 uint32_t value_size, uint32_t max_entries);

/* As user space does before load: a map that has been used keeps what it was made with. */
void native_map_limit(struct native_map *map, uint32_t max_entries);

/* Empties the hash maps. */
void native_maps_clear(void);

/* Frees every map, and forgets every definition. */
void native_maps_free(void);

/*
 * A value stays where it is until it is updated, or deleted and another one of the map as well: a program may still look at
 * what it deleted, as in the kernel. A later use is a use after free.
 */
void *native_map_lookup(struct native_map *map, const void *key);
long native_map_update(struct native_map *map, const void *key, const void *value, uint64_t flags);
long native_map_delete(struct native_map *map, const void *key);

/* callback: as bpf_for_each_map_elem() has it; it may delete from the map, and add to it. Oldest entry first. */
long native_map_for_each(struct native_map *map, const void *definition, void *callback,
			 void *context);

/* How many entries a hash map holds. */
uint32_t native_map_count(const struct native_map *map);

#endif
