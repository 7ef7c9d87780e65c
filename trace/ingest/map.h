/*
 * A hash table of records under a key of two integers: tasks by pid, entries by (mm_id, va), and so
 * on.
 *
 * Open addressing with linear probing, records stored in the table itself, removal by shifting
 * back: one cache line per look-up and no tombstones, which matters because most records
 * (page-table entries, mappings) come and go all the time. A pointer to a record is valid until the
 * next insertion into or removal from the same map.
 */
#ifndef INGEST_MAP_H
#define INGEST_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every record begins with one of these. */
struct map_entry {
	uint64_t a, b;       /* the key */
	uint32_t generation; /* of the last baseline that listed it, or the current one when it was
				made */
	bool used;
};

struct map {
	char *slots;
	size_t stride; /* bytes of a record */
	size_t mask;   /* slots - 1; a power of two minus one */
	size_t count;
};

void map_init(struct map *map, size_t record_size);
void map_destroy(struct map *map);

/* The record of a key, or NULL. */
void *map_find(const struct map *map, uint64_t a, uint64_t b);
/* A new record, zero behind its map_entry. The key must not be there yet. */
void *map_insert(struct map *map, uint64_t a, uint64_t b);
void map_remove(struct map *map, void *record);

/* The record behind `record` in the table's order, the first one for NULL, NULL at the end. The map
 * must not change meanwhile. */
void *map_next(const struct map *map, const void *record);

#define map_for_each(map, record) \
	for ((record) = map_next(map, NULL); (record); (record) = map_next(map, record))

#endif
