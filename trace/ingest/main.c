/*
 * palimpsest-ingest [OPTIONS] SESSION_DIR: reads SESSION_DIR/ctf and writes SESSION_DIR/session.db.
 *
 * Exit status: 0 all read; 1 part of the trace is damaged, the database holds everything in front
 * of the damage; 2 nothing was written, and a database that was there before is untouched.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/ingest/keyframe.h"
#include "trace/ingest/load.h"
#include "trace/ingest/seal.h"

static int usage(void)
{
	fprintf(stderr,
		"usage: palimpsest-ingest [OPTIONS] SESSION_DIR\n"
		"reads SESSION_DIR/ctf, writes SESSION_DIR/session.db\n"
		"  -o, --output DB    write DB instead\n"
		"      --keyframe-events N  from one keyframe to the next (131072)\n"
		"      --follow       while the session is being recorded, until standard input "
		"ends; "
		"live.db beside DB can be read meanwhile\n"
		"      --events-only  event tables alone, for measuring\n"
		"      --seal         write SESSION_DIR/packets.tsv, a checksum of every packet\n"
		"      --verify       compare the packets with packets.tsv\n");
	return ERROR_FATAL;
}

static int tell(struct error *error)
{
	int status = error ? (int)error->kind : 0;

	if (error)
		fprintf(stderr, "palimpsest-ingest: %s\n", error->message);
	error_free(error);
	return status;
}

enum { OPT_FOLLOW = 256, OPT_EVENTS, OPT_SEAL, OPT_VERIFY, OPT_KEYFRAME };

static int load(const char *session_dir, const char *db_path, int mode, uint64_t keyframe_events)
{
	enum load_how how = mode == OPT_FOLLOW   ? LOAD_FOLLOW
			    : mode == OPT_EVENTS ? LOAD_EVENTS
						 : LOAD_ALL;
	char *path = db_path ? strdup(db_path) : NULL;
	int status;

	if (!db_path && asprintf(&path, "%s/session.db", session_dir) < 0)
		path = NULL;
	if (!path)
		return tell(error_new(ERROR_FATAL, "out of memory"));
	status = load_session(session_dir, path, how, keyframe_events);
	free(path);
	return status;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"output", required_argument, NULL, 'o'},
		{"follow", no_argument, NULL, OPT_FOLLOW},
		{"keyframe-events", required_argument, NULL, OPT_KEYFRAME},
		{"events-only", no_argument, NULL, OPT_EVENTS},
		{"seal", no_argument, NULL, OPT_SEAL},
		{"verify", no_argument, NULL, OPT_VERIFY},
		{NULL, 0, NULL, 0},
	};
	const char *db_path = NULL;
	char *end = NULL;
	uint64_t keyframe_events = KEYFRAME_EVENTS;
	int option, mode = 0;

	/* Options may stand behind the directory: GNU getopt permutes. */
	while ((option = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		if (option == OPT_KEYFRAME)
			keyframe_events = strtoull(optarg, &end, 10);
		else if (option == 'o')
			db_path = optarg;
		else if (option == '?' || mode)
			return usage();
		else
			mode = option;
	}
	if (end && (*end || !keyframe_events))
		return usage();
	if (optind != argc - 1)
		return usage();
	if (mode == OPT_SEAL)
		return tell(seal_write(argv[optind]));
	if (mode == OPT_VERIFY)
		return tell(seal_verify(argv[optind]));
	return load(argv[optind], db_path, mode, keyframe_events);
}
