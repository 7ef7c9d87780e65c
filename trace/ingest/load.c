#include "trace/ingest/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "trace/ingest/db.h"
#include "trace/ingest/follow.h"
#include "trace/ingest/layout.h"
#include "trace/ingest/merge.h"
#include "trace/ingest/replay.h"
#include "trace/ingest/summary.h"
#include "trace/ingest/tables.h"

/* A live database is a second behind at most, and committing takes a tenth of the time at most. */
#define COMMIT_NS    INT64_C(1000000000)
#define COMMIT_SHARE 10

/* Everything that a run opens; zero is closed. */
struct run {
	enum load_how how;
	uint64_t keyframe_events;
	struct layout *layout;
	struct merge merge;
	struct db *db;
	struct tables *tables;
	struct model *model;
	struct follow *follow;
	struct summary summary;
	struct event event; /* the last one; the model refers to it */
};

static struct error *out_of_memory(void)
{
	return error_new(ERROR_FATAL, "out of memory");
}

static struct error *open_trace(struct run *run, const char *session_dir)
{
	char *ctf_dir = NULL, *layout_path = NULL;
	struct error *error;

	if (asprintf(&ctf_dir, "%s/ctf", session_dir) < 0 ||
	    asprintf(&layout_path, "%s/events.tsv", session_dir) < 0)
		return out_of_memory();
	error = layout_load(&run->layout, layout_path);
	if (!error && run->how == LOAD_FOLLOW)
		error = follow_start(&run->follow, ctf_dir);
	if (!error)
		error = merge_open(&run->merge, ctf_dir, run->layout,
				   run->how == LOAD_FOLLOW ? MERGE_GROWING : MERGE_WHOLE);
	free(layout_path);
	free(ctf_dir);
	return error;
}

static struct error *run_open(struct run *run, const char *session_dir, const char *db_path)
{
	struct error *error = open_trace(run, session_dir);

	if (!error)
		error = db_create(&run->db, db_path, merge_bytes(&run->merge),
				  run->how == LOAD_FOLLOW ? DB_LIVE : DB_ONCE);
	if (!error) {
		run->tables = tables_new(run->db, run->layout);
		run->model = replay_new(run->db, run->layout, run->keyframe_events);
	}
	return error;
}

/* All events that can be taken now. */
static void pump(struct run *run)
{
	while (!db_failed(run->db) && merge_next(&run->merge, &run->event)) {
		summary_event(&run->summary, &run->event);
		tables_insert(run->tables, &run->event);
		if (run->how != LOAD_EVENTS)
			replay_event(run->model, &run->event, merge_loss_t(&run->merge));
	}
}

/* What follows from all events so far and not from one. */
static void write_rest(void *arg)
{
	struct run *run = arg;

	replay_end(run->model);
	summary_write(&run->summary, run->db, &run->merge, run->tables, run->model);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void follow_to_end(struct run *run)
{
	int64_t due = now_ns();
	uint64_t committed = UINT64_MAX;

	do {
		int64_t begin;

		merge_look(&run->merge);
		pump(run);
		begin = now_ns();
		if (begin < due || run->summary.nr_events == committed)
			continue;
		db_publish(run->db, write_rest, run);
		committed = run->summary.nr_events;
		due = now_ns() + (now_ns() - begin) * COMMIT_SHARE;
		if (due < begin + COMMIT_NS)
			due = begin + COMMIT_NS;
	} while (!db_failed(run->db) && follow_wait(run->follow));
	merge_settle(&run->merge);
}

static struct error *run_all(struct run *run)
{
	if (run->how == LOAD_FOLLOW)
		follow_to_end(run);
	pump(run);
	write_rest(run);
	tables_free(run->tables);
	run->tables = NULL;
	return db_finish(run->db, run->how == LOAD_EVENTS ? DB_PLAIN : DB_INDEXED);
}

static void run_close(struct run *run)
{
	replay_free(run->model);
	tables_free(run->tables);
	db_close(run->db);
	merge_close(&run->merge);
	follow_stop(run->follow);
	layout_free(run->layout);
}

/* One line per damaged stream; returns the exit status. */
static int tell_damage(const struct merge *merge)
{
	int status = 0;

	for (uint32_t i = 0; i < merge->nr_streams; i++) {
		const struct error *damage = merge->streams[i].damage;

		if (!damage)
			continue;
		fprintf(stderr, "palimpsest-ingest: %s\n", damage->message);
		status = ERROR_DAMAGE;
	}
	return status;
}

int load_session(const char *session_dir, const char *db_path, enum load_how how,
		 uint64_t keyframe_events)
{
	struct run run = {.how = how, .keyframe_events = keyframe_events};
	struct error *error = run_open(&run, session_dir, db_path);
	int status;

	if (!error)
		error = run_all(&run);
	if (error) {
		fprintf(stderr, "palimpsest-ingest: %s\n", error->message);
		status = error->kind;
		error_free(error);
	} else {
		status = tell_damage(&run.merge);
	}
	run_close(&run);
	return status;
}
