/*
 * Reverse mapping of anonymous pages: from a page to every entry that maps it.
 *
 * A page points to one anon_vma; an anon_vma holds an interval tree of chain links, each naming a
 * VMA that may map pages of it. A child of fork links its VMAs into all anon_vmas of the parent's
 * (pages shared with the parent belong to those) and gets an anon_vma of its own for pages it will
 * make. All anon_vmas of a family share the root's lock.
 *
 * The design is Linux's (van Riel, "anon_vma chains", 2010). A tree per family instead of per
 * anon_vma was rejected: a walk would visit every child for pages that only one of them maps.
 */
#ifndef MM_RMAP_H
#define MM_RMAP_H

#include "lib/interval_tree.h"
#include "mm/page.h"
#include "mm/vma.h"

struct anon_vma {
	struct anon_vma *root;
	spinlock_t
		lock;  /* RANK_ANON_VMA; the root's one is used: trees, links, refs of the family */
	u32 id;        /* serial number */
	atomic_t refs; /* links, pages that point to it, and for a root the others of the family */
	struct interval_root links; /* anon_vma_chain by page->index */
	struct list_head node;      /* in the list of all; rmap.c */
};

struct anon_vma_chain {
	struct interval_node interval; /* indexes of the VMA's pages; anon_vma lock */
	struct vma *vma;
	struct anon_vma *anon_vma;
	struct list_head node; /* vma->chain; mmap_lock */
};

void rmap_init(void);

/* The next serial number of anon_vmas and mappings: one sequence, so that a number names one thing
 * that pages belong to. */
u32 rmap_new_id(void);

/* Gives the VMA an anon_vma if it has none. 0 or -ENOMEM. mmap_lock held (reading is enough). May
 * sleep. */
int anon_vma_prepare(struct vma *vma);

/* Sets aside as many links as the VMA has, for anon_vma_clone(). 0 or -ENOMEM. mmap_lock for
 * writing. May sleep. */
int anon_vma_reserve(struct list_head *spare, struct vma *vma);
void anon_vma_unreserve(struct list_head *spare);

/* Links `to` wherever `from` is linked, using up what was reserved for that; a VMA of the same
 * address space (split) shares the anon_vma too. Does not sleep, so that nobody sees a split half
 * done. mmap_lock for writing. */
void anon_vma_clone(struct vma *to, struct vma *from, struct list_head *spare);

/* Links a child's VMA as clone does and gives it an anon_vma of its own. 0 or -ENOMEM. */
int anon_vma_fork(struct vma *child, struct vma *parent);

/* Cuts all links of a VMA. mmap_lock for writing. */
void anon_vma_unlink(struct vma *vma);
/* The same for one that goes on, without pages. */
void anon_vma_detach(struct vma *vma);

/* Whether pages of the VMA may belong to a parent's or child's anon_vma. mmap_lock held. */
bool anon_vma_is_inherited(const struct vma *vma);

/* Whether two VMAs may be merged as far as their anon_vmas go: they have the same, or only one has
 * any, and that is no inherited one. */
bool anon_vma_mergeable(const struct vma *a, const struct vma *b);

/* Brackets a change of vma->start or end, so that a walker never sees a tree that disagrees with
 * it. */
void anon_vma_begin_resize(struct vma *vma);
void anon_vma_end_resize(struct vma *vma);

/* Counts and uncounts a mapping; traced. The entry's ptl is held. rmap_add_new() is for a page
 * nobody else sees yet. */
void rmap_add_new(struct page *page, struct vma *vma, u64 va);
void rmap_add(struct page *page, struct vma *vma, u64 va);
/* The content of an anonymous page has another frame: counts the mapping there, and uncounts it where it was. */
void rmap_migrate(struct page *to, struct page *from, struct vma *vma, u64 va);
/* rmap_add() for a page of the VMA's file; the mapping's lock is held, or the page is mapped already. */
void rmap_add_file(struct page *page, struct vma *vma, u64 va);
void rmap_remove(struct page *page, struct mm *mm, u64 va);
/* Serial number of the anon_vma or the mapping that the page belongs to, or 0. It must not lose it
 * meanwhile: it is mapped, locked, or all CPUs are quiesced. */
u32 rmap_mapping_id(const struct page *page);

/* A huge page is split: the other frames belong to its anon_vma too. The caller prepares them. */
void rmap_split(struct page *page);

/* The page is free: it lets go of its anon_vma. Called by page_put() only. */
void rmap_page_freed(struct page *page);

/* What a walk over the mappings of a page meets: its entry, locked. */
struct rmap_mapping {
	struct page *page;
	struct vma *vma;
	u64 va;
	pte_t *entry; /* its ptl is held: the visitor must not sleep */
	bool huge;    /* it is one of level 2, of a page of 512 frames */
};

/* Calls visit for the entry at va if it maps the page, and returns what that returns, else true. The
 * VMA stays and covers va: what it was found by is locked. Takes the PTE lock. */
bool rmap_visit(struct page *page, struct vma *vma, u64 va,
		bool (*visit)(struct rmap_mapping *mapping, void *arg), void *arg);

/* How mappings of anonymous pages are found; one implementation a file, chosen on the command line: rmap=NAME. */
struct rmap_strategy {
	const char *name;
	/* Calls visit for every entry that maps the page, until it returns false. The page cannot
	 * lose its anon_vma: the caller has a reference. Takes the anon_vma lock and, one after the
	 * other, PTE locks. */
	void (*walk)(struct page *page, bool (*visit)(struct rmap_mapping *mapping, void *arg),
		     void *arg);
};
extern const struct rmap_strategy rmap_anon_chain;
extern const struct rmap_strategy *rmap;
/* The same for a page of any kind that programs map. One of a file is locked. */
void rmap_walk(struct page *page, bool (*visit)(struct rmap_mapping *mapping, void *arg),
	       void *arg);

/* Takes the one that the command line names; panics when there is none of that name. */
void rmap_choose(void);

/* Accessed bits of all mappings, harvested. */
struct rmap_harvest {
	u32 mappings, referenced;
	bool locked;  /* one is of a VMA with VM_LOCKED, or the file is to stay in memory */
	u64 cpu_mask; /* CPUs whose TLB must be flushed before the next harvest: accumulates */
};
void rmap_harvest(struct page *page, struct rmap_harvest *harvest);

/* Whether a VMA with VM_LOCKED maps the page, or its file is to stay in memory. The caller holds the page; one
 * of a file is locked. */
bool rmap_is_locked(struct page *page);

/* Replaces every mapping of a locked page in the swap cache by a swap entry. Adds to *cpu_mask the
 * CPUs whose TLB must be flushed before the page is written or freed. Returns whether no mapping is
 * left: those of locked VMAs stay. */
bool rmap_unmap_all(struct page *page, u64 *cpu_mask);

/* Takes away every mapping of a locked page with PG_LAZYFREE; its content is lost to those. Stops at a
 * mapping that is dirty or of a locked VMA. Adds to *cpu_mask the CPUs whose TLB must be flushed before
 * the page is freed. Returns whether no mapping is left. */
bool rmap_unmap_lazyfree(struct page *page, u64 *cpu_mask);

/* Emits state_anon_vma and state_avc records. All CPUs quiesced. Returns the records emitted. */
u64 rmap_baseline(void);

#endif
