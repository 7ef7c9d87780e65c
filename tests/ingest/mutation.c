/*
 * Changes a real trace event by event, and asks whether the replay notices.
 *
 *   mutation INSTANCES SESSION_DIR...
 *
 * A mutation drops an event, tells it twice, exchanges it with the next one about the same object, or changes one field.
 * Packets have no part in it: events are fed to the model as decoded, so no counter of packets or of losses can tell. What
 * counts as noticed is an order violation (the comparison with a later baseline is one), or a counter of the kernel that no
 * longer equals its events. mutation.def lists what need not be noticed, and why.
 *
 * The trace is cut at its baselines: a piece begins with one and ends with the next one, so a change of state is compared
 * soon. A piece is replayed once; at each event to be changed the process forks, and the child goes on with the change.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/ingest/db.h"
#include "trace/ingest/error.h"
#include "trace/ingest/layout.h"
#include "trace/ingest/merge.h"
#include "trace/ingest/replay.h"
#include "trace/ingest/tables.h"

#define MAX_PIECES    64
#define MAX_FIELDS    16
#define FIRST_FIELD   3 /* of the mutations of an event; those before are named below */
#define NR_MUTATIONS  (FIRST_FIELD + MAX_FIELDS)
#define BARRIER_REACH 4000
#define PARTNER_REACH 20000 /* events that a swap may reach over */

/* So many tell whether something is noticed sometimes. */
#define MANY 100

enum { DROP, TWICE, SWAP };
enum outcome { NOTICED = 10, COUNTED, UNNOTICED, UNCHANGED };

static const char *const names[FIRST_FIELD] = {"drop", "twice", "swap"};

enum listed { NOT_LISTED, LISTED_NEVER, LISTED_SOMETIMES };

static const struct listing {
	enum listed how;
	uint32_t id;
	const char *what, *why;
} listings[] = {
#define NEVER(event, what, why)     {LISTED_NEVER, TRACE_ID_##event, #what, why},
#define SOMETIMES(event, what, why) {LISTED_SOMETIMES, TRACE_ID_##event, #what, why},
#define ABSENT(event, why)          {LISTED_NEVER, TRACE_ID_##event, "", why},
#include "tests/ingest/mutation.def"
	{NOT_LISTED, 0, NULL, NULL},
};

/* Events that undo each other: exchanged, they are illegal. */
static const uint16_t inverse[TRACE_ID_LIMIT] = {
#define UNDO(one, other) [TRACE_ID_##one] = TRACE_ID_##other, [TRACE_ID_##other] = TRACE_ID_##one,
#include "tests/ingest/mutation.def"
};

struct tally {
	uint32_t tried, noticed, counted;
};

static struct event *events; /* of the whole trace */
static size_t nr_events;
static struct {
	size_t begin, end;
} pieces[MAX_PIECES];
static uint32_t nr_pieces;
static struct event machine_event; /* session_begin, which each piece begins with */
static struct layout *layout;
static struct tally tallies[TRACE_ID_LIMIT][NR_MUTATIONS];
static uint64_t random_state;

static uint64_t roll(uint64_t sides)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (random_state >> 33) % sides;
}

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "mutation: %s: %s\n", what, why);
	exit(2);
}

static void check(struct error *error)
{
	if (error)
		fail("trace", error->message);
}

/* ---- the trace ---- */

static void load(const char *dir)
{
	static struct merge merge;
	static size_t room;
	struct event event;
	char path[512];

	snprintf(path, sizeof(path), "%s/events.tsv", dir);
	check(layout_load(&layout, path));
	snprintf(path, sizeof(path), "%s/ctf", dir);
	check(merge_open(&merge, path, layout, MERGE_WHOLE));
	while (merge_next(&merge, &event)) {
		void *payload = malloc(event.size);

		if (nr_events == room) {
			room = room ? room * 2 : 4096;
			events = realloc(events, room * sizeof(*events));
		}
		if (!events || !payload)
			fail(dir, "out of memory");
		memcpy(payload, event.payload, event.size);
		events[nr_events] = event;
		events[nr_events++].payload = payload;
	}
	merge_close(&merge);
}

/* From each baseline to the end of the next one's counters, or of the trace. Baselines count from 1 in each piece. */
static void cut(void)
{
	size_t barrier = 0;

	for (size_t i = 0; i < nr_events; i++) {
		if (events[i].id == TRACE_ID_session_begin)
			machine_event = events[i];
		if (events[i].id == TRACE_ID_trace_barrier)
			barrier = i;
		/* With the barrier in front of it, if there is one. */
		if (events[i].id == TRACE_ID_state_begin && nr_pieces < MAX_PIECES)
			pieces[nr_pieces++].begin =
				barrier && i - barrier < BARRIER_REACH ? barrier : i;
	}
	pieces[0].begin = 0;
	for (uint32_t n = 0; n < nr_pieces; n++) {
		size_t end = nr_events;

		if (n + 2 < nr_pieces)
			for (end = pieces[n + 1].begin + 1; events[end].id != TRACE_ID_state_end;
			     end++)
				;
		while (end < nr_events && n + 2 < nr_pieces &&
		       (events[end].id == TRACE_ID_state_end || events[end].id == TRACE_ID_vmstat))
			end++;
		/* And one event more, which shows that the baseline is over. */
		pieces[n].end = end < nr_events ? end + 1 : end;
	}
	/* The last piece would have no baseline at its end: it belongs to the one before. */
	if (nr_pieces > 1)
		nr_pieces--;
}

/* ---- replaying ---- */

struct replay {
	struct db *db;
	struct tables *tables;
	struct model *model;
	uint64_t rank, baselines;
};

static void feed(struct replay *r, const struct event *event)
{
	struct event copy = *event;
	struct trace_ev_state_begin begin;

	copy.rank = ++r->rank;
	if (copy.id == TRACE_ID_state_begin) {
		begin = *(const struct trace_ev_state_begin *)copy.payload;
		begin.n -= r->baselines;
		copy.payload = &begin;
	}
	tables_insert(r->tables, &copy);
	replay_event(r->model, &copy, UINT64_MAX);
}

static bool counters_differ(struct replay *r)
{
	sqlite3_stmt *statement;
	bool differ;

	statement = db_prepare(r->db, "SELECT 1 FROM vmstat_check WHERE NOT equal");
	if (!statement || db_failed(r->db))
		fail("database", "a statement failed");
	differ = sqlite3_step(statement) == SQLITE_ROW;
	sqlite3_finalize(statement);
	return differ;
}

static const struct field_info *field_of(const struct event *event, uint32_t mutation,
					 uint32_t *offset)
{
	const struct event_info *info = event_info_by_id(event->id);

	*offset = 0;
	for (uint32_t i = 0; i < mutation - FIRST_FIELD; i++)
		*offset += info->fields[i].size;
	return &info->fields[mutation - FIRST_FIELD];
}

/* Another value that the field may have: of an enumeration another name, of flags one of them more or less, else that of
 * another event of the kind or a neighbour. */
static void change_field(const struct event *event, uint32_t mutation, uint32_t instance,
			 uint8_t *payload)
{
	uint32_t offset;
	const struct field_info *field = field_of(event, mutation, &offset);
	uint8_t *place = payload + offset;
	uint64_t value = 0;

	if (field->type == FT_text) {
		place[0] = place[0] == 'm' ? 'n' : 'm';
		return;
	}
	memcpy(&value, place, field->size);
	if (field->enum_name) {
		for (size_t i = 0; i < NR_ENUM_INFOS; i++) {
			const struct enum_info *info = &enum_infos[i];
			uint32_t pick;

			if (strcmp(info->name, field->enum_name))
				continue;
			do
				pick = info->values[roll(info->nr_values)].number;
			while (!info->is_flags && pick == value);
			value = info->is_flags ? value ^ pick : pick;
		}
	} else if (field->role == FIELD_PAD) {
		value = 1 + roll(255);
	} else if (instance % 2) {
		uint64_t old = value;

		for (int tries = 0; tries < 64 && value == old; tries++) {
			const struct event *other = &events[roll(nr_events)];

			for (size_t far = 0; far < nr_events && other->id != event->id; far++)
				other = other + 1 == events + nr_events ? events : other + 1;
			memcpy(&value, (const uint8_t *)other->payload + offset, field->size);
		}
		if (value == old)
			value++;
	} else {
		value += roll(2) || !value ? 1 : UINT64_MAX;
	}
	memcpy(place, &value, field->size);
}

/* What an event is about, to find the next one about the same. */
static bool object_of(const struct event *event, uint64_t key[2])
{
	static const char *const keys[] = {"va",          "pfn",   "slot",    "vma_id",
					   "anon_vma_id", "mm_id", "pass_id", "kill_id",
					   "child_pid",   "pid",   "item",    "sector"};
	const struct event_info *info = event_info_by_id(event->id);
	uint64_t mm_id = 0;

	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		uint32_t offset = 0;
		bool found = false;

		key[0] = key[1] = 0;
		for (uint32_t i = 0; i < info->nr_fields; offset += info->fields[i++].size) {
			const struct field_info *field = &info->fields[i];

			if (field->type != FT_text && !strcmp(field->name, "mm_id"))
				memcpy(&mm_id, (const uint8_t *)event->payload + offset,
				       field->size);
			if (field->type == FT_text || strcmp(field->name, keys[k]))
				continue;
			memcpy(&key[0], (const uint8_t *)event->payload + offset, field->size);
			found = true;
		}
		if (found) {
			key[1] = k == 0 ? mm_id : 0;
			return true;
		}
	}
	key[0] = event->cpu;
	return event->id == TRACE_ID_sched_switch;
}

static size_t partner(size_t at, size_t end)
{
	uint64_t key[2], other[2];

	/* Records of a baseline have no order. */
	if (events[at].id >= TRACE_ID_state_task || !object_of(&events[at], key))
		return end;
	for (size_t i = at + 1; i < end && i < at + PARTNER_REACH; i++) {
		bool same = events[i].id == events[at].id;

		if (!same && events[i].id != inverse[events[at].id])
			continue;
		if (!object_of(&events[i], other) || memcmp(key, other, sizeof(key)))
			continue;
		if (same && !memcmp(events[i].payload, events[at].payload, events[at].size))
			continue;
		return i;
	}
	return end;
}

static void exchange(struct event *one, struct event *other)
{
	struct event copy = *one;

	*one = *other;
	one->t = copy.t;
	copy.t = other->t;
	*other = copy;
}

/* The rest of the piece with the change; ends the process. */
static void go_on(struct replay *r, size_t at, size_t end, uint32_t mutation, uint32_t instance)
{
	uint8_t payload[256];
	size_t other;

	switch (mutation) {
	case DROP:
		at++;
		break;
	case TWICE:
		feed(r, &events[at]);
		break;
	case SWAP:
		other = partner(at, end);
		if (other == end)
			_exit(UNCHANGED);
		exchange(&events[at], &events[other]);
		break;
	default:
		memcpy(payload, events[at].payload, events[at].size);
		change_field(&events[at], mutation, instance, payload);
		events[at].payload = payload;
	}
	for (size_t i = at; i < end && !r->model->nr_violations; i++)
		feed(r, &events[i]);
	if (r->model->nr_violations)
		_exit(NOTICED);
	_exit(counters_differ(r) ? COUNTED : UNNOTICED);
}

/* ---- which mutations ---- */

struct plan {
	size_t at;
	uint32_t piece, mutation, instance;
};

static struct plan *plans;
static size_t nr_plans;

static int by_place(const void *a, const void *b)
{
	const struct plan *one = a, *other = b;

	if (one->piece != other->piece)
		return one->piece < other->piece ? -1 : 1;
	return one->at < other->at ? -1 : one->at > other->at;
}

static enum listed listing_of(uint32_t id, const char *what)
{
	for (const struct listing *l = listings; l->how; l++)
		if (l->id == id && !strcmp(l->what, what))
			return l->how;
	return NOT_LISTED;
}

static const char *name_of(const struct event_info *info, uint32_t mutation)
{
	return mutation < FIRST_FIELD ? names[mutation] : info->fields[mutation - FIRST_FIELD].name;
}

/* The first piece that has the event. */
static bool piece_of(size_t at, uint32_t *piece)
{
	for (uint32_t n = 0; n < nr_pieces; n++) {
		if (pieces[n].begin <= at && at < pieces[n].end) {
			*piece = n;
			return true;
		}
	}
	return false;
}

static void plan_event(const struct event_info *info, uint32_t instances)
{
	size_t *places = malloc(nr_events * sizeof(*places)), nr = 0;
	uint32_t piece;

	for (size_t i = 0; i < nr_events; i++)
		if (events[i].id == info->id && piece_of(i, &piece))
			places[nr++] = i;
	for (uint32_t mutation = 0; nr && mutation < FIRST_FIELD + info->nr_fields; mutation++) {
		uint32_t count = instances;

		/* What is known not to be noticed is replayed to its end: dear, and twice is enough. */
		if (listing_of(info->id, name_of(info, mutation)) == LISTED_NEVER && count > 2)
			count = 2;
		random_state =
			(uint64_t)info->id << 32 | mutation; /* whatever is listed for others */
		for (uint32_t instance = 0; instance < count; instance++) {
			size_t at = places[roll(nr)];

			piece_of(at, &piece);
			plans[nr_plans++] = (struct plan){at, piece, mutation, instance};
		}
	}
	free(places);
}

static void run_plan(struct replay *r, const struct plan *plan, size_t end)
{
	struct tally *tally = &tallies[events[plan->at].id][plan->mutation];
	pid_t child = fork();
	int status;

	if (child < 0)
		fail("fork", strerror(errno));
	if (child == 0)
		go_on(r, plan->at, end, plan->mutation, plan->instance);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
	    WEXITSTATUS(status) < NOTICED) {
		fprintf(stderr, "mutation: %s %s at event %zu: the replay ended with status %#x\n",
			event_info_by_id(events[plan->at].id)->name,
			name_of(event_info_by_id(events[plan->at].id), plan->mutation), plan->at,
			(unsigned int)status);
		exit(2);
	}
	if (WEXITSTATUS(status) == UNCHANGED)
		return;
	tally->tried++;
	tally->noticed += WEXITSTATUS(status) == NOTICED;
	tally->counted += WEXITSTATUS(status) == COUNTED;
}

/* Nothing can be said of changes to a piece that is not in order without them. */
static void tell_disorder(struct replay *r, uint32_t piece)
{
	sqlite3_stmt *statement =
		db_prepare(r->db, "SELECT event || ' ' || name || ': ' || object || ': ' || "
				  "expected || ': ' || found FROM order_violation");
	const char *what = "its counters differ";

	if (statement && sqlite3_step(statement) == SQLITE_ROW)
		what = (const char *)sqlite3_column_text(statement, 0);
	fprintf(stderr, "mutation: piece %u is not in order before anything was changed: %s\n",
		piece, what);
	exit(2);
}

static void run_piece(uint32_t piece, const struct plan *plan, size_t nr)
{
	struct replay r = {.baselines = 0};
	size_t begin = pieces[piece].begin, end = pieces[piece].end, baseline = begin;

	check(db_create_in_memory(&r.db));
	r.tables = tables_new(r.db, layout);
	r.model = replay_new(r.db, layout, UINT64_MAX);
	while (events[baseline].id != TRACE_ID_state_begin)
		baseline++;
	r.baselines = ((const struct trace_ev_state_begin *)events[baseline].payload)->n - 1;
	if (piece > 0)
		feed(&r, &machine_event);
	for (size_t i = begin, n = 0; i < end; i++) {
		for (; n < nr && plan[n].at == i; n++) {
			random_state = i * 64 + plan[n].mutation;
			run_plan(&r, &plan[n], end);
		}
		feed(&r, &events[i]);
	}
	if (r.model->nr_violations || counters_differ(&r))
		tell_disorder(&r, piece);
	replay_free(r.model);
	tables_free(r.tables);
	db_close(r.db);
}

/* ---- the verdict ---- */

static uint32_t nr_wrong, nr_right;

static void judge(const struct event_info *info, uint32_t mutation, uint32_t instances)
{
	const struct tally *tally = &tallies[info->id][mutation];
	const char *what = name_of(info, mutation);
	enum listed listed = listing_of(info->id, what);
	uint32_t found = tally->noticed + tally->counted;
	const char *wrong = NULL;

	if (!tally->tried) {
		if (listed && instances >= MANY)
			wrong = "is listed, and there is none in the trace";
	} else if (listed == NOT_LISTED && found < tally->tried) {
		wrong = "was not noticed";
	} else if (listed == LISTED_NEVER && found) {
		wrong = "is listed as never noticed, and was";
	} else if (listed == LISTED_SOMETIMES && !found && instances >= MANY) {
		wrong = "is listed as sometimes noticed, and was not once";
	} else if (listed == LISTED_SOMETIMES && found == tally->tried && instances >= MANY) {
		wrong = "is listed as sometimes noticed, and was each time";
	}
	if (!wrong) {
		nr_right++;
		return;
	}
	nr_wrong++;
	printf("%s %s: %s: %u of %u by the replay, %u by the counters\n", info->name, what, wrong,
	       tally->noticed, tally->tried, tally->counted);
}

static void judge_all(uint32_t instances)
{
	for (size_t i = 0; i < nr_event_infos; i++) {
		const struct event_info *info = &event_infos[i];
		bool present = tallies[info->id][DROP].tried,
		     absent = listing_of(info->id, "") != NOT_LISTED;

		if (present == absent) {
			nr_wrong++;
			printf("%s: %s\n", info->name,
			       present ? "is listed as absent, and is there" : "not in the trace");
		}
		for (uint32_t mutation = 0; present && mutation < FIRST_FIELD + info->nr_fields;
		     mutation++)
			judge(info, mutation, instances);
	}
	for (const struct listing *l = listings; l->how; l++) {
		const struct event_info *info = event_info_by_id(l->id);
		bool known = !*l->what;

		for (uint32_t mutation = 0; mutation < FIRST_FIELD + info->nr_fields; mutation++)
			known |= !strcmp(l->what, name_of(info, mutation));
		if (!known) {
			nr_wrong++;
			printf("mutation.def: %s has no %s\n", info->name, l->what);
		}
	}
}

/* All mutations of the kinds of events that no session before this one had. */
static void change(const char *dir, uint32_t instances)
{
	size_t first = 0;

	nr_events = nr_plans = 0;
	nr_pieces = 0;
	load(dir);
	cut();
	plans = malloc(nr_event_infos * NR_MUTATIONS * instances * sizeof(*plans));
	random_state = 1;
	for (size_t i = 0; i < nr_event_infos; i++)
		if (!tallies[event_infos[i].id][DROP].tried)
			plan_event(&event_infos[i], instances);
	qsort(plans, nr_plans, sizeof(*plans), by_place);
	for (uint32_t piece = 0; piece < nr_pieces; piece++) {
		size_t last = first;

		while (last < nr_plans && plans[last].piece == piece)
			last++;
		run_piece(piece, plans + first, last - first);
		first = last;
	}
	free(plans);
	for (size_t i = 0; i < nr_events; i++)
		free((void *)events[i].payload);
	layout_free(layout);
}

int main(int argc, char **argv)
{
	uint32_t instances = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;

	if (!instances) {
		fprintf(stderr, "usage: mutation INSTANCES SESSION_DIR...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++)
		change(argv[i], instances);
	judge_all(instances);
	printf("%u passed, %u failed\n", nr_right, nr_wrong);
	return nr_wrong != 0;
}
