/*
 * Records by number, where most numbers have none: frames by pfn, slots by their place. Memory follows the numbers that are
 * used, in chunks, so that one wrong number in a damaged trace costs a chunk and not all that lies below it. A record never
 * moves.
 */
#ifndef INGEST_SPARSE_H
#define INGEST_SPARSE_H

#include <stddef.h>
#include <stdint.h>

#define SPARSE_CHUNK 128u /* records */

struct sparse {
	char **chunks;
	uint32_t nr_chunks; /* length of `chunks`, holes included */
	size_t stride;      /* bytes of a record */
	void (*init)(void *record);
};

/* `init` makes a record of zero bytes what a record is when nothing is known about it. */
void sparse_init(struct sparse *sparse, size_t record_size, void (*init)(void *record));
void sparse_destroy(struct sparse *sparse);

/* The record of this number; made when it is not there. */
void *sparse_at(struct sparse *sparse, uint32_t number);

/* The first record from this number on; `number` becomes its. NULL: there is none. */
void *sparse_from(const struct sparse *sparse, uint32_t *number);

/* All records that were made, and others near them. */
#define sparse_for_each(sparse, number, record) \
	for ((number) = 0; ((record) = sparse_from((sparse), &(number))) != NULL; (number)++)

#endif
