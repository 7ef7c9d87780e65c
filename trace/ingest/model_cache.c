/*
 * The page cache: mappings, which page or slot is at each place of a file, and which VMAs may map the
 * file's pages.
 *
 * A place goes from hole to page and back, from page to slot and back, from slot to hole. A page
 * belongs to one place at most, and while the machine stands still it is not in the swap cache as well:
 * it is in both only between the two events of a change, under the mapping's lock.
 *
 * A page leaves its place when nothing maps it, but whoever took the last mapping away may still be
 * about to tell so, under another lock. So that is asked when the page is freed and when the machine
 * stands still (model_check.c).
 */
#include "trace/ingest/model.h"

#include <inttypes.h>

static struct text place_name(uint32_t mapping_id, uint64_t pgoff)
{
	return fmt("mapping %u, page %" PRIu64, mapping_id, pgoff);
}

static struct text content(const struct cached *cached)
{
	if (!cached)
		return fmt("a hole");
	return fmt("%s %u", cached->kind == PTE_SWAP ? "slot" : "frame", cached->value);
}

/* ---- mappings ---- */

static struct mapping *mapping_known(struct model *m, uint32_t mapping_id)
{
	struct mapping *mapping = map_find(&m->mappings, mapping_id, 0);

	if (!mapping)
		violation(m, fmt("mapping %u", mapping_id), fmt("exists"), fmt("unknown"));
	return mapping;
}

static void mapping_new(struct model *m, uint32_t mapping_id)
{
	struct mapping *mapping = map_insert(&m->mappings, mapping_id, 0);

	mapping->entry.generation = m->generation;
	mapping->t_begin = span_begin(m);
}

static void mapping_span_end(struct model *m, void *record, uint64_t t)
{
	const struct mapping *mapping = record;

	DB_INSERT(m->db, mapping_span, INT(mapping->entry.a), INT(mapping->t_begin), INT(t));
}

void on_mapping_create(struct model *m, const struct trace_ev_mapping_create *e)
{
	if (map_find(&m->mappings, e->mapping_id, 0) || map_find(&m->anon_vmas, e->mapping_id, 0))
		violation(m, fmt("mapping %u", e->mapping_id), fmt("a new number"), fmt("exists"));
	else
		mapping_new(m, e->mapping_id);
}

void on_mapping_free(struct model *m, const struct trace_ev_mapping_free *e)
{
	struct mapping *mapping = mapping_known(m, e->mapping_id);

	if (!mapping)
		return;
	if (mapping->nr_cached || mapping->nr_links)
		violation(
			m, fmt("mapping %u", e->mapping_id), fmt("no pages, slots, VMAs"),
			fmt("%u pages and slots, %u VMAs", mapping->nr_cached, mapping->nr_links));
	mapping_span_end(m, mapping, m->event->t);
	map_remove(&m->mappings, mapping);
}

void on_state_mapping(struct model *m, const struct trace_ev_state_mapping *e)
{
	struct mapping *mapping = map_find(&m->mappings, e->mapping_id, 0);

	if (mapping) {
		mapping->entry.generation = m->generation;
		return;
	}
	disagreement(m, fmt("mapping %u", e->mapping_id), fmt("unknown"), fmt("listed"));
	mapping_new(m, e->mapping_id);
}

/* ---- places ---- */

static void cached_write(struct model *m, const struct cached *cached, uint64_t t)
{
	bool is_slot = cached->kind == PTE_SWAP;

	DB_INSERT(m->db, cache_span, INT(cached->entry.a), INT(cached->entry.b),
		  TEXT(enum_text(ENUM_ID_pte_kind, cached->kind)),
		  is_slot ? NIL : INT(cached->value), is_slot ? INT(cached->value) : NIL,
		  INT(cached->t_begin), INT(t));
}

/* What it refers to is no longer there. */
static void cached_unlink(struct model *m, const struct cached *cached)
{
	struct frame *frame = cached->kind == PTE_PAGE ? frame_at(m, cached->value) : NULL;

	if (frame)
		frame->mapping_id = 0;
}

static void cached_span_end(struct model *m, void *record, uint64_t t)
{
	const struct cached *cached = record;
	struct mapping *mapping;

	cached_write(m, cached, t);
	if (t == T_OPEN)
		return;
	cached_unlink(m, cached);
	mapping = map_find(&m->mappings, cached->entry.a, 0);
	if (mapping)
		mapping->nr_cached--;
}

/* The record of a place, new if it was a hole, from now on with this content. */
static void cached_set(struct model *m, uint32_t mapping_id, uint64_t pgoff, uint8_t kind,
		       uint32_t value)
{
	struct cached *cached = map_find(&m->cached, mapping_id, pgoff);
	struct mapping *mapping = map_find(&m->mappings, mapping_id, 0);
	struct frame *frame = kind == PTE_PAGE ? frame_at(m, value) : NULL;

	if (cached) {
		cached_write(m, cached, span_begin(m));
		cached_unlink(m, cached);
	} else {
		cached = map_insert(&m->cached, mapping_id, pgoff);
		if (mapping)
			mapping->nr_cached++;
	}
	cached->entry.generation = m->generation;
	cached->t_begin = span_begin(m);
	cached->kind = kind;
	cached->value = value;
	if (frame) {
		frame->mapping_id = mapping_id;
		frame->pgoff = pgoff;
	}
}

static void cached_remove(struct model *m, struct cached *cached)
{
	cached_span_end(m, cached, m->event->t);
	map_remove(&m->cached, cached);
}

/* Demands that the place holds this slot; 0: that it is a hole. */
static void check_slot_there(struct model *m, uint32_t mapping_id, uint64_t pgoff, uint32_t slot)
{
	const struct cached *cached = map_find(&m->cached, mapping_id, pgoff);

	if (slot ? !cached || cached->kind != PTE_SWAP || cached->value != slot : cached != NULL)
		violation(m, place_name(mapping_id, pgoff), content(cached),
			  slot ? fmt("slot %u", slot) : fmt("a hole"));
}

void on_mm_filemap_add_to_page_cache(struct model *m,
				     const struct trace_ev_mm_filemap_add_to_page_cache *e)
{
	const struct frame *frame = frame_allocated(m, e->pfn);

	mapping_known(m, e->mapping_id);
	check_slot_there(m, e->mapping_id, e->pgoff, e->slot);
	if (frame && (frame->mapping_id || !is_file_page(frame)))
		violation(m, fmt("frame %u", e->pfn), fmt("a file's page, in no mapping"),
			  fmt("kind %s, in mapping %u", enum_text(ENUM_ID_page_kind, frame->kind),
			      frame->mapping_id));
	if (frame && e->slot && frame->slot != e->slot)
		violation(m, fmt("frame %u", e->pfn), fmt("content of slot %u", e->slot),
			  fmt("of slot %d", (int32_t)frame->slot));
	cached_set(m, e->mapping_id, e->pgoff, PTE_PAGE, e->pfn);
	if (e->slot)
		swap_slot_used(m, e->slot);
}

void on_mm_filemap_delete_from_page_cache(
	struct model *m, const struct trace_ev_mm_filemap_delete_from_page_cache *e)
{
	struct cached *cached = map_find(&m->cached, e->mapping_id, e->pgoff);
	const struct slot *slot = e->slot ? slot_at(m, e->slot) : NULL;

	if (!cached || cached->kind != PTE_PAGE || cached->value != e->pfn)
		violation(m, place_name(e->mapping_id, e->pgoff), content(cached),
			  fmt("frame %u", e->pfn));
	if (slot && (!slot->used || slot->pfn != e->pfn))
		violation(m, fmt("slot %u", e->slot), fmt("has frame %u in the cache", e->pfn),
			  fmt("%d", (int32_t)slot->pfn));
	if (e->slot)
		cached_set(m, e->mapping_id, e->pgoff, PTE_SWAP, e->slot);
	else if (cached)
		cached_remove(m, cached);
}

void on_mapping_slot_drop(struct model *m, const struct trace_ev_mapping_slot_drop *e)
{
	struct cached *cached = map_find(&m->cached, e->mapping_id, e->pgoff);

	check_slot_there(m, e->mapping_id, e->pgoff, e->slot);
	if (cached)
		cached_remove(m, cached);
}

void on_state_cache(struct model *m, const struct trace_ev_state_cache *e)
{
	struct cached *cached = map_find(&m->cached, e->mapping_id, e->pgoff);

	if (!cached || cached->kind != e->kind || cached->value != e->value) {
		disagreement(m, place_name(e->mapping_id, e->pgoff), content(cached),
			     fmt("%s %u", enum_text(ENUM_ID_pte_kind, e->kind), e->value));
		cached_set(m, e->mapping_id, e->pgoff, (uint8_t)e->kind, e->value);
	} else {
		cached->entry.generation = m->generation;
	}
}

/* ---- VMAs of a file ---- */

static void count_link(struct model *m, uint32_t vma_id, uint32_t mapping_id, int change)
{
	struct vma *vma = map_find(&m->vmas, vma_id, 0);
	struct mapping *mapping = map_find(&m->mappings, mapping_id, 0);

	if (vma)
		vma->nr_links += (uint32_t)change;
	if (mapping)
		mapping->nr_links += (uint32_t)change;
}

static void link_new(struct model *m, uint32_t vma_id, uint32_t mapping_id, uint64_t pgoff)
{
	struct i_mmap *link = map_insert(&m->i_mmaps, vma_id, 0);

	link->entry.generation = m->generation;
	link->mapping_id = mapping_id;
	link->pgoff = pgoff;
	link->t_begin = span_begin(m);
	count_link(m, vma_id, mapping_id, 1);
}

static void link_span_end(struct model *m, void *record, uint64_t t)
{
	const struct i_mmap *link = record;

	DB_INSERT(m->db, i_mmap_span, INT(link->entry.a), INT(link->mapping_id), INT(link->pgoff),
		  INT(link->t_begin), INT(t));
	if (t != T_OPEN)
		count_link(m, (uint32_t)link->entry.a, link->mapping_id, -1);
}

void on_i_mmap_link(struct model *m, const struct trace_ev_i_mmap_link *e)
{
	mapping_known(m, e->mapping_id);
	if (!map_find(&m->vmas, e->vma_id, 0))
		violation(m, fmt("vma %u", e->vma_id), fmt("exists"), fmt("unknown"));
	if (map_find(&m->i_mmaps, e->vma_id, 0))
		violation(m, fmt("vma %u", e->vma_id), fmt("of no file"), fmt("linked before"));
	else
		link_new(m, e->vma_id, e->mapping_id, e->pgoff);
}

void on_i_mmap_unlink(struct model *m, const struct trace_ev_i_mmap_unlink *e)
{
	struct i_mmap *link = map_find(&m->i_mmaps, e->vma_id, 0);

	if (!link || link->mapping_id != e->mapping_id)
		violation(m, fmt("vma %u", e->vma_id), fmt("of mapping %u", e->mapping_id),
			  link ? fmt("of %u", link->mapping_id) : fmt("of none"));
	if (!link)
		return;
	link_span_end(m, link, m->event->t);
	map_remove(&m->i_mmaps, link);
}

void i_mmap_move(struct model *m, uint32_t vma_id, int64_t pages)
{
	struct i_mmap *link = map_find(&m->i_mmaps, vma_id, 0);

	if (!link || !pages)
		return;
	DB_INSERT(m->db, i_mmap_span, INT(vma_id), INT(link->mapping_id), INT(link->pgoff),
		  INT(link->t_begin), INT(m->event->t));
	link->pgoff += (uint64_t)pages;
	link->t_begin = m->event->t;
}

const struct i_mmap *i_mmap_of(const struct model *m, uint32_t vma_id)
{
	return map_find(&m->i_mmaps, vma_id, 0);
}

uint32_t cache_slot_at(const struct model *m, uint32_t mm_id, uint64_t va)
{
	const struct vma *vma = vma_containing(m, mm_id, va);
	const struct i_mmap *link = vma ? i_mmap_of(m, (uint32_t)vma->entry.a) : NULL;
	const struct cached *cached;

	if (!link)
		return NO_SLOT;
	cached = map_find(&m->cached, link->mapping_id, link->pgoff + (va - vma->start) / 4096);
	return cached && cached->kind == PTE_SWAP ? cached->value : NO_SLOT;
}

void on_state_i_mmap(struct model *m, const struct trace_ev_state_i_mmap *e)
{
	struct i_mmap *link = map_find(&m->i_mmaps, e->vma_id, 0);

	if (link && link->mapping_id == e->mapping_id && link->pgoff == e->pgoff) {
		link->entry.generation = m->generation;
		return;
	}
	disagreement(m, fmt("vma %u", e->vma_id),
		     link ? fmt("mapping %u from page %" PRIu64, link->mapping_id, link->pgoff)
			  : fmt("of no file"),
		     fmt("mapping %u from page %" PRIu64, e->mapping_id, (uint64_t)e->pgoff));
	if (link) {
		link_span_end(m, link, m->baseline_t);
		map_remove(&m->i_mmaps, link);
	}
	link_new(m, e->vma_id, e->mapping_id, e->pgoff);
}

/* ---- the whole ---- */

void caches_sweep(struct model *m)
{
	map_sweep(m, &m->i_mmaps, "VMA of a file", link_span_end);
	map_sweep(m, &m->cached, "place of mapping, page", cached_span_end);
	map_sweep(m, &m->mappings, "mapping", mapping_span_end);
}

void caches_flush(struct model *m)
{
	map_flush(m, &m->i_mmaps, link_span_end);
	map_flush(m, &m->cached, cached_span_end);
	map_flush(m, &m->mappings, mapping_span_end);
}
