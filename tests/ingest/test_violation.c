/*
 * Events that lie, and events that are missing: the replay must notice.
 */
#include <string.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

static struct writer w;
static struct guest g;

/* A trace in which the `nth` event of a kind is left out or edited; one more baseline at its end.
 */
static void record(const char *dir, uint32_t id, uint32_t nth, void (*edit)(void *payload))
{
	writer_open(&w, dir, 2);
	w.fault = (struct writer_fault){.id = id, .countdown = nth, .edit = edit};
	guest_boot(&g, &w, 7);
	guest_run(&g, 3000);
	guest_baseline(&g);
	guest_run(&g, 300);
	guest_end(&g);
	writer_close(&w);
	if (!w.fault.hit)
		die("event 0x%x: fewer than %u in the trace", id, nth);
}

static void expect_violation(const char *dir, const char *what)
{
	struct result result = ingest(dir);

	if (result.status != 0 || result.output[0])
		die("%s: status %d: %s", what, result.status, result.output);
	if (sql_int(dir, "SELECT count(*) FROM order_violation") == 0)
		die("%s: no violation", what);
}

/* Each of these changes the state, so the state that later events expect is not there without it.
 */
static void test_missing_events(const char *dir)
{
#define X(name)                        \
	{                              \
		TRACE_ID_##name, #name \
	}
	static const struct {
		uint32_t id;
		const char *name;
	} events[] = {X(sched_process_fork),
		      X(sched_switch),
		      X(sched_process_exit),
		      X(mm_create),
		      X(mm_destroy),
		      X(vma_create),
		      X(vma_resize),
		      X(vma_protect),
		      X(vma_remove),
		      X(anon_vma_create),
		      X(anon_vma_free),
		      X(avc_link),
		      X(avc_unlink),
		      X(rmap_add),
		      X(rmap_remove),
		      X(pte_set),
		      X(pte_clear),
		      X(pgtable_alloc),
		      X(pgtable_free),
		      X(mm_page_alloc),
		      X(mm_page_free),
		      X(mm_page_pcpu_refill),
		      X(mm_page_pcpu_drain),
		      X(buddy_split),
		      X(buddy_merge),

		      X(lru_insert),
		      X(lru_remove),
		      X(page_fault_user),
		      X(page_fault_end),
		      X(reclaim_pass_begin),
		      X(mm_vmscan_kswapd_wake),
		      X(mm_vmscan_kswapd_sleep),
		      X(mm_vmscan_direct_reclaim_begin),
		      X(mm_vmscan_direct_reclaim_end),
		      X(swap_slot_alloc),
		      X(swap_slot_free),
		      X(swap_slot_refs),
		      X(swap_cache_add),
		      X(swap_cache_remove),
		      X(swap_out_begin),
		      X(swap_out_end),
		      X(swap_in_begin),
		      X(swap_in_end),
		      X(oom_invoked),
		      X(mark_victim),
		      X(state_lru),
		      X(trace_barrier),
		      X(state_page)};
#undef X

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		record(dir, events[i].id, 3, NULL);
		expect_violation(dir, events[i].name);
	}
}

/* A lost event of a kind that the kernel counts shows in the cross-check too. */
static void test_vmstat_notices(const char *dir)
{
	static const uint32_t ids[] = {TRACE_ID_mm_page_alloc,    TRACE_ID_mm_page_free,
				       TRACE_ID_page_fault_end,   TRACE_ID_swap_in_begin,
				       TRACE_ID_swap_out_begin,   TRACE_ID_page_evicted,
				       TRACE_ID_reclaim_decision, TRACE_ID_mark_victim};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		record(dir, ids[i], 2, NULL);
		CHECK(ingest(dir).status == 0);
		if (sql_int(dir, "SELECT count(*) FROM vmstat_check WHERE NOT equal") == 0)
			die("event 0x%x: the cross-check is content", ids[i]);
	}
}

static void edit_mapcount(void *payload)
{
	((struct trace_ev_rmap_add *)payload)->mapcount += 1;
}

static void edit_mapping(void *payload)
{
	((struct trace_ev_rmap_remove *)payload)->mapping_id += 1;
}

static void edit_old_kind(void *payload)
{
	((struct trace_ev_pte_set *)payload)->old_kind = PTE_ZERO;
}

static void edit_flags(void *payload)
{
	((struct trace_ev_pte_clear *)payload)->old_flags ^= PTEF_EXEC;
}

static void edit_value(void *payload)
{
	((struct trace_ev_pte_clear *)payload)->value += 1;
}

static void edit_pos(void *payload)
{
	((struct trace_ev_lru_insert *)payload)->pos = 0;
}

static void edit_refs(void *payload)
{
	((struct trace_ev_swap_slot_refs *)payload)->refs += 2;
}

static void edit_pfn_far(void *payload)
{
	((struct trace_ev_mm_page_alloc *)payload)->pfn = UINT32_MAX;
}

static void edit_slot_far(void *payload)
{
	((struct trace_ev_swap_slot_alloc *)payload)->slot = UINT32_MAX;
}

static void edit_order_huge(void *payload)
{
	((struct trace_ev_mm_page_free *)payload)->order = 255;
}

static void edit_list(void *payload)
{
	((struct trace_ev_lru_insert *)payload)->list = 200;
}

static void edit_range(void *payload)
{
	((struct trace_ev_vma_create *)payload)->va_end = 1;
}

static void edit_records(void *payload)
{
	((struct trace_ev_state_end *)payload)->records += 1;
}

static void edit_cpu(void *payload)
{
	((struct trace_ev_state_cpu *)payload)->cpu = 4000;
}

static void test_lying_events(const char *dir)
{
	static const struct {
		uint32_t id, nth;
		void (*edit)(void *payload);
		const char *what;
	} lies[] = {
		{TRACE_ID_rmap_add, 9, edit_mapcount, "mapcount"},
		{TRACE_ID_rmap_remove, 9, edit_mapping, "mapping_id"},
		{TRACE_ID_pte_set, 9, edit_old_kind, "old kind"},
		{TRACE_ID_pte_clear, 9, edit_flags, "old flags"},
		{TRACE_ID_pte_clear, 9, edit_value, "value"},
		{TRACE_ID_lru_insert, 99, edit_pos, "pos"},
		{TRACE_ID_swap_slot_refs, 9, edit_refs, "refs"},
		{TRACE_ID_mm_page_alloc, 9, edit_pfn_far, "pfn"},
		{TRACE_ID_swap_slot_alloc, 9, edit_slot_far, "slot"},
		{TRACE_ID_mm_page_free, 9, edit_order_huge, "order"},
		{TRACE_ID_lru_insert, 9, edit_list, "list"},
		{TRACE_ID_vma_create, 2, edit_range, "range"},
		{TRACE_ID_state_end, 1, edit_records, "records"},
		{TRACE_ID_state_cpu, 1, edit_cpu, "cpu"},
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		record(dir, lies[i].id, lies[i].nth, lies[i].edit);
		expect_violation(dir, lies[i].what);
	}
}

/* Garbage in payloads may be illegal in a million ways; only the first thousand are kept, and all
 * are counted. */
static void test_violations_are_capped(const char *dir)
{
	writer_open(&w, dir, 1);
	guest_boot(&g, &w, 8);
	for (uint32_t i = 0; i < 5000; i++)
		EMIT(&w, 0, lru_remove, .pfn = 5, .list = LRU_ACTIVE_ANON);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM order_violation") == 1000);
	CHECK(sql_int(dir, "SELECT value FROM session WHERE key = 'nr_violations'") == 5000);
}

/* Two entries of one page lie under two locks: their counts may be stamped in the other order. That
 * is legal. */
static void test_counts_out_of_order(const char *dir)
{
	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 9);
	EMIT(&w, 0, mm_page_alloc, .pfn = 9, .kind = PAGE_ANON);
	EMIT(&w, 0, rmap_add, .va = GUEST_VA, .pfn = 9, .mm_id = 1, .mapping_id = 1, .mapcount = 2);
	EMIT(&w, 1, rmap_add, .va = GUEST_VA + 0x1000, .pfn = 9, .mm_id = 1, .mapping_id = 1,
	     .mapcount = 1);
	EMIT(&w, 1, rmap_remove, .va = GUEST_VA, .pfn = 9, .mm_id = 1, .mapping_id = 1,
	     .mapcount = 0);
	EMIT(&w, 0, rmap_remove, .va = GUEST_VA + 0x1000, .pfn = 9, .mm_id = 1, .mapping_id = 1,
	     .mapcount = 1);
	EMIT(&w, 0, page_flags, .pfn = 9, .set = PG_LOCKED);
	EMIT(&w, 1, page_flags, .pfn = 9, .set = PG_LOCKED);
	EMIT(&w, 0, page_flags, .pfn = 9, .cleared = PG_LOCKED);
	EMIT(&w, 1, page_flags, .pfn = 9, .cleared = PG_LOCKED);
	EMIT(&w, 0, mm_page_free, .pfn = 9, .kind = PAGE_ANON);
	EMIT(&w, 0, trace_barrier, .n = 1);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	sql_empty(dir, "SELECT * FROM order_violation");
}

/* What no order explains is told when the page is freed. */
static void test_counts_that_stay_wrong(const char *dir)
{
	writer_open(&w, dir, 2);
	guest_boot(&g, &w, 9);
	EMIT(&w, 0, mm_page_alloc, .pfn = 9, .kind = PAGE_ANON);
	EMIT(&w, 0, rmap_add, .va = GUEST_VA, .pfn = 9, .mm_id = 1, .mapping_id = 1, .mapcount = 2);
	EMIT(&w, 0, rmap_remove, .va = GUEST_VA, .pfn = 9, .mm_id = 1, .mapping_id = 1,
	     .mapcount = 1);
	EMIT(&w, 0, page_flags, .pfn = 9, .set = PG_LOCKED);
	EMIT(&w, 1, page_flags, .pfn = 9, .set = PG_LOCKED);
	EMIT(&w, 0, mm_page_free, .pfn = 9, .kind = PAGE_ANON);
	writer_close(&w);
	CHECK(ingest(dir).status == 0);
	CHECK(sql_int(dir, "SELECT count(*) FROM order_violation WHERE name = 'mm_page_free'") ==
	      2);
	CHECK(sql_int(dir, "SELECT count(*) FROM order_violation") == 2);
}

const struct test violation_tests[] = {
	{"missing events", test_missing_events},
	{"vmstat notices", test_vmstat_notices},
	{"lying events", test_lying_events},
	{"violations are capped", test_violations_are_capped},
	{"counts out of order", test_counts_out_of_order},
	{"counts that stay wrong", test_counts_that_stay_wrong},
	{NULL, NULL},
};
