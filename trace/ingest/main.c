/*
 * palimpsest-ingest SESSION_DIR [-o DB]: reads SESSION_DIR/ctf and writes SESSION_DIR/session.db
 * (or DB).
 *
 * Exit status: 0 all read; 1 part of the trace is damaged, the database holds everything in front
 * of the damage; 2 nothing was written, and a database that was there before is untouched.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/ingest/db.h"
#include "trace/ingest/layout.h"
#include "trace/ingest/merge.h"
#include "trace/ingest/replay.h"
#include "trace/ingest/summary.h"
#include "trace/ingest/tables.h"

/* Everything that a run opens; zero is closed. */
struct run {
	struct layout *layout;
	struct merge merge;
	struct db *db;
	struct tables *tables;
	struct model *model;
	struct summary summary;
};

/* DIR/NAME, to be freed. */
static char *join(const char *dir, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		fprintf(stderr, "palimpsest-ingest: out of memory\n");
		exit(ERROR_FATAL);
	}
	return path;
}

static struct error *run_open(struct run *run, const char *session_dir, const char *db_path)
{
	char *ctf_dir = join(session_dir, "ctf");
	char *layout_path = join(session_dir, "events.tsv");
	struct error *error = layout_load(&run->layout, layout_path);

	if (!error)
		error = merge_open(&run->merge, ctf_dir, run->layout);
	if (!error)
		error = db_create(&run->db, db_path, merge_bytes(&run->merge));
	if (!error) {
		run->tables = tables_new(run->db, run->layout);
		run->model = replay_new(run->db);
	}
	free(layout_path);
	free(ctf_dir);
	return error;
}

static struct error *run_all(struct run *run)
{
	struct event event;

	while (!db_failed(run->db) && merge_next(&run->merge, &event)) {
		summary_event(&run->summary, &event);
		tables_insert(run->tables, &event);
		replay_event(run->model, &event, merge_loss_t(&run->merge));
	}
	replay_end(run->model);
	summary_write(&run->summary, run->db, &run->merge, run->tables, run->model);
	tables_free(run->tables);
	run->tables = NULL;
	return db_finish(run->db);
}

static void run_close(struct run *run)
{
	replay_free(run->model);
	tables_free(run->tables);
	db_close(run->db);
	merge_close(&run->merge);
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

static int ingest(const char *session_dir, const char *db_path)
{
	struct run run = {0};
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

static int usage(void)
{
	fprintf(stderr, "usage: palimpsest-ingest SESSION_DIR [-o DB]\n"
			"reads SESSION_DIR/ctf, writes SESSION_DIR/session.db (or DB)\n");
	return ERROR_FATAL;
}

int main(int argc, char **argv)
{
	char *db_path = NULL;
	int option, status;

	/* Options may stand behind the directory: GNU getopt permutes. */
	while ((option = getopt(argc, argv, "o:")) != -1) {
		if (option != 'o')
			return usage();
		free(db_path);
		db_path = strdup(optarg);
		if (!db_path)
			return usage();
	}
	if (optind != argc - 1)
		return usage();
	if (!db_path)
		db_path = join(argv[optind], "session.db");
	status = ingest(argv[optind], db_path);
	free(db_path);
	return status;
}
