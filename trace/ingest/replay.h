/*
 * Replaying a merged trace: each event against the model, which writes the state tables.
 */
#ifndef INGEST_REPLAY_H
#define INGEST_REPLAY_H

#include "trace/ingest/model.h"

/* The layout says which events the kernel that recorded could tell; keyframe_events: from one keyframe to the next (keyframe.h). */
struct model *replay_new(struct db *db, const struct layout *layout, uint64_t keyframe_events);

/* Replays one event. After `loss_t` events may be missing: illegal ones are still told, but not
 * searched for. */
void replay_event(struct model *m, const struct event *event, uint64_t loss_t);

/* The trace is over: writes every span that is open. */
void replay_end(struct model *m);

void replay_free(struct model *m);

#endif
