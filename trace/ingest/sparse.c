#include "trace/ingest/sparse.h"

#include <stdlib.h>
#include <string.h>

#include "trace/ingest/error.h"

void sparse_init(struct sparse *sparse, size_t record_size, void (*init)(void *record))
{
	*sparse = (struct sparse){.stride = record_size, .init = init};
}

void sparse_destroy(struct sparse *sparse)
{
	for (uint32_t i = 0; i < sparse->nr_chunks; i++)
		free(sparse->chunks[i]);
	free(sparse->chunks);
	*sparse = (struct sparse){0};
}

static void grow(struct sparse *sparse, uint32_t chunk)
{
	uint32_t want = chunk + chunk / 2 + 16;

	sparse->chunks = xrealloc(sparse->chunks, want, sizeof(*sparse->chunks));
	memset(sparse->chunks + sparse->nr_chunks, 0,
	       (want - sparse->nr_chunks) * sizeof(*sparse->chunks));
	sparse->nr_chunks = want;
}

static char *make_chunk(const struct sparse *sparse)
{
	char *chunk = xcalloc(SPARSE_CHUNK, sparse->stride);

	for (uint32_t i = 0; i < SPARSE_CHUNK; i++)
		sparse->init(chunk + i * sparse->stride);
	return chunk;
}

void *sparse_at(struct sparse *sparse, uint32_t number)
{
	uint32_t chunk = number / SPARSE_CHUNK;

	if (chunk >= sparse->nr_chunks)
		grow(sparse, chunk);
	if (!sparse->chunks[chunk])
		sparse->chunks[chunk] = make_chunk(sparse);
	return sparse->chunks[chunk] + number % SPARSE_CHUNK * sparse->stride;
}

void *sparse_from(const struct sparse *sparse, uint32_t *number)
{
	uint32_t chunk = *number / SPARSE_CHUNK;

	if (chunk < sparse->nr_chunks && sparse->chunks[chunk])
		return sparse->chunks[chunk] + *number % SPARSE_CHUNK * sparse->stride;
	while (chunk < sparse->nr_chunks && !sparse->chunks[chunk])
		chunk++;
	if (chunk >= sparse->nr_chunks)
		return NULL;
	*number = chunk * SPARSE_CHUNK;
	return sparse->chunks[chunk];
}
