#include "trace/ingest/keyframe.h"

#include <stdlib.h>
#include <string.h>

#include "trace/ingest/btree.h"

/* Text of one row of live_ids, its end included: some 30 rowids. */
#define CHUNK_BYTES  (BTREE_MAX_TEXT + 1)
#define MAX_ID_BYTES 21 /* of decimal digits and the comma before them */
#define NO_COLUMN    UINT32_MAX

/* Rowids of spans that live at a keyframe, until they are written: a JSON array that lacks its closing bracket. */
struct chunk {
	uint32_t length;
	char text[CHUNK_BYTES];
};

struct keyframe {
	uint64_t t, event;
	int64_t last_id[NR_DB_TABLES];
	struct chunk *chunks[NR_DB_TABLES]; /* NULL: none yet */
};

struct keyframes {
	struct db *db;
	struct keyframe *frames;
	uint32_t nr, max;
	uint32_t begin_column[NR_DB_TABLES];
	int64_t last_id[NR_DB_TABLES], kept_id[NR_DB_TABLES];
	bool suspended;
};

struct keyframes *keyframes_new(struct db *db)
{
	struct keyframes *kfs = xcalloc(1, sizeof(*kfs));

	kfs->db = db;
	for (size_t i = 0; i < NR_DB_TABLES; i++)
		kfs->begin_column[i] = NO_COLUMN;
	return kfs;
}

void keyframes_reset(struct keyframes *kfs)
{
	for (uint32_t k = 0; k < kfs->nr; k++) {
		for (size_t i = 0; i < NR_DB_TABLES; i++)
			free(kfs->frames[k].chunks[i]);
	}
	kfs->nr = 0;
	memset(kfs->last_id, 0, sizeof(kfs->last_id));
}

void keyframes_free(struct keyframes *kfs)
{
	if (!kfs)
		return;
	keyframes_reset(kfs);
	free(kfs->frames);
	free(kfs);
}

void keyframes_add_table(struct keyframes *kfs, enum db_table table, uint32_t begin_column)
{
	kfs->begin_column[table] = begin_column;
}

static void chunk_write(struct keyframes *kfs, uint32_t k, enum db_table table, struct chunk *chunk)
{
	memcpy(chunk->text + chunk->length, "]", 2);
	DB_INSERT(kfs->db, live_ids, INT(k + 1), INT(table), TEXT(chunk->text));
	chunk->length = 0;
}

static void chunk_add(struct chunk *chunk, int64_t id)
{
	char digits[MAX_ID_BYTES], *at = digits + sizeof(digits);

	for (uint64_t rest = (uint64_t)id; rest || at == digits + sizeof(digits); rest /= 10)
		*--at = (char)('0' + rest % 10);
	*--at = chunk->length ? ',' : '[';
	memcpy(chunk->text + chunk->length, at, (size_t)(digits + sizeof(digits) - at));
	chunk->length += (uint32_t)(digits + sizeof(digits) - at);
}

static void note(struct keyframes *kfs, uint32_t k, enum db_table table, int64_t id)
{
	struct chunk **chunk = &kfs->frames[k].chunks[table];

	if (!*chunk)
		*chunk = xcalloc(1, sizeof(**chunk));
	chunk_add(*chunk, id);
	if ((*chunk)->length + MAX_ID_BYTES + 2 > CHUNK_BYTES)
		chunk_write(kfs, k, table, *chunk);
}

void keyframes_row(struct keyframes *kfs, enum db_table table, const struct db_value *values)
{
	int64_t id, t_begin;

	if (kfs->begin_column[table] == NO_COLUMN)
		return;
	id = ++kfs->last_id[table];
	t_begin = values[kfs->begin_column[table]].number;
	if (kfs->suspended)
		return;
	/* Most spans are shorter than what lies between two keyframes. */
	for (uint32_t k = kfs->nr; k > 0 && kfs->frames[k - 1].t >= (uint64_t)t_begin; k--)
		note(kfs, k - 1, table, id);
}

void keyframes_take(struct keyframes *kfs, uint64_t t, uint64_t event)
{
	struct keyframe *frame;

	if (kfs->nr == kfs->max) {
		kfs->max = kfs->max ? 2 * kfs->max : 64;
		kfs->frames = xrealloc(kfs->frames, kfs->max, sizeof(*kfs->frames));
	}
	frame = &kfs->frames[kfs->nr++];
	*frame = (struct keyframe){.t = t, .event = event};
	memcpy(frame->last_id, kfs->last_id, sizeof(frame->last_id));
}

void keyframes_suspend(struct keyframes *kfs)
{
	kfs->suspended = true;
	memcpy(kfs->kept_id, kfs->last_id, sizeof(kfs->kept_id));
}

void keyframes_resume(struct keyframes *kfs)
{
	kfs->suspended = false;
	memcpy(kfs->last_id, kfs->kept_id, sizeof(kfs->last_id));
}

void keyframes_write(struct keyframes *kfs)
{
	for (uint32_t k = 0; k < kfs->nr; k++) {
		struct keyframe *frame = &kfs->frames[k];

		DB_INSERT(kfs->db, keyframe, INT(k + 1), INT(frame->t), INT(frame->event));
		for (enum db_table table = 0; table < NR_DB_TABLES; table++) {
			if (kfs->begin_column[table] == NO_COLUMN)
				continue;
			DB_INSERT(kfs->db, keyframe_end, INT(k + 1), INT(table),
				  INT(frame->last_id[table]));
			if (frame->chunks[table] && frame->chunks[table]->length)
				chunk_write(kfs, k, table, frame->chunks[table]);
		}
	}
	for (enum db_table table = 0; table < NR_DB_TABLES; table++) {
		if (kfs->begin_column[table] != NO_COLUMN)
			DB_INSERT(kfs->db, span_table, INT(table), TEXT(db_table_name(table)));
	}
}
