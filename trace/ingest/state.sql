
-- ===================================================================================================================
-- State tables: what existed when. A span holds from t_begin until just before t_end, so that the state at time T is
-- `t_begin <= T AND T < t_end`; t_end is 9223372036854775807 for what was still there when the trace ended. What a
-- baseline found has the baseline's begin as t_begin. Enumerations are text, flags are the bits of enum_name, times
-- are nanoseconds since boot.
-- ===================================================================================================================

-- Facts about the recording.
CREATE TABLE session (
	key TEXT PRIMARY KEY, -- schema_version, abi_version, nr_events, nr_skipped (events of unknown kind), t_first,
		-- t_last, nr_baselines, nr_barriers; the fields of session_begin; ended (yes, no), status, reason;
		-- discarded, stalled_ns, trimmed_bytes, nr_violations; only when events are missing: uncertain_from
		-- (state tables are exact before it), damage_cpuN (why the rest of a stream was left out)
	value ANY NOT NULL -- integer or text
) STRICT, WITHOUT ROWID;

-- Events received, by name; events that never occurred are not listed.
CREATE TABLE event_count (
	event TEXT PRIMARY KEY, -- its name
	n INTEGER NOT NULL -- how many
) STRICT, WITHOUT ROWID;

-- Per CPU: emitted = received + discarded.
CREATE TABLE loss (
	cpu INTEGER PRIMARY KEY, -- the CPU
	emitted INTEGER NOT NULL, -- events its kernel side emitted, as the last packet says
	received INTEGER NOT NULL, -- events in its stream
	discarded INTEGER NOT NULL, -- events dropped because the ring was full
	stalled_ns INTEGER NOT NULL, -- time it waited because the ring was full
	tail TEXT NOT NULL -- none: nothing is missing at the end; unknown: the trace just stops; recovered: read from memory
) STRICT;

-- When events are missing. What lived then may have changed unseen: see the view uncertain.
CREATE TABLE loss_window (
	cpu INTEGER NOT NULL, -- whose events
	t_from INTEGER NOT NULL, -- the last one before them
	t_to INTEGER NOT NULL, -- they were before this; 9223372036854775807: nothing came any more
	events INTEGER -- how many; NULL: not known
) STRICT;

-- Events that were illegal in the state that the events before them had made. Must be empty. At most 1000 are kept; session
-- has the number of all.
CREATE TABLE order_violation (
	event INTEGER NOT NULL, -- id of the event; 0: a packet's counters do not add up
	object TEXT NOT NULL, -- what it is about
	expected TEXT NOT NULL, -- what the state allows
	found TEXT NOT NULL, -- what the event says
	name TEXT NOT NULL, -- the event's table
	t INTEGER NOT NULL, -- its time
	cpu INTEGER NOT NULL -- who emitted it
) STRICT;

-- One row: the time that the views named *_at_moment show. UPDATE moment SET t = ...
CREATE TABLE moment (
	t INTEGER NOT NULL -- the last event's time, until changed
) STRICT;

-- Tasks; one row per program that a task ran. A task ends when it leaves its CPU for the last time.
CREATE TABLE task_span (
	pid INTEGER NOT NULL, -- its number
	mm_id INTEGER NOT NULL, -- its address space; 0: a kernel thread
	comm TEXT NOT NULL, -- its name
	t_begin INTEGER NOT NULL, -- fork, exec, or the baseline
	t_end INTEGER NOT NULL, -- exec, or the end
	parent_pid INTEGER NOT NULL, -- who created it
	t_exit INTEGER, -- when it began to exit, in its last row
	status INTEGER, -- its wait status, in its last row
	tgid INTEGER NOT NULL -- its thread group: pid of the leader, its own unless it is another thread
) STRICT;

-- Address spaces.
CREATE TABLE mm_span (
	mm_id INTEGER NOT NULL, -- serial number
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL,
	pgd_pfn INTEGER NOT NULL -- frame of its top page table
) STRICT;

-- VMAs; a new row whenever bounds, flags or anon_vma change.
CREATE TABLE vma_span (
	vma_id INTEGER NOT NULL, -- serial number
	mm_id INTEGER NOT NULL, -- its address space
	va_start INTEGER NOT NULL, -- first address
	va_end INTEGER NOT NULL, -- address behind the last
	flags INTEGER NOT NULL, -- bits: vma_flags
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL,
	anon_vma_id INTEGER NOT NULL, -- where its new anonymous pages belong; 0: none yet
	why_in TEXT NOT NULL, -- enum vma_why, attach (it got an anon_vma) or baseline
	why_out TEXT -- the same; NULL: the trace ended or was paused
) STRICT;

-- anon_vmas.
CREATE TABLE anon_vma_span (
	anon_vma_id INTEGER NOT NULL, -- serial number
	root_id INTEGER NOT NULL, -- the one whose lock it shares
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Chain links between VMAs and anon_vmas.
CREATE TABLE avc_span (
	vma_id INTEGER NOT NULL, -- the VMA
	anon_vma_id INTEGER NOT NULL, -- the anon_vma
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Mappings: the cached content of one file each. Numbered together with anon_vmas.
CREATE TABLE mapping_span (
	mapping_id INTEGER NOT NULL, -- serial number
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- The page cache: what is at each place of a file that is no hole.
CREATE TABLE cache_span (
	mapping_id INTEGER NOT NULL, -- the file's mapping
	pgoff INTEGER NOT NULL, -- where in the file: byte offset >> 12
	kind TEXT NOT NULL, -- page or swap
	pfn INTEGER, -- kind page: its frame
	slot INTEGER, -- kind swap: the slot
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- VMAs that may map pages of a file: the members of its i_mmap tree.
CREATE TABLE i_mmap_span (
	vma_id INTEGER NOT NULL, -- the VMA
	mapping_id INTEGER NOT NULL, -- the file's mapping
	pgoff INTEGER NOT NULL, -- where in the file it begins: byte offset >> 12
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Mappings, as reverse mapping counts them: one per page-table entry that refers to a page (the zero page apart).
CREATE TABLE rmap_span (
	pfn INTEGER NOT NULL, -- the page's frame
	mm_id INTEGER NOT NULL, -- the address space that maps it
	va INTEGER NOT NULL, -- where
	mapping_id INTEGER NOT NULL, -- the page's anon_vma, or the mapping of its file
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- User page-table entries that are not empty; a new row with every change.
CREATE TABLE pte_span (
	mm_id INTEGER NOT NULL, -- address space
	va INTEGER NOT NULL, -- address it translates
	kind TEXT NOT NULL, -- page, zero or swap
	pfn INTEGER, -- kind page or zero: the frame
	slot INTEGER, -- kind swap: the slot
	flags INTEGER NOT NULL, -- bits: pte_flags, as written; the CPU may have added a and d since
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL,
	why_in TEXT NOT NULL, -- enum pte_why, or baseline
	why_out TEXT -- the same; NULL: the trace ended or was paused
) STRICT;

-- User page tables below the top one.
CREATE TABLE pgtable_span (
	mm_id INTEGER NOT NULL, -- address space
	va INTEGER NOT NULL, -- first address it covers
	level INTEGER NOT NULL, -- 1 holds entries of pages
	pfn INTEGER NOT NULL, -- its frame
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Pages of 2 MiB that one entry of level 2 maps; pte_span and rmap_span have their 512 parts as well.
CREATE TABLE pmd_span (
	mm_id INTEGER NOT NULL, -- address space
	va INTEGER NOT NULL, -- first address it covers
	pfn INTEGER NOT NULL, -- first of its 512 frames
	flags INTEGER NOT NULL, -- bits: pte_flags, as written
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Allocated blocks of frames, from allocation to free.
CREATE TABLE page_life (
	pfn INTEGER NOT NULL, -- first frame
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL,
	kind TEXT NOT NULL, -- enum page_kind
	"order" INTEGER NOT NULL, -- log2 of the number of frames
	life_id INTEGER NOT NULL, -- the event that began it
	cpu INTEGER, -- who allocated it; NULL: found by a baseline
	pcp INTEGER NOT NULL, -- 1: it came from that CPU's list, 2: from the pool of zeroed frames
	reserve INTEGER NOT NULL -- 1: it was taken below the min watermark
) STRICT;

-- Flags of allocated pages; a new row with every change, none while no flag is set.
CREATE TABLE page_flags_span (
	pfn INTEGER NOT NULL, -- the page's frame
	flags INTEGER NOT NULL, -- bits: page_flags; those that other tables imply (lru, isolated, ...) are not among them
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Free blocks in the buddy lists.
CREATE TABLE free_span (
	pfn INTEGER NOT NULL, -- first frame
	"order" INTEGER NOT NULL, -- log2 of the number of frames
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Free frames outside the buddy lists: on a CPU's list or in the pool of zeroed frames.
CREATE TABLE pcp_span (
	pfn INTEGER NOT NULL, -- the frame
	cpu INTEGER, -- whose list; NULL: the pool
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Pages on LRU lists. ORDER BY pos DESC is a list from head to tail.
CREATE TABLE lru_span (
	pfn INTEGER NOT NULL, -- the page's frame
	list TEXT NOT NULL, -- enum lru_list
	pos INTEGER NOT NULL, -- its place
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL,
	why_in TEXT NOT NULL, -- enum lru_why, or baseline
	why_out TEXT, -- the same; NULL: the trace ended or was paused
	nr_frames INTEGER NOT NULL DEFAULT 1 -- 512: a page of 2 MiB, listed by its first frame
) STRICT;

-- Swap slots in use; a new row with every change of the count.
CREATE TABLE swap_span (
	slot INTEGER NOT NULL, -- the slot
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL,
	refs INTEGER NOT NULL, -- references: entries in page tables, plus one for the swap cache
	life_id INTEGER NOT NULL -- the event that allocated the slot: the same for all rows of one life
) STRICT;

-- Pages that have an identity in swap.
CREATE TABLE swap_cache_span (
	slot INTEGER NOT NULL, -- the slot
	pfn INTEGER NOT NULL, -- the page's frame
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL
) STRICT;

-- Pages written to and read from swap; only completed transfers.
CREATE TABLE swap_io (
	direction TEXT NOT NULL, -- in or out
	slot INTEGER NOT NULL, -- the slot
	pfn INTEGER NOT NULL, -- the page's frame
	t_begin INTEGER NOT NULL, -- queued
	t_end INTEGER NOT NULL, -- completed
	error INTEGER NOT NULL, -- 0, or a negative errno
	pass_id INTEGER, -- out: the reclaim pass that sent it
	pid INTEGER, -- in: the task whose fault or madvise caused it
	readahead INTEGER NOT NULL -- in: 1 when nobody had asked for this one
) STRICT;

-- Page faults. One that the trace saw no end of has NULL for kind, result and latency_ns.
CREATE TABLE fault (
	id INTEGER NOT NULL, -- its page_fault_user
	t INTEGER NOT NULL, -- the trap
	cpu INTEGER NOT NULL, -- where it began
	pid INTEGER NOT NULL, -- whose it is
	va INTEGER NOT NULL, -- the address
	kind TEXT, -- enum fault_kind
	result TEXT, -- enum fault_result
	latency_ns INTEGER, -- from the trap to its end
	mm_id INTEGER NOT NULL, -- the task's address space
	ip INTEGER NOT NULL, -- the instruction; 0: a kernel copy
	error_code INTEGER NOT NULL, -- the CPU's: 1 present, 2 write, 4 user, 16 fetch
	stalled_ns INTEGER NOT NULL, -- of latency_ns: its CPU waited because the trace ring was full
	reclaim_ns INTEGER NOT NULL -- of latency_ns: the task was in direct reclaim
) STRICT;

-- Pages that left memory for swap.
CREATE TABLE eviction (
	id INTEGER PRIMARY KEY, -- its page_evicted
	t INTEGER NOT NULL, -- when
	pfn INTEGER NOT NULL, -- the frame it left
	slot INTEGER NOT NULL, -- where its content is
	reason TEXT NOT NULL, -- enum reclaim_verdict: freed at once, or after a write
	pass_id INTEGER NOT NULL, -- the pass that decided it
	kind TEXT NOT NULL, -- enum reclaim_kind
	content_id INTEGER NOT NULL, -- names the content: life_id of its slot
	n INTEGER NOT NULL -- evictions so far, this one included
) STRICT;

-- Evicted contents that were read back; at most one row per eviction.
CREATE TABLE refault (
	t INTEGER NOT NULL, -- the read began
	eviction_id INTEGER NOT NULL, -- eviction.id
	distance_pages INTEGER NOT NULL, -- evictions between the two
	latency_ns INTEGER, -- of the fault that mapped it first; NULL: nobody faulted on it (read ahead, or lost)
	slot INTEGER NOT NULL, -- where it was
	pfn INTEGER NOT NULL, -- the frame it was read into
	pid INTEGER, -- who mapped it first; NULL: nobody
	readahead INTEGER NOT NULL -- 1: read before anybody asked for it
) STRICT;

-- Keyframes: instants for which the rows of the span tables that live then are listed (view live), so that the state at any
-- instant takes no scan of all spans. Rows of a span table ascend with t_end. The state at T, k being the first keyframe with
-- t >= T: the rows live at k with t_begin <= T, and those with rowids between the last_id of k - 1 (excluded) and that of k
-- (included) with t_begin <= T AND T < t_end. Behind the last keyframe: the same of the rowids above its last_id. There are none while
-- a session is being recorded.
CREATE TABLE keyframe (
	k INTEGER PRIMARY KEY, -- its number, from 1
	t INTEGER NOT NULL, -- its time
	event INTEGER NOT NULL -- the last event until then
) STRICT;

-- The tables of spans that keyframes know; reclaim_pass, whose rows have a key, is not among them.
CREATE TABLE span_table (
	table_id INTEGER PRIMARY KEY, -- its number in this database
	name TEXT NOT NULL -- its name
) STRICT;

-- For each keyframe and table: where the rows that ended until then stop.
CREATE TABLE keyframe_end (
	k INTEGER NOT NULL, -- the keyframe
	table_id INTEGER NOT NULL, -- the table
	last_id INTEGER NOT NULL -- rowid of the last span with t_end <= keyframe.t; 0: there is none
) STRICT;

-- The spans that live at a keyframe, many to a row.
CREATE TABLE live_ids (
	k INTEGER NOT NULL, -- the keyframe
	table_id INTEGER NOT NULL, -- the table
	ids TEXT NOT NULL -- rowids, a JSON array
) STRICT;

-- Reclaim passes; counts are NULL when the trace saw no end of it.
CREATE TABLE reclaim_pass (
	pass_id INTEGER PRIMARY KEY, -- serial number
	kind TEXT NOT NULL, -- enum reclaim_kind
	pid INTEGER NOT NULL, -- who
	cpu INTEGER NOT NULL, -- where it began
	priority INTEGER NOT NULL, -- it looked at size >> priority pages
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL,
	nr_scanned INTEGER, -- inactive pages looked at
	nr_freed INTEGER, -- freed at once
	nr_written INTEGER, -- sent to swap
	nr_activated INTEGER, -- moved to the active list
	nr_deactivated INTEGER, -- moved to the inactive list
	nr_active_scanned INTEGER, -- active pages looked at
	free_begin INTEGER NOT NULL, -- free frames before
	free_end INTEGER -- and after
) STRICT;

-- Tasks that had to reclaim before they got memory.
CREATE TABLE direct_reclaim (
	pid INTEGER NOT NULL, -- the task
	t_begin INTEGER NOT NULL,
	t_end INTEGER NOT NULL,
	"order" INTEGER NOT NULL, -- what it wanted: 2^order frames
	nr_reclaimed INTEGER NOT NULL, -- frames it freed
	cpu INTEGER NOT NULL -- where it ended
) STRICT;

-- When kswapd worked.
CREATE TABLE kswapd_span (
	t_begin INTEGER NOT NULL, -- woken
	t_end INTEGER NOT NULL, -- asleep again
	free_begin INTEGER NOT NULL, -- free frames then
	free_end INTEGER -- and then; NULL: the trace ended or was paused
) STRICT;

-- Every task that an OOM decision considered.
CREATE TABLE oom_candidate (
	kill_id INTEGER NOT NULL, -- the decision
	pid INTEGER NOT NULL, -- the candidate
	resident INTEGER NOT NULL, -- frames it maps
	swapped INTEGER NOT NULL, -- swap entries it holds
	page_tables INTEGER NOT NULL, -- frames of its page tables
	score INTEGER NOT NULL, -- by its memory alone
	comm TEXT NOT NULL, -- its name
	eligible TEXT NOT NULL, -- enum oom_eligible
	oom_score_adj INTEGER NOT NULL, -- thousandths of all memory that were added
	points INTEGER NOT NULL -- the sum; the highest eligible one dies
) STRICT;

-- OOM decisions that killed somebody.
CREATE TABLE oom_kill (
	kill_id INTEGER PRIMARY KEY, -- the decision
	t INTEGER NOT NULL, -- the kill
	pid INTEGER NOT NULL, -- the victim
	predicted_pages INTEGER NOT NULL, -- frames that only it mapped
	freed_pages INTEGER, -- frames that came free; NULL: not over when the trace ended
	t_done INTEGER, -- when its memory was taken
	mm_id INTEGER NOT NULL, -- its address space
	invoker_pid INTEGER NOT NULL, -- who asked for memory
	"order" INTEGER NOT NULL, -- how much: 2^order frames
	nr_free INTEGER NOT NULL, -- free frames then
	nr_free_slots INTEGER NOT NULL -- free swap slots then
) STRICT;

-- Instants at which guest memory was held against the state rebuilt from the trace. Written after the rest, by
-- palimpsest run, record and ingest; what was read of memory lies in verify/ of the session.
CREATE TABLE verification (
	instant INTEGER PRIMARY KEY, -- its number, from 1
	kind TEXT NOT NULL, -- barrier: all CPUs parked; arbitrary: stopped wherever they were
	t INTEGER NOT NULL, -- when: the last event that counts
	objects INTEGER NOT NULL, -- compared, of all kinds in trace/verify.def
	busy INTEGER NOT NULL, -- left out: they differ, and were just being changed
	differences INTEGER NOT NULL -- must be 0
) STRICT;

-- The objects of verification that are busy or differ.
CREATE TABLE verification_object (
	instant INTEGER NOT NULL, -- verification.instant
	object TEXT NOT NULL, -- its kind and key, as in trace/verify.def
	memory TEXT NOT NULL, -- fields that differ, in guest memory; none: not there
	trace TEXT NOT NULL, -- the same in the state rebuilt from the trace
	guard TEXT, -- busy: what was held while it was being changed; NULL: a difference
	event INTEGER, -- the last event about it: its id
	name TEXT, -- and its table
	event_t INTEGER -- and its time
) STRICT;
