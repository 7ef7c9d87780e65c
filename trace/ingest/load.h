/*
 * From a session's directory to its database: opens everything, pumps all events through summary, tables and replay, and puts
 * the database in its place.
 */
#ifndef INGEST_LOAD_H
#define INGEST_LOAD_H

#include <stdint.h>

#include "trace/ingest/error.h"

enum load_how {
	LOAD_ALL,
	LOAD_EVENTS, /* event tables alone, without replay and indexes: to measure what those cost */
	LOAD_FOLLOW, /* while the session is being recorded; see follow.h */
};

/*
 * keyframe_events: from one keyframe to the next. Exit status: 0, ERROR_DAMAGE or ERROR_FATAL; what was wrong went to stderr, a
 * line each.
 */
int load_session(const char *session_dir, const char *db_path, enum load_how how,
		 uint64_t keyframe_events);

#endif
