/*
 * Following a session while it is recorded.
 *
 * The streams grow. An event may be taken only when no stream can still bring one that belongs in front of it; merge.h has the
 * rule. A barrier in the guest makes every stream tell how far it is, also one that has nothing to say, so who records sends
 * barriers.
 *
 * The database is live meanwhile: it lies where every database grows (target.h), but in WAL mode and with commits, and from the
 * first commit on the link live.db beside its place leads to it. Each commit is what an ordinary run would make of the events so
 * far, open spans and summary included, without indexes; session has the key `live`. After a commit the link itself gets the time
 * of it, which inotify tells as IN_ATTRIB: nothing that SQLite writes into a WAL says that readers see it by now. What a killed
 * follower leaves is thrown away by the next run, as ever: only the database that is renamed at the end is a session's.
 *
 * The end of standard input says that nothing more will be written: who records holds a pipe, and when it dies the follower
 * finishes with what there is.
 */
#ifndef INGEST_FOLLOW_H
#define INGEST_FOLLOW_H

#include <stdbool.h>

#include "trace/ingest/error.h"

struct follow; /* what wakes the follower up */

/* Watches the streams below CTF_DIR. */
struct error *follow_start(struct follow **follow, const char *ctf_dir);
/* Waits until a stream has grown, or for a tenth of a second. False: standard input has ended, so what the streams hold now is
 * all. */
bool follow_wait(struct follow *follow);
void follow_stop(struct follow *follow);

#endif
