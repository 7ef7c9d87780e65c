/*
 * A file that is replaced whole or not at all. What will be PATH grows inside the directory PATH.tmp, next to whatever
 * SQLite needs while it sorts, and gets its name by rename() when it is complete and on the disk. A run that was killed
 * leaves PATH as it was and a PATH.tmp that the next run empties. A lock on the directory keeps two runs apart; the kernel
 * drops it when its holder dies.
 */
#ifndef INGEST_TARGET_H
#define INGEST_TARGET_H

#include "trace/ingest/error.h"

struct target {
	char *path;
	char *tmp_dir;
	char *tmp_path; /* the file inside, to be written by the caller */
	int dir_fd;     /* of tmp_dir, locked; -1: not opened */
};

/* Makes PATH.tmp, empty and locked. target_close() also after an error. */
struct error *target_open(struct target *target, const char *path);

/* Everything was written and closed: makes it last, then makes it PATH. */
struct error *target_commit(struct target *target);

/* Removes PATH.tmp with what is in it. Does nothing to a target that was never opened (all zero). */
void target_close(struct target *target);

#endif
