/*
 * Keyframes: instants for which the database lists what lives, so that the state at any other is found without reading all spans.
 *
 * A span is inserted when it ends, so that the rows of a table ascend with t_end, and those that ended between two instants
 * stand together. A keyframe keeps, for each table, where the rows that ended until then stop. A row that comes later began
 * before some of the keyframes and ends behind them all: it lives in those, and its rowid is noted there. The state at T, with K
 * the first keyframe that is not before T, is
 *
 *   the rows noted in K with t_begin <= T, and the rows between the ends of K - 1 and K with t_begin <= T and T < t_end;
 *
 * behind the last keyframe, all rows behind its end. That holds because rows inserted after a keyframe end later than it: at
 * the event being replayed, or at the begin of a baseline. Hence no keyframe is taken inside a baseline, nor between two events
 * of one stamp.
 *
 * A table with a row for each span alive at each keyframe was rejected: it has more rows than the spans themselves and, as spans
 * end in no order of keyframes, costs a third of the ingest. The rowids of a hundred spans are one row instead.
 */
#ifndef INGEST_KEYFRAME_H
#define INGEST_KEYFRAME_H

#include "trace/ingest/db.h"

/* Events from one keyframe to the next: what ended between two is read in a few milliseconds. */
#define KEYFRAME_EVENTS (UINT64_C(1) << 17)

struct keyframes;

struct keyframes *keyframes_new(struct db *db);
void keyframes_free(struct keyframes *keyframes);
/* Forgets all keyframes and rows. */
void keyframes_reset(struct keyframes *keyframes);

/* Says that `table` is a table of spans with t_begin in this column, whose rowids count from 1. */
void keyframes_add_table(struct keyframes *keyframes, enum db_table table, uint32_t begin_column);
/* A row goes into `table`, behind all others; tables that were not added are left alone. */
void keyframes_row(struct keyframes *keyframes, enum db_table table, const struct db_value *values);
/* A keyframe: all events until t, the last of them `event`, were replayed, and the next one is later. */
void keyframes_take(struct keyframes *keyframes, uint64_t t, uint64_t event);

/* What follows is taken back: its rows are counted, and noted nowhere. */
void keyframes_suspend(struct keyframes *keyframes);
/* It was. */
void keyframes_resume(struct keyframes *keyframes);

/* When all rows are in. */
void keyframes_write(struct keyframes *keyframes);

#endif
