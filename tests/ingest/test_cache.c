/*
 * The page cache: a file whose page is added, mapped by two VMAs, unmapped, swapped out, read back, and
 * dropped, by the rules, and every way to break them.
 */
#include <string.h>

#include "tests/ingest/check.h"
#include "tests/ingest/writer.h"

#define VA      UINT64_C(0x40000000)
#define PAGES   8u  /* of each VMA */
#define PGOFF   40u /* where the page lies in the file; VMAs map it from FIRST on */
#define FIRST   38u
#define FILE_ID 5u
#define SLOT    3u
#define FLAGS   (PTEF_WRITE | PTEF_ACCESSED)
#define SENT    (PG_WRITEBACK | PG_UPTODATE)
enum { PGD_PFN = 2, PFN = 5, SECOND_PFN = 6, MAX_PFN = 8 };

static struct writer w;

/* Where the page is mapped by the VMA. */
static uint64_t page_va(uint32_t vma_id)
{
	return VA * vma_id + (PGOFF - FIRST) * UINT64_C(4096);
}

static void state_vma(uint32_t vma_id)
{
	EMIT(&w, 0, state_vma, .va_start = VA * vma_id, .va_end = VA * vma_id + PAGES * 4096,
	     .vma_id = vma_id, .mm_id = 1, .flags = VM_READ | VM_WRITE | VM_SHARED);
}

/* One task with two VMAs, the first of which maps a file that the baseline tells. */
static void boot(void)
{
	uint64_t records;

	EMIT(&w, 0, session_begin, .tsc_hz = 1000000000, .nr_cpus = 1, .nr_frames = 3,
	     .max_pfn = MAX_PFN - 1, .nr_slots = 8, .lossless = 1);
	EMIT(&w, 0, cpu_online, .cpu = 0);
	EMIT(&w, 0, state_begin, .n = 1);
	records = w.nr_events;
	EMIT(&w, 0, state_cpu, .pid = 1);
	EMIT(&w, 0, state_mm, .mm_id = 1, .pgd_pfn = PGD_PFN);
	state_vma(1);
	state_vma(2);
	EMIT(&w, 0, state_mapping, .mapping_id = FILE_ID);
	EMIT(&w, 0, state_i_mmap, .vma_id = 1, .mapping_id = FILE_ID, .pgoff = FIRST);
	EMIT(&w, 0, state_task, .comm = "file", .pid = 1, .mm_id = 1);
	EMIT(&w, 0, state_page, .pfn = PGD_PFN, .kind = PAGE_PGTABLE);
	EMIT(&w, 0, state_page, .pfn = PFN, .kind = PAGE_SHMEM);
	EMIT(&w, 0, state_page, .pfn = SECOND_PFN, .kind = PAGE_SHMEM);
	EMIT(&w, 0, state_end, .records = w.nr_events - records);
}

static void map(uint32_t vma_id, uint32_t mapcount)
{
	EMIT(&w, 0, pte_set, .va = page_va(vma_id), .mm_id = 1, .value = PFN, .flags = FLAGS,
	     .kind = PTE_PAGE, .why = PTE_WHY_FAULT);
	EMIT(&w, 0, rmap_add, .va = page_va(vma_id), .pfn = PFN, .mm_id = 1, .mapping_id = FILE_ID,
	     .mapcount = mapcount);
}

static void unmap(uint32_t vma_id, uint32_t mapcount, uint8_t why)
{
	EMIT(&w, 0, pte_clear, .va = page_va(vma_id), .mm_id = 1, .value = PFN, .old_flags = FLAGS,
	     .old_kind = PTE_PAGE, .why = why);
	EMIT(&w, 0, rmap_remove, .va = page_va(vma_id), .pfn = PFN, .mm_id = 1,
	     .mapping_id = FILE_ID, .mapcount = mapcount);
}

static void swap_out(void)
{
	EMIT(&w, 0, swap_slot_alloc, .slot = SLOT, .pfn = PFN);
	EMIT(&w, 0, swap_cache_add, .slot = SLOT, .pfn = PFN);
	EMIT(&w, 0, swap_slot_refs, .slot = SLOT, .refs = 2, .why = SLOT_WHY_SHMEM_OUT);
	EMIT(&w, 0, mm_filemap_delete_from_page_cache, .pgoff = PGOFF, .pfn = PFN,
	     .mapping_id = FILE_ID, .slot = SLOT);
}

static void swap_in(void)
{
	EMIT(&w, 0, mm_filemap_add_to_page_cache, .pgoff = PGOFF, .pfn = PFN, .mapping_id = FILE_ID,
	     .slot = SLOT);
	EMIT(&w, 0, swap_slot_refs, .slot = SLOT, .refs = 1, .why = SLOT_WHY_SHMEM_IN);
	EMIT(&w, 0, swap_cache_remove, .slot = SLOT, .pfn = PFN);
	EMIT(&w, 0, swap_slot_refs, .slot = SLOT, .refs = 0, .why = SLOT_WHY_CACHE);
	EMIT(&w, 0, swap_slot_free, .slot = SLOT);
}

/* The slot's content is dropped: nobody has read it back. */
static void cut(void)
{
	EMIT(&w, 0, mapping_slot_drop, .pgoff = PGOFF, .slot = SLOT, .mapping_id = FILE_ID);
	EMIT(&w, 0, swap_slot_refs, .slot = SLOT, .refs = 1, .why = SLOT_WHY_TRUNCATE);
	EMIT(&w, 0, swap_cache_remove, .slot = SLOT, .pfn = PFN);
	EMIT(&w, 0, swap_slot_refs, .slot = SLOT, .refs = 0, .why = SLOT_WHY_CACHE);
	EMIT(&w, 0, swap_slot_free, .slot = SLOT);
}

static void write_session(const char *dir, uint32_t id, void (*edit)(void *payload))
{
	uint64_t n = 0;

	writer_open(&w, dir, 1);
	w.fault = (struct writer_fault){.id = id, .countdown = 1, .edit = edit};
	boot();
	EMIT(&w, 0, mapping_create, .mapping_id = FILE_ID + 1);
	EMIT(&w, 0, i_mmap_link, .vma_id = 2, .mapping_id = FILE_ID, .pgoff = FIRST);
	EMIT(&w, 0, mm_filemap_add_to_page_cache, .pgoff = PGOFF, .pfn = PFN,
	     .mapping_id = FILE_ID);
	map(1, 1);
	map(2, 2);
	EMIT(&w, 0, trace_barrier, .n = ++n);
	unmap(1, 1, PTE_WHY_SWAPOUT);
	unmap(2, 0, PTE_WHY_TRUNCATE);
	swap_out();
	EMIT(&w, 0, trace_barrier, .n = ++n);
	swap_in();
	EMIT(&w, 0, trace_barrier, .n = ++n);
	swap_out();
	cut();
	EMIT(&w, 0, mm_page_free, .pfn = PFN, .kind = PAGE_SHMEM);
	EMIT(&w, 0, mm_filemap_add_to_page_cache, .pgoff = 0, .pfn = SECOND_PFN,
	     .mapping_id = FILE_ID + 1);
	EMIT(&w, 0, trace_barrier, .n = ++n);
	EMIT(&w, 0, mm_filemap_delete_from_page_cache, .pgoff = 0, .pfn = SECOND_PFN,
	     .mapping_id = FILE_ID + 1);
	EMIT(&w, 0, mm_page_free, .pfn = SECOND_PFN, .kind = PAGE_SHMEM);
	EMIT(&w, 0, mapping_free, .mapping_id = FILE_ID + 1);
	EMIT(&w, 0, i_mmap_unlink, .vma_id = 2, .mapping_id = FILE_ID);
	EMIT(&w, 0, vma_remove, .vma_id = 2, .why = VMA_WHY_UNMAP);
	EMIT(&w, 0, trace_barrier, .n = ++n);
	EMIT(&w, 0, session_end, .reason = SESSION_EXIT);
	writer_close(&w);
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
	CHECK(sql_int(dir, "SELECT count(*) FROM mapping_span") == 2);
	/* Page, slot, page, slot; then the other file's page. */
	CHECK(!strcmp(sql_text(dir, "SELECT group_concat(coalesce(pfn, 's' || slot), ' ') FROM "
				    "(SELECT * FROM cache_span ORDER BY t_begin)"),
		      "5 s3 5 s3 6"));
	CHECK(sql_int(dir, "SELECT count(*) FROM cache_span WHERE mapping_id = 5 AND pgoff = 40") ==
	      4);
	CHECK(sql_int(dir,
		      "SELECT count(*) FROM i_mmap_span WHERE mapping_id = 5 AND pgoff = 38") == 2);
	CHECK(sql_int(dir, "SELECT count(*) FROM rmap_span WHERE pfn = 5 AND mapping_id = 5") == 2);
}

static void test_missing_events(const char *dir)
{
	static const uint32_t ids[] = {
		TRACE_ID_mapping_create,
		TRACE_ID_mm_filemap_add_to_page_cache,
		TRACE_ID_mm_filemap_delete_from_page_cache,
		TRACE_ID_mapping_slot_drop,
		TRACE_ID_i_mmap_link,
		TRACE_ID_i_mmap_unlink,
		TRACE_ID_state_mapping,
		TRACE_ID_state_i_mmap,
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		record(dir, ids[i], NULL);
		if (sql_int(dir, "SELECT count(*) FROM order_violation") == 0)
			die("event 0x%x missing: no violation", ids[i]);
	}
}

#define EDIT(name, event, field, change)                            \
	static void edit_##name(void *payload)                      \
	{                                                           \
		((struct trace_ev_##event *)payload)->field change; \
	}
EDIT(free, mapping_free, mapping_id, = FILE_ID)
EDIT(link_mapping, i_mmap_link, mapping_id, += 1)
EDIT(link_pgoff, i_mmap_link, pgoff, += 1)
EDIT(link_vma, i_mmap_link, vma_id, = 1)
EDIT(unlink_mapping, i_mmap_unlink, mapping_id, += 1)
EDIT(add_pfn, mm_filemap_add_to_page_cache, pfn, = PGD_PFN)
EDIT(add_pgoff, mm_filemap_add_to_page_cache, pgoff, += 1)
EDIT(add_mapping, mm_filemap_add_to_page_cache, mapping_id, += 1)
EDIT(add_slot, mm_filemap_add_to_page_cache, slot, = SLOT)
EDIT(delete_pfn, mm_filemap_delete_from_page_cache, pfn, += 1)
EDIT(delete_pgoff, mm_filemap_delete_from_page_cache, pgoff, += 1)
EDIT(delete_slot, mm_filemap_delete_from_page_cache, slot, = 0)
EDIT(drop_slot, mapping_slot_drop, slot, += 1)
EDIT(drop_pgoff, mapping_slot_drop, pgoff, += 1)
EDIT(rmap_mapping, rmap_add, mapping_id, += 1)
EDIT(clear_why, pte_clear, why, = PTE_WHY_AGING)
EDIT(state_pgoff, state_i_mmap, pgoff, += 1)

static void test_lying_events(const char *dir)
{
#define LIE(event, name)                             \
	{                                            \
		TRACE_ID_##event, edit_##name, #name \
	}
	static const struct {
		uint32_t id;
		void (*edit)(void *payload);
		const char *what;
	} lies[] = {
		LIE(mapping_free, free),
		LIE(i_mmap_link, link_mapping),
		LIE(i_mmap_link, link_pgoff),
		LIE(i_mmap_link, link_vma),
		LIE(i_mmap_unlink, unlink_mapping),
		LIE(mm_filemap_add_to_page_cache, add_pfn),
		LIE(mm_filemap_add_to_page_cache, add_pgoff),
		LIE(mm_filemap_add_to_page_cache, add_mapping),
		LIE(mm_filemap_add_to_page_cache, add_slot),
		LIE(mm_filemap_delete_from_page_cache, delete_pfn),
		LIE(mm_filemap_delete_from_page_cache, delete_pgoff),
		LIE(mm_filemap_delete_from_page_cache, delete_slot),
		LIE(mapping_slot_drop, drop_slot),
		LIE(mapping_slot_drop, drop_pgoff),
		LIE(rmap_add, rmap_mapping),
		LIE(pte_clear, clear_why),
		LIE(state_i_mmap, state_pgoff),
	};

	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		record(dir, lies[i].id, lies[i].edit);
		if (sql_int(dir, "SELECT count(*) FROM order_violation") == 0)
			die("%s: no violation", lies[i].what);
	}
}

const struct test cache_tests[] = {
	{"the page cache by the rules", test_by_the_rules},
	{"the page cache, events missing", test_missing_events},
	{"the page cache, events that lie", test_lying_events},
	{0},
};
