/*
 * 2 MiB pages of programs: set, split, changed in a part, merged and cleared by the rules, and every
 * way to break them.
 */
#include <string.h>

#include "tests/ingest/check.h"
#include "tests/ingest/writer.h"

#define VA        UINT64_C(0x40000000)
#define PARTS     512u
#define PFN       512u /* first frame of the page; a multiple of 512 */
#define MAX_PFN   (PFN2 + PARTS)
#define PGD_PFN   2
#define TABLE_PFN 3
#define CHANGED   5u /* the part that is changed while there is a table */
#define FLAGS     (PTEF_WRITE | PTEF_ACCESSED)

/* A page of 512 frames, mapped behind the other one and listed, as the baseline says. */
#define VA2        (VA + PARTS * UINT64_C(4096))
#define PFN2       1024u
#define TABLE2_PFN 6  /* no neighbour of the other table */
#define POS2       70 /* its place in its list; the highest */

static struct writer w;

static uint64_t part_va(uint32_t i)
{
	return VA + i * UINT64_C(4096);
}

/* One task with a VMA, its tables down to level 2, and the frames it will map. */
static void boot(void)
{
	uint64_t records;

	EMIT(&w, 0, session_begin, .tsc_hz = 1000000000, .nr_cpus = 1, .nr_frames = 2 * PARTS + 3,
	     .max_pfn = MAX_PFN, .lossless = 1);
	EMIT(&w, 0, cpu_online, .cpu = 0);
	EMIT(&w, 0, state_begin, .n = 1);
	records = w.nr_events;
	EMIT(&w, 0, state_cpu, .pid = 1);
	EMIT(&w, 0, state_anon_vma, .anon_vma_id = 1, .root_id = 1);
	EMIT(&w, 0, state_mm, .mm_id = 1, .pgd_pfn = PGD_PFN);
	EMIT(&w, 0, state_vma, .va_start = VA, .va_end = part_va(2 * PARTS), .vma_id = 1,
	     .mm_id = 1, .flags = VM_READ | VM_WRITE, .anon_vma_id = 1);
	EMIT(&w, 0, state_avc, .vma_id = 1, .anon_vma_id = 1);
	EMIT(&w, 0, state_task, .comm = "huge", .pid = 1, .mm_id = 1);
	EMIT(&w, 0, state_page, .pfn = PGD_PFN, .kind = PAGE_PGTABLE);
	EMIT(&w, 0, state_page, .pfn = TABLE_PFN, .kind = PAGE_PGTABLE);
	EMIT(&w, 0, state_page, .pfn = TABLE2_PFN, .kind = PAGE_PGTABLE);
	EMIT(&w, 0, state_page, .pfn = PFN2, .order = 9, .kind = PAGE_ANON);
	EMIT(&w, 0, state_pmd, .va = VA2, .mm_id = 1, .pfn = PFN2, .mapping_id = 1, .flags = FLAGS);
	EMIT(&w, 0, state_lru, .pos = POS2, .pfn = PFN2, .list = LRU_INACTIVE_ANON);
	for (uint32_t i = 0; i < PARTS; i++)
		EMIT(&w, 0, state_page, .pfn = PFN + i, .kind = PAGE_ANON);
	EMIT(&w, 0, state_end, .records = w.nr_events - records);
}

static void count_mapping(uint32_t i)
{
	EMIT(&w, 0, rmap_add, .va = part_va(i), .pfn = PFN + i, .mm_id = 1, .mapping_id = 1,
	     .mapcount = 1);
}

static void uncount_mapping(uint32_t i)
{
	EMIT(&w, 0, rmap_remove, .va = part_va(i), .pfn = PFN + i, .mm_id = 1, .mapping_id = 1);
}

/* The part goes, and comes back dirty. */
static void change_part(void)
{
	EMIT(&w, 0, pte_clear, .va = part_va(CHANGED), .mm_id = 1, .value = PFN + CHANGED,
	     .old_flags = FLAGS, .old_kind = PTE_PAGE, .why = PTE_WHY_UNMAP);
	uncount_mapping(CHANGED);
	EMIT(&w, 0, pte_set, .va = part_va(CHANGED), .mm_id = 1, .value = PFN + CHANGED,
	     .flags = FLAGS | PTEF_DIRTY, .kind = PTE_PAGE, .why = PTE_WHY_FAULT);
	count_mapping(CHANGED);
}

/* One part of the page that was split comes free. */
static void free_part(uint32_t i)
{
	EMIT(&w, 0, pte_clear, .va = VA2 + i * UINT64_C(4096), .mm_id = 1, .value = PFN2 + i,
	     .old_flags = PTEF_ACCESSED, .old_kind = PTE_PAGE, .why = PTE_WHY_UNMAP);
	EMIT(&w, 0, rmap_remove, .va = VA2 + i * UINT64_C(4096), .pfn = PFN2 + i, .mm_id = 1,
	     .mapping_id = 1);
	EMIT(&w, 0, lru_remove, .pfn = PFN2 + i, .list = LRU_INACTIVE_ANON, .why = LRU_WHY_FREE);
	EMIT(&w, 0, mm_page_free, .pfn = PFN2 + i, .kind = PAGE_ANON);
}

/* The page loses its rights to write as a whole, is split, and its first and last frame are seen to be
 * pages of their own. */
static void split_page(void)
{
	EMIT(&w, 0, pte_young, .va = VA2, .mm_id = 1, .pfn = PFN2);
	EMIT(&w, 0, pmd_change, .va = VA2, .mm_id = 1, .pfn = PFN2, .flags = PTEF_ACCESSED,
	     .old_flags = FLAGS, .why = PTE_WHY_PROTECT);
	EMIT(&w, 0, trace_barrier, .n = 4);
	EMIT(&w, 0, page_split, .pos = POS2 + 1, .pos_last = POS2 + PARTS - 1, .pfn = PFN2,
	     .list = LRU_INACTIVE_ANON);
	EMIT(&w, 0, pmd_split, .va = VA2, .mm_id = 1, .pfn = PFN2, .table_pfn = TABLE2_PFN,
	     .flags = PTEF_ACCESSED);
	free_part(PARTS - 1);
	EMIT(&w, 0, lru_remove, .pfn = PFN2, .list = LRU_INACTIVE_ANON, .why = LRU_WHY_ISOLATE);
	EMIT(&w, 0, lru_insert, .pos = 1, .pfn = PFN2, .list = LRU_ISOLATED,
	     .why = LRU_WHY_ISOLATE);
	EMIT(&w, 0, lru_remove, .pfn = PFN2, .list = LRU_ISOLATED, .why = LRU_WHY_PUTBACK);
	EMIT(&w, 0, lru_insert, .pos = POS2 + PARTS, .pfn = PFN2, .list = LRU_INACTIVE_ANON,
	     .why = LRU_WHY_PUTBACK);
	free_part(1);
	EMIT(&w, 0, trace_barrier, .n = 5);
}

static void write_session(const char *dir, uint32_t id, void (*edit)(void *payload))
{
	writer_open(&w, dir, 1);
	w.fault = (struct writer_fault){.id = id, .countdown = 1, .edit = edit};
	boot();
	EMIT(&w, 0, pmd_set, .va = VA, .mm_id = 1, .pfn = PFN, .flags = FLAGS,
	     .why = PTE_WHY_FAULT);
	for (uint32_t i = 0; i < PARTS; i++)
		count_mapping(i);
	EMIT(&w, 0, trace_barrier, .n = 1);
	EMIT(&w, 0, trace_stall, .stalled_ns = 5);
	EMIT(&w, 0, pmd_split, .va = VA, .mm_id = 1, .pfn = PFN, .table_pfn = TABLE_PFN,
	     .flags = FLAGS);
	change_part();
	EMIT(&w, 0, trace_barrier, .n = 2);
	EMIT(&w, 0, pmd_merge, .va = VA, .mm_id = 1, .pfn = PFN, .table_pfn = TABLE_PFN,
	     .flags = FLAGS | PTEF_DIRTY);
	EMIT(&w, 0, mm_page_free, .pfn = TABLE_PFN, .kind = PAGE_PGTABLE);
	EMIT(&w, 0, trace_barrier, .n = 3);
	EMIT(&w, 0, pmd_clear, .va = VA, .mm_id = 1, .pfn = PFN, .old_flags = FLAGS | PTEF_DIRTY,
	     .why = PTE_WHY_UNMAP);
	for (uint32_t i = 0; i < PARTS; i++)
		uncount_mapping(i);
	split_page();
	EMIT(&w, 0, trace_off, .n = 1);
	EMIT(&w, 0, session_end, .reason = SESSION_EXIT);
	writer_close(&w);
}

void pmd_session(const char *dir)
{
	write_session(dir, 0, NULL);
}

static void record(const char *dir, uint32_t id, void (*edit)(void *payload))
{
	write_session(dir, id, edit);
	CHECK(id == 0 || w.fault.hit);
	CHECK(ingest(dir).status == 0);
}

static void test_by_the_rules(const char *dir)
{
	record(dir, 0, NULL);
	sql_empty(dir, "SELECT * FROM order_violation");
	/* Twice a page of 2 MiB, once a table; to everybody else 512 entries, one of which changed. */
	CHECK(sql_int(dir, "SELECT count(*) FROM pmd_span WHERE mm_id = 1 AND pfn = 512") == 2);
	CHECK(sql_int(dir, "SELECT count(*) FROM pmd_span WHERE mm_id = 1 AND pfn = 1024") == 2);
	CHECK(sql_int(dir, "SELECT count(*) FROM pgtable_span WHERE level = 1 AND pfn = 3 AND "
			   "t_begin = (SELECT min(t_end) FROM pmd_span WHERE pfn = 512) AND "
			   "t_end = (SELECT max(t_begin) FROM pmd_span WHERE pfn = 512)") == 1);
	CHECK(sql_int(dir, "SELECT count(*) FROM pte_span WHERE pfn < 1024") == PARTS + 1);
	/* A page of 512 frames is one life, one place in a list and 512 mappings; its parts one of each. */
	CHECK(sql_int(dir, "SELECT count(*) FROM page_life WHERE pfn >= 1024 AND \"order\" = 9") ==
	      1);
	CHECK(sql_int(dir, "SELECT count(*) FROM page_life WHERE pfn >= 1024 AND \"order\" = 0") ==
	      PARTS);
	CHECK(sql_int(dir, "SELECT count(*) FROM lru_span WHERE pfn >= 1024 AND nr_frames = 512") ==
	      1);
	CHECK(sql_int(dir, "SELECT count(*) FROM lru_span WHERE pfn > 1024 AND nr_frames = 1 AND "
			   "pos = 70 + pfn - 1024") == PARTS - 1);
	CHECK(sql_int(dir, "SELECT count(*) FROM rmap_span WHERE pfn >= 1024") == PARTS);
	CHECK(sql_int(dir, "SELECT max(size) FROM lru_size WHERE list = 'inactive_anon'") == PARTS);
	CHECK(sql_int(dir,
		      "SELECT count(DISTINCT pfn - va / 4096) FROM pte_span WHERE pfn < 1024") ==
	      1);
}

/* Before the split there is a page, after the merge too. */
static void test_missing_events(const char *dir)
{
	static const uint32_t ids[] = {TRACE_ID_pmd_set,    TRACE_ID_pmd_clear, TRACE_ID_pmd_split,
				       TRACE_ID_pmd_merge,  TRACE_ID_state_pmd, TRACE_ID_pmd_change,
				       TRACE_ID_page_split, TRACE_ID_state_lru};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		record(dir, ids[i], NULL);
		if (sql_int(dir, "SELECT count(*) FROM order_violation") == 0)
			die("event 0x%x missing: no violation", ids[i]);
	}
}

static void edit_set_pfn(void *payload)
{
	((struct trace_ev_pmd_set *)payload)->pfn += 1;
}

static void edit_set_va(void *payload)
{
	((struct trace_ev_pmd_set *)payload)->va += 4096;
}

static void edit_clear_flags(void *payload)
{
	((struct trace_ev_pmd_clear *)payload)->old_flags ^= PTEF_EXEC;
}

static void edit_split_pfn(void *payload)
{
	((struct trace_ev_pmd_split *)payload)->pfn += PARTS;
}

static void edit_split_table(void *payload)
{
	((struct trace_ev_pmd_split *)payload)->table_pfn = PFN;
}

static void edit_merge_flags(void *payload)
{
	((struct trace_ev_pmd_merge *)payload)->flags &= (uint16_t)~PTEF_DIRTY;
}

static void edit_merge_table(void *payload)
{
	((struct trace_ev_pmd_merge *)payload)->table_pfn += 1;
}

static void edit_state_mapping(void *payload)
{
	((struct trace_ev_state_pmd *)payload)->mapping_id += 1;
}

static void edit_change_flags(void *payload)
{
	((struct trace_ev_pmd_change *)payload)->flags |= PTEF_EXEC;
}

static void edit_page_split_pfn(void *payload)
{
	((struct trace_ev_page_split *)payload)->pfn -= PARTS;
}

static void edit_page_split_pos(void *payload)
{
	((struct trace_ev_page_split *)payload)->pos += 1;
}

static void edit_page_split_list(void *payload)
{
	((struct trace_ev_page_split *)payload)->list = LRU_ACTIVE_ANON;
}

static void edit_value(void *payload)
{
	((struct trace_ev_pte_set *)payload)->value += 1;
}

static void test_lying_events(const char *dir)
{
	static const struct {
		uint32_t id;
		void (*edit)(void *payload);
		const char *what;
	} lies[] = {
		{TRACE_ID_pmd_set, edit_set_pfn, "frame not by 2 MiB"},
		{TRACE_ID_pmd_set, edit_set_va, "address not by 2 MiB"},
		{TRACE_ID_pmd_clear, edit_clear_flags, "flags of what is cleared"},
		{TRACE_ID_pmd_split, edit_split_pfn, "frame of what is split"},
		{TRACE_ID_pmd_split, edit_split_table, "a table in a mapped frame"},
		{TRACE_ID_pmd_merge, edit_merge_flags, "a dirty part, a clean page"},
		{TRACE_ID_pmd_merge, edit_merge_table, "another table"},
		{TRACE_ID_state_pmd, edit_state_mapping, "another anon_vma"},
		{TRACE_ID_pmd_change, edit_change_flags, "rights that it has not"},
		{TRACE_ID_page_split, edit_page_split_pfn, "what is no page of 512 frames"},
		{TRACE_ID_page_split, edit_page_split_pos, "places that do not follow"},
		{TRACE_ID_page_split, edit_page_split_list, "another list than that of the first"},
		{TRACE_ID_pte_set, edit_value, "frames that do not follow each other"},
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		record(dir, lies[i].id, lies[i].edit);
		if (sql_int(dir, "SELECT count(*) FROM order_violation") == 0)
			die("%s: no violation", lies[i].what);
	}
}

const struct test pmd_tests[] = {
	{"2 MiB pages by the rules", test_by_the_rules},
	{"2 MiB pages: missing events", test_missing_events},
	{"2 MiB pages: lying events", test_lying_events},
	{NULL, NULL},
};
