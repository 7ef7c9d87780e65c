/*
 * palimpsest-recover SESSION_DIR: recover.h, and a list of the streams whose end is there:
 *
 *   recovered.tsv     cpu, size of its stream; palimpsest-ingest then calls the tail of a stream of
 *                     that size recovered
 *
 * Exit status: 0 the end of every stream is there; 1 that of some is not, each named by a line; 2
 * nothing could be read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "trace/ingest/recover.h"

#define MAX_PATH 4200

static int tell(const struct error *error)
{
	fprintf(stderr, "palimpsest-recover: %s\n", error->message);
	return (int)error->kind;
}

static int tell_all(const struct recovered *recovered)
{
	uint64_t nr_packets = 0, nr_events = 0, lost = 0;
	int status = 0;

	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++) {
		const struct recovered_stream *stream = &recovered->cpu[cpu];

		nr_packets += stream->nr_packets;
		nr_events += stream->nr_events;
		lost += stream->lost;
		if (stream->error) {
			tell(stream->error);
			status = ERROR_DAMAGE;
		}
	}
	printf("%" PRIu64 " events in %" PRIu64 " packets", nr_events, nr_packets);
	printf(lost ? ", %" PRIu64 " behind an unfinished one lost\n" : "\n", lost);
	return status;
}

static struct error *write_list(const struct recovered *recovered, const char *session_dir)
{
	char path[MAX_PATH];
	FILE *list;

	snprintf(path, sizeof(path), "%s/recovered.tsv", session_dir);
	list = fopen(path, "we");
	if (!list)
		return error_new(ERROR_FATAL, "%s: %s", path, strerror(errno));
	fprintf(list, "cpu\tsize\n");
	for (uint32_t cpu = 0; cpu < recovered->nr_cpus; cpu++)
		if (!recovered->cpu[cpu].error)
			fprintf(list, "%u\t%" PRIu64 "\n", cpu, recovered->cpu[cpu].size);
	if (fclose(list) != 0)
		return error_new(ERROR_FATAL, "%s: %s", path, strerror(errno));
	return NULL;
}

static struct error *recover(const char *session_dir, struct layout **layout, int *status)
{
	struct recovered recovered = {0};
	char layout_path[MAX_PATH];
	struct error *error;

	snprintf(layout_path, sizeof(layout_path), "%s/events.tsv", session_dir);
	error = layout_load(layout, layout_path);
	if (!error)
		error = recover_session(&recovered, session_dir, *layout);
	if (!error) {
		*status = tell_all(&recovered);
		error = write_list(&recovered, session_dir);
	}
	recovered_free(&recovered);
	return error;
}

int main(int argc, char **argv)
{
	struct layout *layout = NULL;
	struct error *error;
	int status = 0;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: palimpsest-recover SESSION_DIR\n"
				"appends to its streams what its rings/ hold beyond them\n");
		return ERROR_FATAL;
	}
	error = recover(argv[1], &layout, &status);
	if (error) {
		status = tell(error);
		error_free(error);
	}
	layout_free(layout);
	return status;
}
