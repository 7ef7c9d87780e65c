#include "trace/ingest/merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* recovered.tsv beside the streams' directory names those, with their sizes, whose end
 * palimpsest-recover has appended. One of another size has changed since. */
static void mark_recovered(struct merge *merge)
{
	const char *stream_path = merge->streams[0].path;
	char path[4200], line[64];
	uint32_t cpu;
	uint64_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%.*s../recovered.tsv",
		 (int)(strrchr(stream_path, '/') + 1 - stream_path), stream_path);
	file = fopen(path, "r");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%" SCNu32 "\t%" SCNu64, &cpu, &size) != 2)
			continue;
		for (uint32_t i = 0; i < merge->nr_streams; i++)
			if (merge->streams[i].cpu == cpu && merge->streams[i].file_size == size)
				merge->streams[i].recovered = true;
	}
	fclose(file);
}

struct error *merge_open(struct merge *merge, const char *ctf_dir, const struct layout *layout,
			 enum merge_mode mode)
{
	*merge = (struct merge){0};
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++) {
		struct stream *stream = &merge->streams[merge->nr_streams];
		struct error *error;
		char path[4200];

		if (snprintf(path, sizeof(path), "%s/cpu%u", ctf_dir, cpu) >= (int)sizeof(path))
			return error_new(ERROR_FATAL, "%s: the path is too long", ctf_dir);
		if (access(path, F_OK) != 0)
			continue;
		merge->nr_streams++;
		error = stream_open(stream, path, cpu, layout);
		if (error)
			return error;
		stream->growing = mode == MERGE_GROWING;
	}
	if (merge->nr_streams == 0)
		return error_new(ERROR_FATAL, "%s: holds no cpu0: nothing was recorded here",
				 ctf_dir);
	mark_recovered(merge);
	merge_start(merge);
	return NULL;
}

void merge_start(struct merge *merge)
{
	for (uint32_t i = 0; i < merge->nr_streams; i++)
		merge->pending[i] = stream_next(&merge->streams[i], &merge->heads[i]);
	merge->current = merge->nr_streams;
}

void merge_look(struct merge *merge)
{
	for (uint32_t i = 0; i < merge->nr_streams; i++) {
		stream_look(&merge->streams[i]);
		if (!merge->pending[i])
			merge->pending[i] = stream_next(&merge->streams[i], &merge->heads[i]);
	}
}

void merge_settle(struct merge *merge)
{
	for (uint32_t i = 0; i < merge->nr_streams; i++)
		merge->streams[i].growing = false;
	merge_look(merge);
	mark_recovered(merge);
}

uint64_t merge_loss_t(const struct merge *merge)
{
	uint64_t t = UINT64_MAX;

	for (uint32_t i = 0; i < merge->nr_streams; i++) {
		if (merge->streams[i].loss_t < t)
			t = merge->streams[i].loss_t;
	}
	return t;
}

void merge_close(struct merge *merge)
{
	for (uint32_t i = 0; i < merge->nr_streams; i++)
		stream_close(&merge->streams[i]);
}

uint64_t merge_bytes(const struct merge *merge)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < merge->nr_streams; i++)
		bytes += merge->streams[i].file_size;
	return bytes;
}

/*
 * Whether no stream can still bring an event that belongs in front of this one. A stream's next event is not older than the end
 * of its last packet.
 */
static bool is_certain(const struct merge *merge, uint32_t best)
{
	uint64_t t = merge->heads[best].t;

	for (uint32_t i = 0; i < merge->nr_streams; i++) {
		const struct stream *stream = &merge->streams[i];

		if (merge->pending[i] || !stream->growing || stream->damage)
			continue;
		if (stream->last_t < t || (stream->last_t == t && i < best))
			return false;
	}
	return true;
}

/* A scan over at most TRACE_MAX_CPUS heads; a heap would cost more than it saves at that size. */
bool merge_next(struct merge *merge, struct event *event)
{
	uint32_t best = merge->nr_streams;

	if (merge->current < merge->nr_streams)
		merge->pending[merge->current] =
			stream_next(&merge->streams[merge->current], &merge->heads[merge->current]);
	for (uint32_t i = 0; i < merge->nr_streams; i++) {
		if (merge->pending[i] &&
		    (best == merge->nr_streams || merge->heads[i].t < merge->heads[best].t))
			best = i;
	}
	if (best < merge->nr_streams && !is_certain(merge, best))
		best = merge->nr_streams;
	merge->current = best;
	if (best == merge->nr_streams)
		return false;
	*event = merge->heads[best];
	event->rank = ++merge->rank;
	return true;
}
