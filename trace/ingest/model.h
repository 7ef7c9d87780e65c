/*
 * The guest's memory state as the events tell it: what exists at the event being replayed. One
 * model_*.c per family of events changes its part, checks each event against it, and writes a span
 * to the database when it ends. Memory is bounded by what lives in the guest, not by the length of
 * the trace.
 *
 * Only the files of trace/ingest/ named model*.c and replay.c include this.
 *
 * Phases: before the first baseline nothing is known and nothing is replayed. The first baseline
 * builds the model. From its end on every event is checked. A later baseline is compared with the
 * model record by record, and what differs is a violation and is then believed. A pause of the trace ends all
 * spans and forgets everything; the baseline behind it is a first one again.
 */
#ifndef INGEST_MODEL_H
#define INGEST_MODEL_H

#include "trace/gen/event_info.h"
#include "trace/ingest/db.h"
#include "trace/ingest/map.h"
#include "trace/ingest/reader.h"
#include "trace/ingest/sparse.h"
#include "trace/ingest/tables.h"

#define NR_LRU_LISTS    (LRU_ISOLATED + 1)
#define LRU_NONE        0xff
#define LRU_WHY_UNKNOWN 0xff
#define VERDICT_NONE    0xff
#define MAX_WAITING_COUNTS \
	8 /* more than can be in flight on the CPUs of one machine for one page */
#define MAX_NESTED_FAULTS       4 /* a user access, a kernel copy inside a fault, and room */
#define MAX_RECORDED_VIOLATIONS 1000
#define NO_FRAME                UINT32_MAX
#define NO_SLOT                 UINT32_MAX
/* 256 GiB of frames or slots: what no session_begin allows is refused. */
#define MAX_FRAMES (1u << 26)
/* Why a span began, when a baseline and no event began it. */
#define WHY_BASELINE 0xff

enum phase { PHASE_BEFORE, PHASE_BUILD, PHASE_LIVE, PHASE_COMPARE };

/* A refault whose fault is not over: written when it is, or when nobody waited for it. */
struct refault {
	bool open;
	bool readahead;
	uint32_t slot, pfn;
	uint64_t t;           /* swap_in_begin */
	uint64_t eviction_id; /* rank of the page_evicted */
	uint64_t distance;    /* evictions from that one to here */
};

struct open_fault {
	uint64_t id, t, va, ip;
	uint32_t cpu, error_code;
	uint64_t stalled_ns, reclaim_ns;
	/* What the first change of its entry was. */
	bool changed, same_value;
	uint8_t old_kind, kind;
	bool of_file; /* the VMA then */
	bool grew;    /* the stack, by this fault */
	struct refault refault;
};

struct task { /* key: pid */
	struct map_entry entry;
	char comm[17];
	uint32_t mm_id;
	int32_t parent_pid; /* who created it, or took it when that one ended */
	int32_t ppid;       /* the parent of its group, as baselines tell it */
	int32_t tgid, status;
	bool exiting; /* sched_process_exit was seen; the span ends when it leaves its CPU for the
			 last time */
	uint64_t t_begin, t_exit;
	uint32_t queue;       /* 1 + the CPU it runs or waits on, or ran on last; 0: not known */
	uint64_t cpus;        /* where it may run, or 0: not known */
	bool fresh;           /* forked, and not runnable yet */
	bool asleep;          /* left its CPU to sleep, and was not woken since */
	uint32_t pass_id;     /* the reclaim pass it runs, or 0 */
	uint32_t scored_in;   /* the OOM decision that told its score last */
	uint32_t adjusted_in; /* the one that told an adjustment of it last: */
	struct trace_ev_oom_score_adj adjusted;
	bool reclaiming;    /* in direct reclaim, since: */
	uint64_t reclaim_t; /* 0: none was seen to begin */
	uint32_t reclaim_order;
	uint32_t nr_slabs_freed; /* since it told how many last, */
	bool slabs_told;         /* if it did */
	bool compacting;         /* moves pages */
	uint32_t nr_migrated;    /* pages out of the block that it is at: */
	uint32_t migrated_from;  /* its first frame */
	bool faulted, reclaimed; /* a fault, a direct reclaim of it was seen to begin */
	uint32_t nr_faults;
	struct open_fault faults[MAX_NESTED_FAULTS];
};

struct vma_range {
	uint64_t start, end;
	uint32_t vma_id;
};

struct mm { /* key: mm_id */
	struct map_entry entry;
	uint32_t pgd_pfn;
	uint32_t nr_ptes, nr_pgtables;
	uint64_t t_begin;
	struct vma_range *ranges; /* by address */
	uint32_t nr_ranges, max_ranges;
};

struct vma { /* key: vma_id */
	struct map_entry entry;
	uint64_t start, end, t_begin;
	uint32_t mm_id, flags, anon_vma_id, nr_links;
	const char *why_in;
};

struct anon_vma { /* key: anon_vma_id */
	struct map_entry entry;
	uint32_t root_id, nr_links;
	uint64_t t_begin;
};

struct avc { /* key: vma_id, anon_vma_id */
	struct map_entry entry;
	uint64_t t_begin;
};

struct pte { /* key: mm_id, va */
	struct map_entry entry;
	uint64_t t_begin;
	uint32_t value;
	uint16_t flags;
	uint8_t kind, why;
};

struct rmap { /* key: pfn << 32 | mm_id, va */
	struct map_entry entry;
	uint64_t t_begin;
	uint32_t mapping_id;
};

/* Mapping events of one page whose counts do not follow in the order of their stamps; see
 * model_rmap.c. */
struct waiting_count {
	uint64_t rank;
	int64_t found;
	int32_t change;
	uint32_t cpu;
};

struct count_window { /* key: pfn */
	struct map_entry entry;
	int64_t base; /* mappings before the first of them */
	uint32_t nr;
	struct waiting_count waiting[MAX_WAITING_COUNTS];
};

struct pgtable { /* key: mm_id << 8 | level, va */
	struct map_entry entry;
	uint64_t t_begin;
	uint32_t pfn;
};

struct mapping { /* key: mapping_id */
	struct map_entry entry;
	uint64_t t_begin;
	uint32_t nr_cached, nr_links;
};

struct cached { /* key: mapping_id, pgoff */
	struct map_entry entry;
	uint64_t t_begin;
	uint32_t value;
	uint8_t kind; /* PTE_PAGE or PTE_SWAP */
};

struct signals { /* key: pid; of a task whose birth was seen */
	struct map_entry entry;
	uint32_t nr_threads;     /* of the group, in the record of its leader's pid */
	uint64_t sent;           /* to any of them, a bit by signal */
	uint32_t nr_waiting[65]; /* sent to this pid and not taken, as far as is known, by signal */
};

struct i_mmap { /* key: vma_id */
	struct map_entry entry;
	uint64_t t_begin, pgoff;
	uint32_t mapping_id;
};
#define HUGE_ORDER 9
#define HUGE_NR    (1u << HUGE_ORDER)

/* A 2 MiB page; its 512 entries are in ptes too. */
struct pmd { /* key: mm_id, va */
	struct map_entry entry;
	uint64_t t_begin;
	uint32_t pfn;
	uint16_t flags;
};

struct pass { /* key: pass_id */
	struct map_entry entry;
	struct trace_ev_reclaim_pass_end seen; /* what its decisions add up to */
	uint64_t t_begin;
	uint32_t kind, priority, nr_free, cpu;
	int32_t pid;
};

struct oom { /* key: kill_id */
	struct map_entry entry;
	int32_t invoker, victim;
	uint32_t order, nr_free, nr_free_slots, mm_id, predicted;
	uint64_t t;          /* mark_victim; 0: not yet */
	int64_t best_points; /* of the eligible candidates told */
	int32_t best_pid;
};

enum frame_state {
	FRAME_UNKNOWN, /* no RAM, or nothing was said about it */
	FRAME_TAIL,    /* inside a block whose first frame has one of the states below */
	FRAME_BUDDY,
	FRAME_PCP,
	FRAME_ALLOCATED,
};

struct frame {
	uint64_t state_t; /* since when the block is what it is */
	uint64_t life_id; /* FRAME_ALLOCATED: the event that said so */
	uint64_t flags_t, lru_t;
	int64_t lru_pos;
	uint32_t mapcount;
	uint32_t slot;       /* identity in swap, or NO_SLOT */
	uint32_t mapping_id; /* in the page cache: the mapping, and where in it; else 0 */
	uint64_t pgoff;
	uint32_t generation, lru_generation;
	uint32_t nr_tables; /* page tables that the model links here: 0 or 1 */
	/* Bits set twice, and cleared twice, in a row: two CPUs changed them in one order and
	 * stamped in the other. */
	uint16_t flags, flags_twice_set, flags_twice_cleared;
	uint16_t cpu; /* FRAME_PCP: whose list; FRAME_ALLOCATED: who allocated it */
	uint8_t state, order, kind, pcp, reserve;
	uint8_t list, lru_why; /* LRU_NONE: on no list */
	uint8_t from_list;     /* isolated: where it was taken from; LRU_NONE: not known */
	uint8_t lru_out_why; /* why it left a list last, in this life; LRU_WHY_UNKNOWN: it did not */
	uint8_t verdict;     /* isolated: what the pass decided; VERDICT_NONE: nothing yet */
	bool read_failed;
	uint16_t nr_young;  /* isolated: accessed bits found since the last look */
	uint32_t look_pass; /* isolated: the pass that asked its mappings; 0: none did */
	uint32_t slab;      /* hash of the cache's name; 0: no slab_grow told of it */
};

struct slot {
	bool used;
	uint32_t refs, generation;
	uint32_t
		holders; /* entries and places of files that refer to it; only while model_check() counts them */
	uint32_t pfn;       /* what the swap cache holds for it, or NO_FRAME */
	int cache_change;   /* what the cache did, +1 or -1, until the count follows */
	uint32_t alloc_pfn; /* for whom it was taken, until it is cached: else NO_FRAME */
	uint32_t last_pfn;  /* what the swap cache held last, or NO_FRAME */
	int32_t out_error;  /* of the last write, */
	uint32_t out_pass;  /* which this pass sent; 0: none was seen */
	uint64_t life_id, refs_t, cache_t;
	uint64_t eviction_id,
		eviction_n; /* its content's last eviction that has not come back; 0: none */
	struct refault refault;
	struct {
		bool open, readahead, seen; /* seen: one began since tracing did */
		uint32_t pfn, pass_id;
		int32_t pid;
		uint64_t t;
	} out, in;
};

/* The highest and lowest place ever taken in a list; head insertions go above, tail insertions
 * below. */
struct lru_ends {
	bool known, hi_exact, lo_exact; /* exact: taken by an insertion that was seen */
	int64_t hi, lo;
};

/* Woken, working, asleep, in a circle. */
enum kswapd_state { KSWAPD_UNKNOWN, KSWAPD_ASLEEP, KSWAPD_WOKEN, KSWAPD_AWAKE };

/* Where the value of an entry comes from. */
struct source {
	uint32_t value;
	uint8_t kind;
};

/* A request that the disk has. */
struct request {
	bool open, seen;
	uint64_t sector;
	uint32_t nr_sector;
	uint8_t write;
};
#define MAX_REQUESTS 32 /* tags of an AHCI port */

struct model {
	struct db *db;
	const struct event *event; /* being replayed */
	enum phase phase;
	uint32_t generation;    /* number of the baseline last begun */
	uint64_t baseline_t;    /* its state_begin */
	uint64_t baseline_rank; /* rank of the first baseline's end: what began before may be under
				   way unseen */
	uint64_t baseline_records;    /* state_* records since */
	uint64_t baseline_violations; /* found before it */
	uint64_t nr_violations, nr_barriers;
	uint64_t loss_t; /* from here on events may be missing; UINT64_MAX: none are */
	uint64_t nr_evictions;
	uint64_t last_t, last_rank;              /* of the event before */
	uint64_t keyframe_events, next_keyframe; /* how many apart; none before this rank */
	uint32_t first_pass_id, first_kill_id;   /* the lowest seen to begin */
	uint32_t done_kill_id;                   /* the highest that is over */
	enum kswapd_state kswapd;
	int32_t kswapd_pid;   /* of whom it last woke */
	uint32_t vmstat_next; /* the counter that is told next */
	uint32_t nr_vmstat;   /* how many are told each time; 0: not known yet */
	uint32_t nr_cpus_listed, nr_frames_listed, max_pfn_listed; /* by the baseline */
	uint64_t kswapd_t;
	uint32_t kswapd_free;
	uint64_t cpus_listed; /* by the baseline, a bit mask; */
	uint64_t cpus_off;    /* CPUs that were taken off, likewise */
	bool hotplug_told;    /* the kernel has CPUs come and go, and says when */
	bool ended;           /* session_end was seen */
	bool barriers_untold; /* there may have been some in a pause */
	bool swap_told;       /* whether swap is on was told since tracing began or went on: */
	bool swap_is_on;
	bool migrations_told; /* a task changes its CPU by sched_migrate_task alone; kernels without
				 that event did not say when */
	bool files_told;  /* what a VMA maps of a file is; kernels without i_mmap_link had copies */
	bool groups_told; /* each task_newtask tells the group; kernels without that event have no
			     threads */
	struct trace_ev_task_newtask birth; /* the last one whose sched_process_fork is to come;
					       pid 0: none */

	struct trace_ev_session_begin machine; /* zeroes until session_begin */
	struct trace_ev_session_end end;

	int32_t current[TRACE_MAX_CPUS];
	struct source moved[TRACE_MAX_CPUS]; /* what mremap took out of an entry last */
	bool zero_told;
	uint32_t zero_pfn; /* the zero page, once told */
	bool swap_size_known;
	uint32_t swap_size;  /* slots of the area in use */
	bool init_ended;     /* a thread of init's process exited */
	int32_t init_status; /* with this status, if all had the same: */
	bool init_is_one_voice;
	uint64_t stalled_ns[TRACE_MAX_CPUS];
	struct lru_ends ends[NR_LRU_LISTS];
	struct request requests[MAX_REQUESTS];
	struct sparse frames, slots; /* by pfn, by number */
	struct map tasks, mms, vmas, anon_vmas, avcs, ptes, rmaps, count_windows, pgtables, pmds,
		passes, ooms, mappings, cached, i_mmaps, signals;
};

/* ---- what all families use (model.c)
 * --------------------------------------------------------------------------- */

struct text {
	char s[112];
};
struct text fmt(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Records that the event being replayed is illegal in the present state. */
void violation(struct model *m, struct text object, struct text expected, struct text found);
/* The same for a baseline that disagrees; silent while the first baseline builds the model. */
void disagreement(struct model *m, struct text object, struct text expected, struct text found);

/* Start of a span that the event being replayed opens: its time, or the baseline's. */
static inline uint64_t span_begin(const struct model *m)
{
	return m->phase == PHASE_LIVE ? m->event->t : m->baseline_t;
}

/* Descriptors; a number beyond the machine's is a violation and gives NULL. */
struct frame *frame_at(struct model *m, uint32_t pfn);
struct slot *slot_at(struct model *m, uint32_t slot);
/* The first frame of an allocated block; a violation otherwise, and NULL. */
struct frame *frame_allocated(struct model *m, uint32_t pfn);

/* The task that runs where the event was emitted; NULL for the idle task and when unknown. */
struct task *current_task(struct model *m);
struct mm *mm_known(struct model *m, uint32_t mm_id);
/* Whether the task that runs where the event was emitted lives in this address space. */
bool in_own_mm(struct model *m, uint32_t mm_id);
/* Whether the task that runs on the event's CPU compacts; and that it moved a page out of that
 * frame (model_compact.c). */
bool is_compacting(struct model *m);
void count_migrated(struct model *m, uint32_t pfn);
/* Whether a frame's content is a file's. */
static inline bool is_file_page(const struct frame *frame)
{
	return frame->kind == PAGE_SHMEM || frame->kind == PAGE_FILE;
}

/* Demands that this task runs where the event was emitted. */
void check_runs_here(struct model *m, int32_t pid);

/*
 * Visits each record that the baseline just ended did not list, reports it as `what`, ends its span
 * and removes it. `end_span` writes the span and undoes what else the record counts in.
 */
void map_sweep(struct model *m, struct map *map, const char *what,
	       void (*end_span)(struct model *m, void *record, uint64_t t));
/* Writes the spans that are still open when the trace ends: end_span with T_OPEN changes nothing in the model. */
void map_flush(struct model *m, const struct map *map,
	       void (*end_span)(struct model *m, void *record, uint64_t t));

/* ---- what families need of each other
 * -------------------------------------------------------------------------- */

/* model_vma.c: the VMA that contains the address, or NULL. */
const struct vma *vma_containing(const struct model *m, uint32_t mm_id, uint64_t va);
/* model_cache.c: the VMA's place in a file, or NULL; and it moves because the VMA's start does. */
const struct i_mmap *i_mmap_of(const struct model *m, uint32_t vma_id);
void i_mmap_move(struct model *m, uint32_t vma_id, int64_t pages);
/* model_cache.c: the slot that the place of a file has which an address maps, or NO_SLOT. */
uint32_t cache_slot_at(const struct model *m, uint32_t mm_id, uint64_t va);
/* model_pgtable.c: whether a table of this level begins at the address. */
bool pgtable_exists(const struct model *m, uint32_t mm_id, uint32_t level, uint64_t va);
/* model_pmd.c: an entry is changed by itself, so it must not be part of a 2 MiB page. */
void pmd_check_entry(struct model *m, uint32_t mm_id, uint64_t va);
/* model_pmd.c: whether a 2 MiB page is mapped from this address on; and whether it begins with that frame. */
bool pmd_exists(const struct model *m, uint32_t mm_id, uint64_t va);
bool pmd_maps(const struct model *m, uint32_t mm_id, uint64_t va, uint32_t pfn);
/* model_pte.c: on_pte_set(), of an entry of level 1, or (PART_OF_PMD) of what a 2 MiB page stands for. */
enum entry_kind { ENTRY, PART_OF_PMD };
void pte_set_entry(struct model *m, const struct trace_ev_pte_set *e, enum entry_kind kind);
/* model_frame.c: frames of the page that begins here: 1, or 512 for an anonymous page of 2 MiB. */
uint32_t page_nr_frames(const struct frame *frame);
/* model_lru.c: the pages behind the first of one that was split are put on a list; and what the first was on ends. */
void lru_split(struct model *m, const struct trace_ev_page_split *e);
/* model_look.c: the pass, which must be one that the task running here is in; NULL when it began before tracing did. */
struct pass *pass_running(struct model *m, uint32_t pass_id);
/* model_look.c: an isolated page is put back, or goes: as its pass decided? */
void look_check_end(struct model *m, uint32_t pfn, const struct frame *frame, uint8_t why);
/* model_look.c: nothing is known of looks at the page. */
void look_forget(struct frame *frame);
/* model_signal.c: a task begins, ends, takes the pid of its group's leader, exits with a status. */
void signals_born(struct model *m, int32_t pid, int32_t tgid);
void signals_gone(struct model *m, int32_t pid, int32_t tgid);
void signals_move(struct model *m, int32_t from_pid, int32_t to_pid);
void signals_check_exit(struct model *m, const struct task *task, int32_t status);
/* model_slab.c: a page of slabs is freed. */
void slab_check_free(struct model *m, uint32_t pfn, const struct frame *frame);
/* model_fault.c: a stack grew, by the fault that runs on this CPU, if one does. */
void fault_note_growth(struct model *m);
/* model_fault.c: the task changes an entry; the fault it is in remembers how. */
void fault_note_change(struct model *m, const struct trace_ev_pte_set *e, const struct pte *old);
/* model_fault.c: the fault that runs on this CPU reads a page from swap. */
void fault_check_read(struct model *m, uint32_t slot, bool readahead);
/* model_swap.c: a task put the page of this slot into its entry: whose refault is it? */
void swap_slot_used(struct model *m, uint32_t slot);
/* model_reclaim.c: writes a refault if it is open; latency_ns < 0 and pid < 0: nobody waited, nobody used it. */
void refault_write(struct model *m, const struct refault *refault, int64_t latency_ns, int32_t pid);
/* The same, and it is over. */
void refault_end(struct model *m, struct refault *refault, int64_t latency_ns, int32_t pid);
/* model_fault.c: adds waiting that is not the fault's own to the fault that runs on this CPU. */
void fault_add_stall(struct model *m, uint64_t stalled_ns);
/* model_fault.c: the same for a direct reclaim of the task. */
void fault_add_reclaim(struct task *task, uint64_t reclaim_ns);
/* model_fault.c: writes the faults of a task that have not ended. */
void task_write_faults(struct model *m, const struct task *task);
/* model_rmap.c: the counts of this page's, or all pages', mapping events must be explained by now.
 */
void mapcount_settle(struct model *m, uint32_t pfn);
void rmaps_settle(struct model *m);
/* model_frame.c: no bit of this frame may be a step ahead any more. */
void flags_settle(struct model *m, uint32_t pfn, struct frame *frame);
/* model_check.c: rmap, page tables and swap references against each other; the machine stands
 * still. */
void model_check(struct model *m);
/* model_check.c: events are missing before the baseline that has just ended: what no baseline tells may be otherwise. */
void model_forget(struct model *m);

/* ---- one handler per event, one sweep and one flush per family
 * -------------------------------------------------- */

/* The events that the replay looks at; all others are only loaded. */
/* clang-format off */
#define REPLAYED_EVENTS(X) \
	X(session_begin) X(session_end) X(trace_barrier) X(trace_stall) X(trace_off) X(state_begin) \
	X(state_end) X(task_newtask) X(task_take_pid) X(state_thread) X(sched_process_fork) X(sched_process_exec) X(task_rename) X(sched_process_exit) \
	X(sched_switch) X(sched_wakeup) X(sched_wakeup_new) X(sched_migrate_task) X(sched_affinity) X(cpu_online) X(cpu_offline) X(mm_create) X(mm_destroy) X(vma_create) X(vma_resize) \
	X(vma_protect) X(vma_remove) X(anon_vma_create) X(anon_vma_free) X(avc_link) \
	X(avc_unlink) X(anon_vma_attach) X(rmap_add) X(rmap_remove) X(pte_set) X(pte_clear) \
	X(pgtable_alloc) X(pgtable_free) X(mm_page_alloc) X(mm_page_free) X(mm_page_pcpu_refill) \
	X(mm_page_pcpu_drain) X(mm_page_zero) X(buddy_split) X(buddy_merge) X(page_flags) X(lru_insert) \
	X(lru_remove) X(lru_referenced) X(pte_young) X(page_fault_user) X(page_fault_end) \
	X(mm_vmscan_kswapd_wake) X(mm_vmscan_kswapd_sleep) X(mm_vmscan_direct_reclaim_begin) \
	X(mm_vmscan_direct_reclaim_end) X(reclaim_pass_begin) X(reclaim_pass_end) \
	X(reclaim_decision) X(page_evicted) X(swap_slot_alloc) X(swap_slot_free) \
	X(swap_slot_refs) X(swap_cache_add) X(swap_cache_remove) X(swap_out_begin) \
	X(swap_out_end) X(swap_in_begin) X(swap_in_end) X(oom_invoked) X(oom_score) X(oom_score_adj) X(swap_on) X(swap_off) \
	X(mark_victim) X(oom_done) X(state_task) X(state_cpu) X(state_mm) X(state_vma) \
	X(state_anon_vma) X(state_avc) X(state_pte) X(state_pgtable) X(state_page) X(state_free) \
	X(state_lru) X(state_swap) X(pmd_set) X(pmd_change) X(pmd_clear) X(pmd_split) X(pmd_merge) \
	X(page_split) X(state_pmd) \
	X(vmstat) X(sys_unimplemented) X(mm_vmscan_wakeup_kswapd) X(block_rq_issue) X(block_rq_complete) \
	X(slab_grow) X(slab_shrink) X(mapping_create) X(mapping_free) X(mm_filemap_add_to_page_cache) \
	X(mm_filemap_delete_from_page_cache) X(mapping_slot_drop) X(i_mmap_link) X(i_mmap_unlink) \
	X(state_mapping) X(state_cache) X(state_i_mmap) \
	X(mm_compaction_begin) X(mm_compaction_end) X(mm_migrate_pages) \
	X(signal_generate) X(signal_deliver) X(thp_fault_fallback) X(tlb_flush) \
	X(mm_shrink_slab_end)
/* clang-format on */

#define X(name) void on_##name(struct model *m, const struct trace_ev_##name *e);
REPLAYED_EVENTS(X)
#undef X

static inline bool cpu_is_off(const struct model *m, uint32_t cpu)
{
	return cpu < TRACE_MAX_CPUS && m->cpus_off >> cpu & 1;
}

/* A CPU is taken off: no frame may be on its list. */
void frames_check_none_of(struct model *m, uint32_t cpu);

/* After a baseline: what it did not list does not exist. */
void tasks_sweep(struct model *m);
void address_spaces_sweep(struct model *m);
void anon_vmas_sweep(struct model *m);
void ptes_sweep(struct model *m);
void rmaps_sweep(struct model *m);
void pgtables_sweep(struct model *m);
void pmds_sweep(struct model *m);
void frames_sweep(struct model *m);
void lru_sweep(struct model *m);
void slots_sweep(struct model *m);
void caches_sweep(struct model *m);

/* At the end of what has come so far: writes the open spans. The model stays as it is. */
void tasks_flush(struct model *m);
void address_spaces_flush(struct model *m);
void anon_vmas_flush(struct model *m);
void ptes_flush(struct model *m);
void rmaps_flush(struct model *m);
void pgtables_flush(struct model *m);
void pmds_flush(struct model *m);
void frames_flush(struct model *m);
void lru_flush(struct model *m);
void slots_flush(struct model *m);
void caches_flush(struct model *m);
void reclaim_flush(struct model *m);
void ooms_flush(struct model *m);

#endif
