/*
 * What the toy guest does to memory: frames, lists, mappings, entries, swap, reclaim. Only guest.c and guest_memory.c include it.
 */
#ifndef TESTS_INGEST_GUEST_MEMORY_H
#define TESTS_INGEST_GUEST_MEMORY_H

#include "tests/ingest/guest.h"

#define NO_LIST (LRU_ISOLATED + 1)
/* Frames from here on are one free block that only split_and_merge() touches. */
#define BLOCK_PFN   (GUEST_FRAMES - 8)
#define BLOCK_ORDER 3

/* A number below `sides`. */
uint32_t roll(struct guest *g, uint32_t sides);
/* The address of a VMA's page. */
uint64_t entry_va(uint32_t index);
/* A frame, or 0 when none is free. */
uint32_t alloc_frame(struct guest *g, uint32_t cpu, enum page_kind kind);
void free_frame(struct guest *g, uint32_t cpu, uint32_t pfn);
void set_flags(struct guest *g, uint32_t cpu, uint32_t pfn, uint16_t flags);
/* Splits the one large free block to the end, and merges it again. */
void split_and_merge(struct guest *g, uint32_t cpu);
/* Puts a page at the head or tail of a list. */
void list_add(struct guest *g, uint32_t cpu, uint32_t pfn, uint8_t list, uint8_t why);
/* Counts a mapping, and uncounts one. */
void map_page(struct guest *g, const struct guest_task *t, uint32_t cpu, uint32_t i, uint32_t pfn);
void unmap_page(struct guest *g, const struct guest_task *t, uint32_t cpu, uint32_t i,
		uint32_t pfn);
/* Writes an entry of the task's page table; its old flags may have gained accessed and dirty. */
void set_entry(struct guest *g, struct guest_task *t, uint32_t cpu, uint32_t i,
	       struct guest_entry entry, uint8_t why);
/* Adds `step` to a slot's references; frees it at 0. */
void slot_ref(struct guest *g, uint32_t cpu, uint32_t slot, int step, uint8_t why);
/* A page that nobody maps any more goes; one whose slot nobody else needs leaves the cache. */
void release_page(struct guest *g, uint32_t cpu, uint32_t pfn);
/* One pass over up to so many pages from the inactive tail, by kswapd or directly. */
void reclaim(struct guest *g, const struct guest_task *t, uint32_t nr_pages);

#endif
