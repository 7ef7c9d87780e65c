#include "trace/ingest/layout.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME 64

struct entry {
	unsigned int id;
	char name[MAX_NAME];
	unsigned int size;
	uint64_t hash;
};

/* Rows of event_count are told apart by name. */
static bool name_is_taken(const struct layout *layout, const char *name)
{
	for (size_t i = 0; i < nr_event_infos; i++) {
		if (strcmp(event_infos[i].name, name) == 0)
			return true;
	}
	for (uint32_t id = 0; id < LAYOUT_MAX_IDS; id++) {
		if (layout->unknown_name[id] && strcmp(layout->unknown_name[id], name) == 0)
			return true;
	}
	return false;
}

/* Takes one entry of events.tsv into the layout; returns what is wrong with it, or NULL. */
static const char *layout_add(struct layout *layout, const struct entry *entry)
{
	const struct event_info *event = event_info_by_id(entry->id);

	if (entry->id >= LAYOUT_MAX_IDS || entry->size % 8 != 0 || entry->size > TRACE_SUBBUF_SIZE)
		return "an id or size that no event can have";
	if (layout->size[entry->id] >= 0)
		return "an id that an earlier line has";
	if (!event && name_is_taken(layout, entry->name))
		return "a name that another event has";
	if (!event) {
		layout->unknown_name[entry->id] = strdup(entry->name);
		if (!layout->unknown_name[entry->id])
			return "a name for which there is no memory";
	} else if (strcmp(event->name, entry->name) != 0 || event->size != entry->size ||
		   event_layout_hash(event) != entry->hash) {
		return "a layout that differs from this program's; ingest with the build that "
		       "recorded";
	} else {
		layout->known[entry->id] = event;
	}
	layout->size[entry->id] = (int32_t)entry->size;
	return NULL;
}

static struct error *layout_parse(struct layout *layout, FILE *file, const char *path)
{
	char line[256];
	unsigned int number = 0;

	while (fgets(line, sizeof(line), file)) {
		struct entry entry = {0};
		const char *wrong;
		int used = 0;

		if (number++ == 0) {
			if (strcmp(line, "id\tname\tsize\tlayout\n") == 0)
				continue;
			return error_new(ERROR_FATAL,
					 "%s:1: not a list of events: copy events.tsv "
					 "of the build that recorded",
					 path);
		}
		if (sscanf(line, "0x%x\t%63[a-z0-9_]\t%u\t%" SCNx64 "%n", &entry.id, entry.name,
			   &entry.size, &entry.hash, &used) != 4 ||
		    strcmp(line + used, "\n") != 0)
			return error_new(ERROR_FATAL,
					 "%s:%u: not `id name size layout`: copy events.tsv "
					 "of the build that recorded",
					 path, number);
		wrong = layout_add(layout, &entry);
		if (wrong)
			return error_new(ERROR_FATAL, "%s:%u: event %s (0x%02x) has %s", path,
					 number, entry.name, entry.id, wrong);
	}
	if (ferror(file) || number == 0)
		return error_new(ERROR_FATAL,
				 "%s: cannot be read, or is empty: copy events.tsv of "
				 "the build that recorded",
				 path);
	return NULL;
}

struct error *layout_load(struct layout **out, const char *path)
{
	struct layout *layout = xcalloc(1, sizeof(*layout));
	struct error *error;
	FILE *file;

	*out = layout;
	memset(layout->size, -1, sizeof(layout->size));
	file = fopen(path, "re");
	if (!file)
		return error_new(ERROR_FATAL,
				 "%s: %s: a session holds the events.tsv of the build that "
				 "recorded it",
				 path, strerror(errno));
	error = layout_parse(layout, file, path);
	fclose(file);
	return error;
}

void layout_free(struct layout *layout)
{
	if (!layout)
		return;
	for (size_t i = 0; i < LAYOUT_MAX_IDS; i++)
		free(layout->unknown_name[i]);
	free(layout);
}

const char *layout_event_name(const struct layout *layout, uint16_t id)
{
	if (id < TRACE_ID_LIMIT && layout->known[id])
		return layout->known[id]->name;
	return layout->unknown_name[id] ? layout->unknown_name[id] : "unknown";
}
