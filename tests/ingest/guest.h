/*
 * A toy guest: a few tasks with one anonymous VMA each, faulting, forking, writing, being reclaimed
 * and swapped in, at random but with a fixed seed. Every event it emits is legal, so its trace must
 * replay without a violation, and what the replay believes at the end must be what the toy knows.
 */
#ifndef TESTS_INGEST_GUEST_H
#define TESTS_INGEST_GUEST_H

#include "tests/ingest/writer.h"

#define GUEST_TASKS 6
#ifdef SMALL_GUEST      /* for fuzzing: a trace of it is short */
#define GUEST_PAGES  12 /* of each VMA */
#define GUEST_FRAMES 56
#define GUEST_SLOTS  40
#else
#define GUEST_PAGES  96
#define GUEST_FRAMES 512
#define GUEST_SLOTS  400
#endif
#define GUEST_ZERO_PFN 1
#define GUEST_VA       0x400000u

struct guest_entry {
	uint8_t kind;
	uint16_t flags;
	uint32_t value;
};

struct guest_task {
	bool alive;
	int32_t pid, parent_pid;
	uint32_t cpu, mm_id, vma_id, anon_vma_id, pgd_pfn, table_pfn, root_id;
	uint32_t nr_chain, chain[8]; /* anon_vmas that its VMA is linked to */
	struct guest_entry entries[GUEST_PAGES];
};

struct guest_frame {
	bool used, pcp;
	uint8_t kind, list; /* list: LRU_ISOLATED + 1: none */
	uint16_t flags, pcp_cpu;
	uint32_t mapcount, mapping_id, slot; /* slot 0: none */
	int64_t pos;
};

struct guest_slot {
	uint32_t refs, pfn;
};

struct guest {
	struct writer *w;
	uint64_t random;
	uint32_t next_mm, next_vma, next_anon_vma, next_pass, next_kill, nr_baselines, nr_barriers;
	struct trace_ev_reclaim_pass_end pass; /* what the decisions of the present one add up to */
	int32_t next_pid, current[TRACE_MAX_CPUS];
	int64_t hi[LRU_ISOLATED + 1], lo[LRU_ISOLATED + 1];
	uint64_t vmstat[VMSTAT_PAGEOUTRUN + 1];
	uint32_t anon_vma_links[4096], anon_vma_root[4096]; /* by id; links 0: does not exist */
	struct guest_task tasks[GUEST_TASKS];
	struct guest_frame frames[GUEST_FRAMES];
	struct guest_slot slots[GUEST_SLOTS + 1];
};

/* session_begin, the first baseline with one task, and the counters. */
void guest_boot(struct guest *g, struct writer *w, uint64_t seed);
/* So many steps: faults, forks, exits, reclaim, barriers. */
void guest_run(struct guest *g, uint32_t steps);
/* The trace is paused: whatever the guest does next is not told, until guest_resume(). */
void guest_pause(struct guest *g);
/* The trace goes on, with a baseline. */
void guest_resume(struct guest *g);
/* A later baseline. */
void guest_baseline(struct guest *g);
/* The counters and session_end. */
void guest_end(struct guest *g);

#endif
