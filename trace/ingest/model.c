/*
 * What all families of the model use: violations, descriptors by number, sweeping and flushing
 * maps.
 */
#include "trace/ingest/model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct text fmt(const char *format, ...)
{
	struct text text;
	va_list args;

	va_start(args, format);
	vsnprintf(text.s, sizeof(text.s), format, args);
	va_end(args);
	return text;
}

void violation(struct model *m, struct text object, struct text expected, struct text found)
{
	const struct event_info *info = event_info_by_id(m->event->id);

	if (++m->nr_violations > MAX_RECORDED_VIOLATIONS)
		return;
	DB_INSERT(m->db, order_violation, INT(m->event->rank), TEXT(object.s), TEXT(expected.s),
		  TEXT(found.s), TEXT(info->name), INT(m->event->t), INT(m->event->cpu));
}

void disagreement(struct model *m, struct text object, struct text expected, struct text found)
{
	if (m->phase != PHASE_BUILD)
		violation(m, object, expected, found);
}

static uint32_t limit_of(uint32_t announced)
{
	return announced && announced < MAX_FRAMES ? announced : MAX_FRAMES;
}

struct frame *frame_at(struct model *m, uint32_t pfn)
{
	uint32_t limit = limit_of(m->machine.max_pfn);

	if (pfn >= limit) {
		violation(m, fmt("frame %u", pfn), fmt("below max_pfn %u", limit), fmt("%u", pfn));
		return NULL;
	}
	return sparse_at(&m->frames, pfn);
}

struct slot *slot_at(struct model *m, uint32_t number)
{
	/* Slot 0 is the swap area's header, so numbers reach nr_slots itself. */
	uint32_t limit = limit_of(m->machine.nr_slots ? m->machine.nr_slots + 1 : 0);

	if (number >= limit) {
		violation(m, fmt("slot %u", number), fmt("below %u", limit), fmt("%u", number));
		return NULL;
	}
	return sparse_at(&m->slots, number);
}

struct frame *frame_allocated(struct model *m, uint32_t pfn)
{
	static const char *const names[] = {"unknown", "inside a block", "free in the buddy lists",
					    "free on a CPU's list", "allocated"};
	struct frame *frame = frame_at(m, pfn);

	if (frame && frame->state != FRAME_ALLOCATED) {
		violation(m, fmt("frame %u", pfn), fmt("allocated"),
			  fmt("%s", names[frame->state]));
		return NULL;
	}
	return frame;
}

struct task *current_task(struct model *m)
{
	int32_t pid = m->current[m->event->cpu];

	return pid > 0 ? map_find(&m->tasks, (uint32_t)pid, 0) : NULL;
}

bool in_own_mm(struct model *m, uint32_t mm_id)
{
	const struct task *task = current_task(m);

	return task && task->mm_id == mm_id && !task->exiting;
}

void check_runs_here(struct model *m, int32_t pid)
{
	if (m->current[m->event->cpu] != pid)
		violation(m, fmt("CPU %u", m->event->cpu),
			  fmt("runs %d", m->current[m->event->cpu]), fmt("task %d", pid));
}

struct mm *mm_known(struct model *m, uint32_t mm_id)
{
	struct mm *mm = map_find(&m->mms, mm_id, 0);

	if (!mm)
		violation(m, fmt("mm %u", mm_id), fmt("exists"), fmt("unknown"));
	return mm;
}

void map_sweep(struct model *m, struct map *map, const char *what,
	       void (*end_span)(struct model *m, void *record, uint64_t t))
{
	size_t nr = 0;
	struct map_entry *keys = xcalloc(map->count + 1, sizeof(*keys));
	struct map_entry *entry;

	/* Removing shifts records, so the keys are collected first. */
	map_for_each (map, entry) {
		if (entry->generation != m->generation)
			keys[nr++] = *entry;
	}
	for (size_t i = 0; i < nr; i++) {
		disagreement(m, fmt("%s %" PRIu64 " 0x%" PRIx64, what, keys[i].a, keys[i].b),
			     fmt("listed by the baseline"), fmt("not listed"));
		entry = map_find(map, keys[i].a, keys[i].b);
		end_span(m, entry, m->baseline_t);
		map_remove(map, entry);
	}
	free(keys);
}

void map_flush(struct model *m, const struct map *map,
	       void (*end_span)(struct model *m, void *record, uint64_t t))
{
	void *record;

	map_for_each (map, record)
		end_span(m, record, T_OPEN);
}
