#include "trace/ingest/map.h"

#include <stdlib.h>
#include <string.h>

#include "trace/ingest/error.h"

#define MAP_INITIAL_SLOTS 64

void map_init(struct map *map, size_t record_size)
{
	map->stride = (record_size + 7) & ~(size_t)7;
	map->mask = MAP_INITIAL_SLOTS - 1;
	map->count = 0;
	map->slots = xcalloc(MAP_INITIAL_SLOTS, map->stride);
}

void map_destroy(struct map *map)
{
	free(map->slots);
	map->slots = NULL;
}

static struct map_entry *entry_at(const struct map *map, size_t index)
{
	return (struct map_entry *)(map->slots + index * map->stride);
}

/* Addresses differ in their middle bits, ids in their low ones: multiply and take the high half,
 * which all bits reach. */
static size_t home_of(const struct map *map, uint64_t a, uint64_t b)
{
	uint64_t hash = (a * UINT64_C(0x9e3779b97f4a7c15)) ^ (b * UINT64_C(0xc2b2ae3d27d4eb4f));

	hash ^= hash >> 32;
	hash *= UINT64_C(0xd6e8feb86659fd93);
	return (hash >> 32) & map->mask;
}

/* Index of the key's record, or of the empty slot where it would go. */
static size_t probe(const struct map *map, uint64_t a, uint64_t b)
{
	size_t index = home_of(map, a, b);

	for (;;) {
		const struct map_entry *entry = entry_at(map, index);

		if (!entry->used || (entry->a == a && entry->b == b))
			return index;
		index = (index + 1) & map->mask;
	}
}

void *map_find(const struct map *map, uint64_t a, uint64_t b)
{
	struct map_entry *entry = entry_at(map, probe(map, a, b));

	return entry->used ? entry : NULL;
}

static void map_grow(struct map *map)
{
	struct map old = *map;

	map->mask = old.mask * 2 + 1;
	map->slots = xcalloc(map->mask + 1, map->stride);
	for (size_t i = 0; i <= old.mask; i++) {
		const struct map_entry *entry = entry_at(&old, i);

		if (entry->used)
			memcpy(entry_at(map, probe(map, entry->a, entry->b)), entry, map->stride);
	}
	free(old.slots);
}

void *map_insert(struct map *map, uint64_t a, uint64_t b)
{
	struct map_entry *entry;

	/* Beyond two thirds full, probes get long. */
	if (map->count * 3 >= map->mask * 2)
		map_grow(map);
	map->count++;
	entry = entry_at(map, probe(map, a, b));
	memset(entry, 0, map->stride);
	*entry = (struct map_entry){.a = a, .b = b, .used = true};
	return entry;
}

void map_remove(struct map *map, void *record)
{
	size_t hole = (size_t)((char *)record - map->slots) / map->stride;
	size_t index = hole;

	for (;;) {
		struct map_entry *entry;
		size_t home;

		index = (index + 1) & map->mask;
		entry = entry_at(map, index);
		if (!entry->used)
			break;
		/* A record may fill the hole unless its home lies behind the hole, counted up to
		 * where it is now. */
		home = home_of(map, entry->a, entry->b);
		if (((index - home) & map->mask) < ((index - hole) & map->mask))
			continue;
		memcpy(entry_at(map, hole), entry, map->stride);
		hole = index;
	}
	entry_at(map, hole)->used = false;
	map->count--;
}

void *map_next(const struct map *map, const void *record)
{
	size_t index = 0;

	if (record)
		index = (size_t)((const char *)record - map->slots) / map->stride + 1;
	for (; index <= map->mask; index++) {
		if (entry_at(map, index)->used)
			return entry_at(map, index);
	}
	return NULL;
}
