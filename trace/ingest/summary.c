#include "trace/ingest/summary.h"

#include <inttypes.h>
#include <stdio.h>

/* Bump it with every incompatible change of schema.sql, together with PRAGMA user_version there. */
#define SCHEMA_VERSION 1

static void put_int(struct db *db, const char *key, int64_t value)
{
	DB_INSERT(db, session, TEXT(key), INT(value));
}

static void put_text(struct db *db, const char *key, const char *value)
{
	DB_INSERT(db, session, TEXT(key), TEXT(value));
}

static void write_machine(struct db *db, const struct model *model)
{
	const struct trace_ev_session_begin *machine = &model->machine;

	put_int(db, "tsc_hz", (int64_t)machine->tsc_hz);
	put_int(db, "nr_cpus", machine->nr_cpus);
	put_int(db, "nr_frames", machine->nr_frames);
	put_int(db, "max_pfn", machine->max_pfn);
	put_int(db, "nr_slots", machine->nr_slots);
	put_int(db, "watermark_min", machine->watermark_min);
	put_int(db, "watermark_low", machine->watermark_low);
	put_int(db, "watermark_high", machine->watermark_high);
	put_int(db, "lossless", machine->lossless);
}

static void write_end(struct db *db, const struct model *model)
{
	put_text(db, "ended", model->ended ? "yes" : "no");
	if (!model->ended)
		return;
	put_int(db, "status", model->end.status);
	put_text(db, "reason", enum_text(ENUM_ID_session_reason, model->end.reason));
}

/* Nothing is missing at the end of a stream that was read to its end when the session ended in
 * order, or when the end was read from the guest's memory. */
static const char *tail_of(const struct stream *stream, const struct model *model)
{
	if (stream->damage || stream->trimmed_bytes)
		return "unknown";
	if (model->ended)
		return "none";
	return stream->recovered ? "recovered" : "unknown";
}

/* A stream that just stops lacks whatever came after its last packet. */
static bool just_stops(const struct stream *stream, const struct model *model)
{
	return (!model->ended && !stream->recovered) || stream->trimmed_bytes;
}

/* From here on events may be missing; UINT64_MAX: none are. */
static uint64_t uncertain_from(const struct stream *stream, const struct model *model)
{
	return just_stops(stream, model) && stream->last_t < stream->loss_t ? stream->last_t
									    : stream->loss_t;
}

/* When events of a stream are missing. What is not known by number is missing to the end. */
static void write_losses(struct db *db, const struct stream *stream, const struct model *model)
{
	bool open = stream->damage || just_stops(stream, model);

	for (uint32_t i = 0; i < stream->nr_losses; i++) {
		const struct loss_window *loss = &stream->losses[i];

		DB_INSERT(db, loss_window, INT(stream->cpu), INT(loss->t_from), INT(loss->t_to),
			  INT(loss->events));
	}
	if (open)
		DB_INSERT(db, loss_window, INT(stream->cpu), INT(stream->last_t), INT(T_OPEN), NIL);
}

/* Emitted = received + discarded holds for every packet; the first that breaks it is a violation
 * without an event. */
static void write_miscount(struct db *db, const struct stream *stream)
{
	const struct miscount *miscount = &stream->miscount;
	struct text object, expected, found;

	if (!miscount->found)
		return;
	object = fmt("packet %" PRIu64 " of CPU %u", miscount->seq, stream->cpu);
	expected = fmt("emitted = %" PRIu64 " received + %" PRIu64 " discarded", miscount->received,
		       miscount->discarded);
	found = fmt("%" PRIu64, miscount->emitted);
	DB_INSERT(db, order_violation, INT(0), TEXT(object.s), TEXT(expected.s), TEXT(found.s),
		  TEXT("packet"), INT(stream->last_t), INT(stream->cpu));
}

static void write_streams(struct db *db, const struct merge *merge, const struct model *model)
{
	uint64_t discarded = 0, stalled = 0, trimmed = 0, violations = model->nr_violations;
	uint64_t certain_until = UINT64_MAX;

	for (uint32_t i = 0; i < merge->nr_streams; i++) {
		const struct stream *stream = &merge->streams[i];

		DB_INSERT(db, loss, INT(stream->cpu), INT(stream->emitted), INT(stream->received),
			  INT(stream->discarded), INT(model->stalled_ns[stream->cpu]),
			  TEXT(tail_of(stream, model)));
		write_miscount(db, stream);
		write_losses(db, stream, model);
		discarded += stream->discarded;
		stalled += model->stalled_ns[stream->cpu];
		trimmed += stream->trimmed_bytes;
		violations += stream->miscount.found;
		if (uncertain_from(stream, model) < certain_until)
			certain_until = uncertain_from(stream, model);
		if (stream->damage)
			put_text(db, fmt("damage_cpu%u", stream->cpu).s, stream->damage->message);
	}
	put_int(db, "discarded", (int64_t)discarded);
	put_int(db, "stalled_ns", (int64_t)stalled);
	put_int(db, "trimmed_bytes", (int64_t)trimmed);
	put_int(db, "nr_violations", (int64_t)violations);
	if (certain_until != UINT64_MAX)
		put_int(db, "uncertain_from", (int64_t)certain_until);
}

void summary_write(const struct summary *summary, struct db *db, const struct merge *merge,
		   const struct tables *tables, const struct model *model)
{
	put_int(db, "schema_version", SCHEMA_VERSION);
	put_int(db, "abi_version", TRACE_ABI_VERSION);
	put_int(db, "nr_events", (int64_t)summary->nr_events);
	put_int(db, "nr_skipped", (int64_t)tables->skipped);
	put_int(db, "t_first", (int64_t)summary->t_first);
	put_int(db, "t_last", (int64_t)summary->t_last);
	put_int(db, "nr_baselines", model->generation);
	put_int(db, "nr_barriers", (int64_t)model->nr_barriers);
	write_machine(db, model);
	write_end(db, model);
	write_streams(db, merge, model);
	for (uint32_t id = 0; id < LAYOUT_MAX_IDS; id++) {
		if (tables->count[id])
			DB_INSERT(db, event_count,
				  TEXT(layout_event_name(tables->layout, (uint16_t)id)),
				  INT(tables->count[id]));
	}
	DB_INSERT(db, moment, INT(summary->t_last));
}
