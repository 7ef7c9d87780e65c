/*
 * Rows for one table, several to an INSERT: what a statement costs apart from its rows is more than what a row costs.
 */
#ifndef INGEST_BATCH_H
#define INGEST_BATCH_H

#include "trace/ingest/db.h"

/* Rows to an INSERT; with more than this little is gained, and all tables together keep a few megabytes waiting. */
#define BATCH_ROWS 128

struct batch;

/*
 * A batch of `rows` rows for a table of `columns` columns. With more than one, texts must live until batch_free(): rows are
 * written when the batch is full.
 */
struct batch *batch_new(struct db *db, const char *table, uint32_t columns, uint32_t rows);
/* Adds a row; a no-op once something failed. */
void batch_add(struct batch *batch, const struct db_value *values);
/* Writes the rows that wait. */
void batch_flush(struct batch *batch);
/* The same, and the end of the batch. Before db_finish(); NULL is allowed. */
void batch_free(struct batch *batch);

#endif
