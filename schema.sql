-- The schema of session.db. Generated from trace/events.def, trace/enums.def and trace/ingest/*.sql by `make schema`: change
-- those, not this.
--
-- Three layers: event tables (one row per event, as the kernel emitted it), state tables (what existed when, by replaying
-- the events) and views (the usual questions). Times are nanoseconds since boot, addresses and frame numbers are integers;
-- an address above the user's half, as a program may try it, is negative. docs/trace-format.md tells how the
-- events came here.

PRAGMA application_id = 0x504c4d50; -- "PLMP"
PRAGMA user_version = 1; -- as session.schema_version

-- Generated: the event tables, one per event, as emitted; enumerations as numbers.

-- 0x01: The machine, once, when tracing begins for the first time.
CREATE TABLE session_begin (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	tsc_hz INTEGER NOT NULL, -- frequency of the time-stamp counter
	nr_cpus INTEGER NOT NULL, -- CPUs online
	nr_frames INTEGER NOT NULL, -- frames of RAM the kernel manages, free or not
	max_pfn INTEGER NOT NULL, -- one above the highest frame number
	nr_slots INTEGER NOT NULL, -- usable swap slots; 0 without swap
	watermark_min INTEGER NOT NULL, -- free frames below which an allocation reclaims directly
	watermark_low INTEGER NOT NULL, -- free frames below which kswapd is woken
	watermark_high INTEGER NOT NULL, -- free frames at which kswapd goes back to sleep
	lossless INTEGER NOT NULL -- 1: a CPU waits when its ring is full; 0: events are discarded and counted
) STRICT;

-- 0x02: The last event of a session that ended in order.
CREATE TABLE session_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	status INTEGER NOT NULL, -- wait status of init
	reason INTEGER NOT NULL -- why it ended (enum: session_reason)
) STRICT;

-- 0x03: One of the kernel's own counters, as it stands; emitted at every state_end and before session_end.
CREATE TABLE vmstat (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	value INTEGER NOT NULL, -- its value since boot
	item INTEGER NOT NULL -- which one (enum: vmstat_item)
) STRICT;

-- 0x04: All CPUs stood still, holding no spinlock and no unfinished event, when this was emitted.
CREATE TABLE trace_barrier (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	n INTEGER NOT NULL -- number of the barrier, from 1
) STRICT;

-- 0x05: This CPU waited because its ring was full.
CREATE TABLE trace_stall (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	stalled_ns INTEGER NOT NULL -- how long
) STRICT;

-- 0x06: A baseline follows: the whole memory state as state_* records, all CPUs parked, up to state_end.
CREATE TABLE state_begin (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	n INTEGER NOT NULL -- number of the baseline, from 1
) STRICT;

-- 0x07: End of the baseline; what it did not list does not exist.
CREATE TABLE state_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	records INTEGER NOT NULL -- state_* records between the marks
) STRICT;

-- 0x08: A CPU takes part from now on.
CREATE TABLE cpu_online (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	arg_cpu INTEGER NOT NULL -- which
) STRICT;

-- 0x10: A task was created.
CREATE TABLE sched_process_fork (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	comm TEXT NOT NULL, -- the child's name
	parent_pid INTEGER NOT NULL, -- its creator; 0 for the kernel
	child_pid INTEGER NOT NULL, -- the new task
	mm_id INTEGER NOT NULL -- the child's address space; 0 for a kernel thread
) STRICT;

-- 0x11: A task replaced its program and its address space.
CREATE TABLE sched_process_exec (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	comm TEXT NOT NULL, -- its new name
	pid INTEGER NOT NULL, -- the task
	mm_id INTEGER NOT NULL -- its new address space
) STRICT;

-- 0x12: A task ended; its address space is being left.
CREATE TABLE sched_process_exit (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	comm TEXT NOT NULL, -- its name
	pid INTEGER NOT NULL, -- the task
	status INTEGER NOT NULL -- wait status
) STRICT;

-- 0x13: This CPU goes from one task to another.
CREATE TABLE sched_switch (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	prev_pid INTEGER NOT NULL, -- the task that leaves the CPU; 0 is the idle task
	next_pid INTEGER NOT NULL, -- the task that gets it
	prev_state INTEGER NOT NULL -- why it leaves (enum: task_state)
) STRICT;

-- 0x14: A sleeping task became runnable.
CREATE TABLE sched_wakeup (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- the task
	target_cpu INTEGER NOT NULL -- whose run queue it joined
) STRICT;

-- 0x15: A signal was sent.
CREATE TABLE signal_generate (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	sig INTEGER NOT NULL, -- its number
	pid INTEGER NOT NULL -- to whom
) STRICT;

-- 0x16: A system call that this kernel does not have; it returned -ENOSYS.
CREATE TABLE sys_unimplemented (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	nr INTEGER NOT NULL, -- its number; one of i386, called by INT 0x80, has bit 31 set
	pid INTEGER NOT NULL -- the caller
) STRICT;

-- 0x17: A task that does not run belongs to another CPU from now on: that took it, or that it was sent to.
CREATE TABLE sched_migrate_task (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- the task
	orig_cpu INTEGER NOT NULL, -- on whose run queue it waited, or where it ran last
	dest_cpu INTEGER NOT NULL -- where it will run
) STRICT;

-- 0x18: A new task became runnable for the first time.
CREATE TABLE sched_wakeup_new (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- the task
	target_cpu INTEGER NOT NULL -- whose run queue it joined
) STRICT;

-- 0x20: An address space came into being.
CREATE TABLE mm_create (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	mm_id INTEGER NOT NULL, -- its serial number
	pgd_pfn INTEGER NOT NULL -- frame of its top page table
) STRICT;

-- 0x21: An address space is gone: no VMA, no entry, no page table of it is left.
CREATE TABLE mm_destroy (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	mm_id INTEGER NOT NULL -- its serial number
) STRICT;

-- 0x22: A range of addresses became valid.
CREATE TABLE vma_create (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va_start INTEGER NOT NULL, -- first address
	va_end INTEGER NOT NULL, -- address behind the last
	vma_id INTEGER NOT NULL, -- its serial number
	mm_id INTEGER NOT NULL, -- its address space
	flags INTEGER NOT NULL, -- rights and kind (bits: vma_flags)
	why INTEGER NOT NULL -- why (enum: vma_why)
) STRICT;

-- 0x23: The bounds of a VMA moved.
CREATE TABLE vma_resize (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va_start INTEGER NOT NULL, -- new first address
	va_end INTEGER NOT NULL, -- new address behind the last
	vma_id INTEGER NOT NULL, -- the VMA
	why INTEGER NOT NULL -- why (enum: vma_why)
) STRICT;

-- 0x24: The flags of a VMA changed.
CREATE TABLE vma_protect (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	vma_id INTEGER NOT NULL, -- the VMA
	flags INTEGER NOT NULL -- its new flags (bits: vma_flags)
) STRICT;

-- 0x25: A VMA went away.
CREATE TABLE vma_remove (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	vma_id INTEGER NOT NULL, -- the VMA
	why INTEGER NOT NULL -- why (enum: vma_why)
) STRICT;

-- 0x30: An anon_vma came into being.
CREATE TABLE anon_vma_create (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	anon_vma_id INTEGER NOT NULL, -- its serial number
	root_id INTEGER NOT NULL -- the anon_vma whose lock it shares; itself for a root
) STRICT;

-- 0x31: An anon_vma is gone; no chain link refers to it.
CREATE TABLE anon_vma_free (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	anon_vma_id INTEGER NOT NULL -- its serial number
) STRICT;

-- 0x32: A chain link ties a VMA to an anon_vma: pages of the one may be mapped by the other.
CREATE TABLE avc_link (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	vma_id INTEGER NOT NULL, -- the VMA
	anon_vma_id INTEGER NOT NULL -- the anon_vma
) STRICT;

-- 0x33: A chain link was cut.
CREATE TABLE avc_unlink (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	vma_id INTEGER NOT NULL, -- the VMA
	anon_vma_id INTEGER NOT NULL -- the anon_vma
) STRICT;

-- 0x34: New anonymous pages of this VMA will belong to this anon_vma.
CREATE TABLE anon_vma_attach (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	vma_id INTEGER NOT NULL, -- the VMA
	anon_vma_id INTEGER NOT NULL -- the anon_vma; 0: none yet
) STRICT;

-- 0x35: A mapping of a page was counted; of a page of 512 frames: that of all of them, from va on.
CREATE TABLE rmap_add (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- where it is mapped
	pfn INTEGER NOT NULL, -- the page
	mm_id INTEGER NOT NULL, -- in which address space
	mapping_id INTEGER NOT NULL, -- the page's anon_vma, or the mapping of its file
	mapcount INTEGER NOT NULL -- mappings of the page after this one was added
) STRICT;

-- 0x36: A mapping of a page was uncounted; of a page of 512 frames: that of all of them.
CREATE TABLE rmap_remove (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- where it was mapped
	pfn INTEGER NOT NULL, -- the page
	mm_id INTEGER NOT NULL, -- in which address space
	mapping_id INTEGER NOT NULL, -- the page's anon_vma, or the mapping of its file
	mapcount INTEGER NOT NULL -- mappings of the page that are left
) STRICT;

-- 0x40: A user page-table entry was written: set, or changed when old_kind is not none.
CREATE TABLE pte_set (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- address it translates
	mm_id INTEGER NOT NULL, -- address space
	value INTEGER NOT NULL, -- pfn or swap slot, by kind
	flags INTEGER NOT NULL, -- its flags (bits: pte_flags)
	old_flags INTEGER NOT NULL, -- flags of the entry it replaced, as the exchange read them (bits: pte_flags)
	kind INTEGER NOT NULL, -- what it refers to (enum: pte_kind)
	old_kind INTEGER NOT NULL, -- what the entry it replaced referred to (enum: pte_kind)
	why INTEGER NOT NULL -- why (enum: pte_why)
) STRICT;

-- 0x41: A user page-table entry was emptied.
CREATE TABLE pte_clear (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- address it translated
	mm_id INTEGER NOT NULL, -- address space
	value INTEGER NOT NULL, -- pfn or swap slot it held
	old_flags INTEGER NOT NULL, -- its flags, as the exchange read them (bits: pte_flags)
	old_kind INTEGER NOT NULL, -- what it referred to (enum: pte_kind)
	why INTEGER NOT NULL -- why (enum: pte_why)
) STRICT;

-- 0x42: A user page table was linked in.
CREATE TABLE pgtable_alloc (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address it covers
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- its frame
	level INTEGER NOT NULL -- 1 holds entries of pages, 4 is the top
) STRICT;

-- 0x43: A user page table was unlinked.
CREATE TABLE pgtable_free (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address it covered
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- its frame
	level INTEGER NOT NULL -- 1 holds entries of pages, 4 is the top
) STRICT;

-- 0x44: TLB entries were flushed on other CPUs or this one.
CREATE TABLE tlb_flush (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	cpus INTEGER NOT NULL, -- bit mask of the CPUs asked
	mm_id INTEGER NOT NULL, -- address space; 0: several
	reason INTEGER NOT NULL -- why (enum: tlb_why)
) STRICT;

-- 0x50: 2^order frames were handed out.
CREATE TABLE mm_page_alloc (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- first frame
	"order" INTEGER NOT NULL, -- log2 of the number of frames
	kind INTEGER NOT NULL, -- what for (enum: page_kind)
	pcp INTEGER NOT NULL, -- 1: from this CPU's list, 2: from the pool of zeroed frames, 0: from the buddy lists
	reserve INTEGER NOT NULL -- 1: taken below the min watermark
) STRICT;

-- 0x51: 2^order frames came back.
CREATE TABLE mm_page_free (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- first frame
	"order" INTEGER NOT NULL, -- log2 of the number of frames
	kind INTEGER NOT NULL, -- what they had been (enum: page_kind)
	pcp INTEGER NOT NULL -- 1: to this CPU's list, 2: zeroed, to the pool of such frames, 0: to the buddy lists
) STRICT;

-- 0x52: A free frame moved from the buddy lists to this CPU's list.
CREATE TABLE mm_page_pcpu_refill (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL -- the frame
) STRICT;

-- 0x53: A free frame moved from a CPU's list to the buddy lists (as order 0, before merging).
CREATE TABLE mm_page_pcpu_drain (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the frame
	arg_cpu INTEGER NOT NULL -- whose list; 0xfffe: the pool of zeroed frames
) STRICT;

-- 0x54: A free block of this order became two of the order below.
CREATE TABLE buddy_split (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- first frame of the block
	"order" INTEGER NOT NULL -- its order before
) STRICT;

-- 0x55: Two free buddies of this order became one of the order above.
CREATE TABLE buddy_merge (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- first frame of the merged block
	"order" INTEGER NOT NULL -- order of the two
) STRICT;

-- 0x56: Flags of a page changed. PG_LRU, PG_ISOLATED, PG_BUDDY, PG_PCP and PG_SLAB follow from other events.
CREATE TABLE page_flags (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the page
	"set" INTEGER NOT NULL, -- bits that became one (bits: page_flags)
	cleared INTEGER NOT NULL -- bits that became zero (bits: page_flags)
) STRICT;

-- 0x57: A free frame moved from the buddy lists to the pool of zeroed frames; it is cleared on the way.
CREATE TABLE mm_page_zero (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL -- the frame
) STRICT;

-- 0x60: A page was put on a list; ORDER BY pos DESC is the list from head to tail.
CREATE TABLE lru_insert (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pos INTEGER NOT NULL, -- place in the list: the head takes the next higher number, the tail the next lower
	pfn INTEGER NOT NULL, -- the page
	list INTEGER NOT NULL, -- which list (enum: lru_list)
	why INTEGER NOT NULL -- why (enum: lru_why)
) STRICT;

-- 0x61: A page was taken off a list.
CREATE TABLE lru_remove (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the page
	list INTEGER NOT NULL, -- which list (enum: lru_list)
	why INTEGER NOT NULL -- why (enum: lru_why)
) STRICT;

-- 0x62: A pass asked all mappings of a page whether they were used, and cleared their accessed bits.
CREATE TABLE lru_referenced (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the page
	mappings INTEGER NOT NULL, -- mappings asked
	referenced INTEGER NOT NULL, -- mappings with the accessed bit set
	pass_id INTEGER NOT NULL, -- the reclaim pass
	list INTEGER NOT NULL -- the list it came from (enum: lru_list)
) STRICT;

-- 0x63: The accessed bit of one entry, of level 1 or 2, was found set and cleared by a reclaim pass.
CREATE TABLE pte_young (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- address it translates
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL -- the page
) STRICT;

-- 0x70: A user program's access trapped.
CREATE TABLE page_fault_user (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	address INTEGER NOT NULL, -- the address
	ip INTEGER NOT NULL, -- the instruction; 0 when a kernel copy of user memory trapped
	error_code INTEGER NOT NULL, -- as the CPU gave it: 1 present, 2 write, 4 user, 16 fetch
	pid INTEGER NOT NULL -- the task
) STRICT;

-- 0x71: The fault begun last by this task is over.
CREATE TABLE page_fault_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	address INTEGER NOT NULL, -- the address, as in page_fault_user
	latency_ns INTEGER NOT NULL, -- from the trap to here
	pid INTEGER NOT NULL, -- the task
	kind INTEGER NOT NULL, -- what it was (enum: fault_kind)
	result INTEGER NOT NULL -- how it ended (enum: fault_result)
) STRICT;

-- 0x80: An allocation found free memory below low and woke kswapd.
CREATE TABLE mm_vmscan_wakeup_kswapd (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	nr_free INTEGER NOT NULL, -- free frames then
	"order" INTEGER NOT NULL -- order of the allocation
) STRICT;

-- 0x81: kswapd begins to work.
CREATE TABLE mm_vmscan_kswapd_wake (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	nr_free INTEGER NOT NULL -- free frames then
) STRICT;

-- 0x82: kswapd goes to sleep.
CREATE TABLE mm_vmscan_kswapd_sleep (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	nr_free INTEGER NOT NULL -- free frames then
) STRICT;

-- 0x83: A task must reclaim before it gets memory.
CREATE TABLE mm_vmscan_direct_reclaim_begin (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- the task
	"order" INTEGER NOT NULL -- order of its allocation
) STRICT;

-- 0x84: It is done.
CREATE TABLE mm_vmscan_direct_reclaim_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- the task
	nr_reclaimed INTEGER NOT NULL -- frames it freed
) STRICT;

-- 0x85: One look at a batch from the tails of the lists begins.
CREATE TABLE reclaim_pass_begin (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pass_id INTEGER NOT NULL, -- serial number
	kind INTEGER NOT NULL, -- who (enum: reclaim_kind)
	pid INTEGER NOT NULL, -- the task
	priority INTEGER NOT NULL, -- share of the lists that is looked at: size >> priority
	nr_free INTEGER NOT NULL -- free frames then
) STRICT;

-- 0x86: The pass is over; its writes may still be under way.
CREATE TABLE reclaim_pass_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pass_id INTEGER NOT NULL, -- serial number
	nr_scanned INTEGER NOT NULL, -- inactive pages looked at
	nr_freed INTEGER NOT NULL, -- freed at once
	nr_written INTEGER NOT NULL, -- sent to swap
	nr_activated INTEGER NOT NULL, -- moved to the active list
	nr_deactivated INTEGER NOT NULL, -- moved from active to inactive
	nr_active_scanned INTEGER NOT NULL, -- active pages looked at
	nr_free INTEGER NOT NULL -- free frames then
) STRICT;

-- 0x87: What a pass decided about one page.
CREATE TABLE reclaim_decision (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the page
	pass_id INTEGER NOT NULL, -- the pass
	list INTEGER NOT NULL, -- the list it came from (enum: lru_list)
	verdict INTEGER NOT NULL -- what and why (enum: reclaim_verdict)
) STRICT;

-- 0x88: A page left memory: its frame is free, its content is in swap. Follows from one reclaim_decision.
CREATE TABLE page_evicted (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the frame it left
	slot INTEGER NOT NULL, -- where its content is
	pass_id INTEGER NOT NULL, -- the pass that decided it
	kind INTEGER NOT NULL, -- who (enum: reclaim_kind)
	verdict INTEGER NOT NULL -- freed at once, or after a write (enum: reclaim_verdict)
) STRICT;

-- 0x89: Empty slabs were given back.
CREATE TABLE mm_shrink_slab_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	nr_freed INTEGER NOT NULL -- frames freed
) STRICT;

-- 0x90: A slot was taken for a page; its reference is the swap cache's.
CREATE TABLE swap_slot_alloc (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	slot INTEGER NOT NULL, -- the slot
	pfn INTEGER NOT NULL -- the page
) STRICT;

-- 0x91: The last reference to a slot went away.
CREATE TABLE swap_slot_free (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	slot INTEGER NOT NULL -- the slot
) STRICT;

-- 0x92: The number of references to a slot changed.
CREATE TABLE swap_slot_refs (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	slot INTEGER NOT NULL, -- the slot
	refs INTEGER NOT NULL, -- references now: entries in page tables, plus one for the swap cache
	why INTEGER NOT NULL -- why (enum: slot_why)
) STRICT;

-- 0x93: A page got an identity in swap.
CREATE TABLE swap_cache_add (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	slot INTEGER NOT NULL, -- the slot
	pfn INTEGER NOT NULL -- the page
) STRICT;

-- 0x94: A page lost its identity in swap.
CREATE TABLE swap_cache_remove (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	slot INTEGER NOT NULL, -- the slot
	pfn INTEGER NOT NULL -- the page
) STRICT;

-- 0x95: A page is sent to its slot.
CREATE TABLE swap_out_begin (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the page
	slot INTEGER NOT NULL, -- the slot
	pass_id INTEGER NOT NULL -- the reclaim pass that sends it
) STRICT;

-- 0x96: The write of a page ended.
CREATE TABLE swap_out_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the page
	slot INTEGER NOT NULL, -- the slot
	error INTEGER NOT NULL -- 0, or a negative errno: the page is kept
) STRICT;

-- 0x97: A page is read from its slot.
CREATE TABLE swap_in_begin (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the frame it is read into
	slot INTEGER NOT NULL, -- the slot
	readahead INTEGER NOT NULL, -- 1: nobody asked for this one
	pid INTEGER NOT NULL -- the task whose fault or madvise caused it
) STRICT;

-- 0x98: The read of a page ended.
CREATE TABLE swap_in_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the frame
	slot INTEGER NOT NULL, -- the slot
	error INTEGER NOT NULL -- 0, or a negative errno: who needs the page gets SIGBUS
) STRICT;

-- 0xa0: Reclaim failed: a task must die.
CREATE TABLE oom_invoked (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	kill_id INTEGER NOT NULL, -- serial number
	pid INTEGER NOT NULL, -- who asked for memory
	"order" INTEGER NOT NULL, -- how much: 2^order frames
	nr_free INTEGER NOT NULL, -- free frames
	nr_free_slots INTEGER NOT NULL -- free swap slots
) STRICT;

-- 0xa1: One candidate and every term of its score.
CREATE TABLE oom_score (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	score INTEGER NOT NULL, -- 2 * resident + swapped + page_tables; the highest eligible one dies
	kill_id INTEGER NOT NULL, -- which decision
	pid INTEGER NOT NULL, -- the candidate
	resident INTEGER NOT NULL, -- frames it maps
	swapped INTEGER NOT NULL, -- swap entries it holds
	page_tables INTEGER NOT NULL, -- frames of its page tables
	eligible INTEGER NOT NULL, -- whether it may be chosen (enum: oom_eligible)
	comm TEXT NOT NULL -- its name
) STRICT;

-- 0x9a: The swap area is in use from now on.
CREATE TABLE swap_on (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	nr_slots INTEGER NOT NULL -- usable slots
) STRICT;

-- 0x9b: The swap area is not used any more: no slot holds anything.
CREATE TABLE swap_off (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	nr_slots INTEGER NOT NULL -- usable slots that it had
) STRICT;

-- 0x99: The next oom_score is of a candidate whose score was adjusted.
CREATE TABLE oom_score_adj (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	points INTEGER NOT NULL, -- score + oom_score_adj * (total_pages / 1000): what decides
	kill_id INTEGER NOT NULL, -- which decision
	pid INTEGER NOT NULL, -- the candidate
	oom_score_adj INTEGER NOT NULL, -- -1000 to 1000; at -1000 it is never chosen
	total_pages INTEGER NOT NULL -- score of who had all frames of RAM and slots of swap
) STRICT;

-- 0xa2: This task is killed.
CREATE TABLE mark_victim (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	kill_id INTEGER NOT NULL, -- which decision
	pid INTEGER NOT NULL, -- the victim
	mm_id INTEGER NOT NULL, -- its address space
	predicted_pages INTEGER NOT NULL -- frames that only it maps: what its death should free
) STRICT;

-- 0xa3: The victim's memory was taken, by itself or by the reaper.
CREATE TABLE oom_done (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	kill_id INTEGER NOT NULL, -- which decision
	pid INTEGER NOT NULL, -- the victim
	freed_pages INTEGER NOT NULL -- frames that came free
) STRICT;

-- 0xb0: A request was handed to the disk.
CREATE TABLE block_rq_issue (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	sector INTEGER NOT NULL, -- first 512-byte sector
	nr_sector INTEGER NOT NULL, -- how many
	tag INTEGER NOT NULL, -- the controller's tag
	write INTEGER NOT NULL -- 1: a write
) STRICT;

-- 0xb1: The disk finished a request.
CREATE TABLE block_rq_complete (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	sector INTEGER NOT NULL, -- first 512-byte sector
	nr_sector INTEGER NOT NULL, -- how many
	error INTEGER NOT NULL, -- 0 or a negative errno
	latency_ns INTEGER NOT NULL, -- since block_rq_issue
	tag INTEGER NOT NULL, -- the controller's tag
	write INTEGER NOT NULL -- 1: a write
) STRICT;

-- 0xb8: A slab cache took frames.
CREATE TABLE slab_grow (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- first frame
	"order" INTEGER NOT NULL, -- log2 of the number of frames
	cache TEXT NOT NULL -- name of the cache
) STRICT;

-- 0xb9: A slab cache gave frames back.
CREATE TABLE slab_shrink (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- first frame
	"order" INTEGER NOT NULL, -- log2 of the number of frames
	cache TEXT NOT NULL -- name of the cache
) STRICT;

-- 0xe0: A task.
CREATE TABLE state_task (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	comm TEXT NOT NULL, -- its name
	pid INTEGER NOT NULL, -- its number
	parent_pid INTEGER NOT NULL, -- its parent
	mm_id INTEGER NOT NULL, -- its address space; 0 for a kernel thread
	state INTEGER NOT NULL -- its state (enum: task_state)
) STRICT;

-- 0xe1: What a CPU runs.
CREATE TABLE state_cpu (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	arg_cpu INTEGER NOT NULL, -- the CPU
	pid INTEGER NOT NULL -- its current task
) STRICT;

-- 0xe2: An address space.
CREATE TABLE state_mm (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	mm_id INTEGER NOT NULL, -- its serial number
	pgd_pfn INTEGER NOT NULL -- frame of its top page table
) STRICT;

-- 0xe3: A VMA.
CREATE TABLE state_vma (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va_start INTEGER NOT NULL, -- first address
	va_end INTEGER NOT NULL, -- address behind the last
	vma_id INTEGER NOT NULL, -- its serial number
	mm_id INTEGER NOT NULL, -- its address space
	flags INTEGER NOT NULL, -- rights and kind (bits: vma_flags)
	anon_vma_id INTEGER NOT NULL -- its anon_vma; 0: none yet
) STRICT;

-- 0xe4: An anon_vma.
CREATE TABLE state_anon_vma (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	anon_vma_id INTEGER NOT NULL, -- its serial number
	root_id INTEGER NOT NULL -- its root
) STRICT;

-- 0xe5: A chain link.
CREATE TABLE state_avc (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	vma_id INTEGER NOT NULL, -- the VMA
	anon_vma_id INTEGER NOT NULL -- the anon_vma
) STRICT;

-- 0xe6: A user page-table entry; one of kind page or zero is a mapping too.
CREATE TABLE state_pte (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- address it translates
	mm_id INTEGER NOT NULL, -- address space
	value INTEGER NOT NULL, -- pfn or swap slot, by kind
	mapping_id INTEGER NOT NULL, -- kind page: the page's anon_vma, or the mapping of its file
	flags INTEGER NOT NULL, -- its flags (bits: pte_flags)
	kind INTEGER NOT NULL -- what it refers to (enum: pte_kind)
) STRICT;

-- 0xe7: A user page table.
CREATE TABLE state_pgtable (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address it covers
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- its frame
	level INTEGER NOT NULL -- 1 holds entries of pages, 4 is the top
) STRICT;

-- 0xe8: An allocated block of frames.
CREATE TABLE state_page (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- first frame
	flags INTEGER NOT NULL, -- its flags (bits: page_flags)
	"order" INTEGER NOT NULL, -- log2 of the number of frames
	kind INTEGER NOT NULL -- what it is (enum: page_kind)
) STRICT;

-- 0xe9: A free block of frames.
CREATE TABLE state_free (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- first frame
	pcp_cpu INTEGER NOT NULL, -- 0xffff: on the buddy lists, 0xfffe: in the pool of zeroed frames, else the CPU whose list it is on
	"order" INTEGER NOT NULL -- log2 of the number of frames
) STRICT;

-- 0xea: A page on a list.
CREATE TABLE state_lru (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pos INTEGER NOT NULL, -- its place, as in lru_insert
	pfn INTEGER NOT NULL, -- the page
	list INTEGER NOT NULL -- which list (enum: lru_list)
) STRICT;

-- 0xeb: A slot in use.
CREATE TABLE state_swap (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	slot INTEGER NOT NULL, -- the slot
	refs INTEGER NOT NULL, -- its references
	pfn INTEGER NOT NULL -- the page that the swap cache holds for it, or 0
) STRICT;

-- 0x48: An empty entry of level 2 was set to a 2 MiB page: as 512 pte_set of kind page, frame by frame.
CREATE TABLE pmd_set (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address it translates
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- first of its 512 frames
	flags INTEGER NOT NULL, -- flags of all of them (bits: pte_flags)
	why INTEGER NOT NULL -- why (enum: pte_why)
) STRICT;

-- 0x49: An entry of level 2 with a 2 MiB page was emptied: as 512 pte_clear.
CREATE TABLE pmd_clear (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address it translated
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- first of its 512 frames
	old_flags INTEGER NOT NULL, -- its flags, as the exchange read them (bits: pte_flags)
	why INTEGER NOT NULL -- why (enum: pte_why)
) STRICT;

-- 0x4a: A 2 MiB page became a table of 512 entries that translate the same.
CREATE TABLE pmd_split (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- first of the 512 frames mapped
	table_pfn INTEGER NOT NULL, -- frame of the table, which is linked in by this
	flags INTEGER NOT NULL -- flags of all of them (bits: pte_flags)
) STRICT;

-- 0x4b: A table of 512 entries with consecutive frames and equal flags became a 2 MiB page.
CREATE TABLE pmd_merge (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- first of the 512 frames mapped
	table_pfn INTEGER NOT NULL, -- frame of the table, which is unlinked by this
	flags INTEGER NOT NULL -- flags of the page: accessed and dirty if one entry was (bits: pte_flags)
) STRICT;

-- 0xc0: A mapping came into being: the cached content of one file, empty.
CREATE TABLE mapping_create (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	mapping_id INTEGER NOT NULL -- its serial number; mappings and anon_vmas are numbered together
) STRICT;

-- 0xc1: A mapping is gone; it holds no page and no slot.
CREATE TABLE mapping_free (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	mapping_id INTEGER NOT NULL -- its serial number
) STRICT;

-- 0xc2: A page became the content of a file at an index.
CREATE TABLE mm_filemap_add_to_page_cache (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pgoff INTEGER NOT NULL, -- where in the file: byte offset >> 12
	pfn INTEGER NOT NULL, -- the page
	mapping_id INTEGER NOT NULL, -- the file's mapping
	slot INTEGER NOT NULL -- the slot that was there, and is the page's no more; 0: nothing was
) STRICT;

-- 0xc3: A page is no longer the content of a file at an index; nothing maps it.
CREATE TABLE mm_filemap_delete_from_page_cache (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pgoff INTEGER NOT NULL, -- where in the file: byte offset >> 12
	pfn INTEGER NOT NULL, -- the page
	mapping_id INTEGER NOT NULL, -- the file's mapping
	slot INTEGER NOT NULL -- the slot that is there instead; 0: a hole
) STRICT;

-- 0xc4: A slot is no longer the content of a file at an index: the file was cut or freed.
CREATE TABLE mapping_slot_drop (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pgoff INTEGER NOT NULL, -- where in the file: byte offset >> 12
	slot INTEGER NOT NULL, -- the slot
	mapping_id INTEGER NOT NULL -- the file's mapping
) STRICT;

-- 0xc5: A VMA became one of those that may map pages of a file.
CREATE TABLE i_mmap_link (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pgoff INTEGER NOT NULL, -- where in the file it begins: byte offset >> 12; moves with va_start when the VMA is resized
	vma_id INTEGER NOT NULL, -- the VMA
	mapping_id INTEGER NOT NULL -- the file's mapping
) STRICT;

-- 0xc6: A VMA is no longer one of those that may map pages of a file.
CREATE TABLE i_mmap_unlink (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	vma_id INTEGER NOT NULL, -- the VMA
	mapping_id INTEGER NOT NULL -- the file's mapping
) STRICT;

-- 0xec: A mapping.
CREATE TABLE state_mapping (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	mapping_id INTEGER NOT NULL -- its serial number
) STRICT;

-- 0xed: A page or slot that is the content of a file at an index.
CREATE TABLE state_cache (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pgoff INTEGER NOT NULL, -- where in the file: byte offset >> 12
	mapping_id INTEGER NOT NULL, -- the file's mapping
	value INTEGER NOT NULL, -- pfn or slot, by kind
	kind INTEGER NOT NULL -- page or swap (enum: pte_kind)
) STRICT;

-- 0xf0: A VMA that may map pages of a file.
CREATE TABLE state_i_mmap (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pgoff INTEGER NOT NULL, -- where in the file it begins: byte offset >> 12
	vma_id INTEGER NOT NULL, -- the VMA
	mapping_id INTEGER NOT NULL -- the file's mapping
) STRICT;

-- 0x4c: Flags of an entry of level 2 with a 2 MiB page changed: as 512 pte_set of the same frames.
CREATE TABLE pmd_change (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address it translates
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- first of its 512 frames
	flags INTEGER NOT NULL, -- its flags (bits: pte_flags)
	old_flags INTEGER NOT NULL, -- flags it had, as the exchange read them (bits: pte_flags)
	why INTEGER NOT NULL -- why (enum: pte_why)
) STRICT;

-- 0x4d: A page of 512 frames became 512 pages, each mapped where it was. The first stays on its list, the others have no flags.
CREATE TABLE page_split (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pos INTEGER NOT NULL, -- place of the second page in its list; those of the others follow one by one
	pos_last INTEGER NOT NULL, -- place of the last: above pos at the head of the list, below at its tail
	pfn INTEGER NOT NULL, -- the first frame
	list INTEGER NOT NULL -- the list that all but the first were put on (enum: lru_list)
) STRICT;

-- 0x4e: A fault wanted a 2 MiB page and found no memory for it: a page of one frame comes instead.
CREATE TABLE thp_fault_fallback (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	address INTEGER NOT NULL, -- the address, page by page
	mm_id INTEGER NOT NULL, -- address space
	pid INTEGER NOT NULL -- the task
) STRICT;

-- 0xee: A 2 MiB page in an entry of level 2: as 512 state_pte.
CREATE TABLE state_pmd (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	va INTEGER NOT NULL, -- first address it translates
	mm_id INTEGER NOT NULL, -- address space
	pfn INTEGER NOT NULL, -- first of its 512 frames
	mapping_id INTEGER NOT NULL, -- the page's anon_vma
	flags INTEGER NOT NULL -- its flags (bits: pte_flags)
) STRICT;

-- 0x09: Tracing stops, all CPUs parked; nothing is told until the next state_begin. The counters come before it.
CREATE TABLE trace_off (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	n INTEGER NOT NULL -- number of the last baseline
) STRICT;

-- 0x1c: A task took a signal: its handler runs, or its default action is done.
CREATE TABLE signal_deliver (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	sig INTEGER NOT NULL, -- its number
	code INTEGER NOT NULL, -- why it was sent, as siginfo tells (si_code)
	pid INTEGER NOT NULL, -- who took it
	handler INTEGER NOT NULL, -- address of the handler; 0 default, 1 ignore
	flags INTEGER NOT NULL -- flags of the action (SA_*)
) STRICT;

-- 0x1d: A task got another name, from a thread of its process.
CREATE TABLE task_rename (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- who
	newcomm TEXT NOT NULL -- its new name
) STRICT;

-- 0x19: A task comes into being, and belongs to a thread group; just before its sched_process_fork.
CREATE TABLE task_newtask (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	clone_flags INTEGER NOT NULL, -- how it was made: flags of clone(2), the exit signal left out
	pid INTEGER NOT NULL, -- the new task
	tgid INTEGER NOT NULL, -- its thread group: the pid of the leader, its own when it is the first thread
	oom_score_adj INTEGER NOT NULL -- what it adds to the score of its process, as set by the user
) STRICT;

-- 0x1a: A thread that execs takes the pid of its group's leader, which has ended; all other threads have, too.
CREATE TABLE task_take_pid (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	old_pid INTEGER NOT NULL, -- its pid so far
	pid INTEGER NOT NULL -- the pid that was the leader's
) STRICT;

-- 0x1b: In a baseline: the task listed just before is a thread, but not the leader, of that group.
CREATE TABLE state_thread (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- the task
	tgid INTEGER NOT NULL -- its group
) STRICT;

-- 0x0a: A CPU was taken off, all CPUs parked: it tells nothing more, runs and holds nothing, until cpu_online.
CREATE TABLE cpu_offline (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	arg_cpu INTEGER NOT NULL -- its number
) STRICT;

-- 0x0b: The CPUs on which a task may run were set; its children inherit them.
CREATE TABLE sched_affinity (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- the task
	cpus INTEGER NOT NULL -- bit mask of them
) STRICT;

-- 0x28: A task makes room for a 2 MiB page by moving pages out of one block.
CREATE TABLE mm_compaction_begin (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL -- who
) STRICT;

-- 0x29: It is done.
CREATE TABLE mm_compaction_end (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pid INTEGER NOT NULL, -- who
	status INTEGER NOT NULL -- how it ended (enum: compact_result)
) STRICT;

-- 0x2a: Compaction has moved what it could out of one block of 512 frames.
CREATE TABLE mm_migrate_pages (
	id INTEGER PRIMARY KEY, -- rank in the merged trace, from 1
	t INTEGER NOT NULL, -- ns since boot
	cpu INTEGER NOT NULL, -- the CPU that emitted it
	pfn INTEGER NOT NULL, -- the block's first frame
	succeeded INTEGER NOT NULL, -- pages that moved, each told by its entries or its place in a file, and by both frames' lists
	failed INTEGER NOT NULL, -- pages that stayed
	pid INTEGER NOT NULL -- who
) STRICT;

-- The names of enumeration values and of bits.
CREATE TABLE enum_name (
	enum TEXT NOT NULL, -- the enumeration or set of bits
	value INTEGER NOT NULL, -- its number; of a bit, the bit's value
	name TEXT NOT NULL, -- what state tables and views print
	doc TEXT NOT NULL, -- what it means
	PRIMARY KEY (enum, value)
) STRICT, WITHOUT ROWID;

-- What the content of an allocated frame is; fixed at allocation.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('page_kind', 0, 'kernel', 'boot allocations and kernel data that belong to nothing below'),
	('page_kind', 1, 'pgtable', 'a page table of some level'),
	('page_kind', 2, 'slab', 'objects of one slab cache, or one large kmalloc'),
	('page_kind', 3, 'anon', 'anonymous user memory'),
	('page_kind', 4, 'file', 'page cache of a file'),
	('page_kind', 5, 'stack', 'a kernel stack'),
	('page_kind', 6, 'zero', 'the shared page of zeroes'),
	('page_kind', 7, 'trace', 'trace sub-buffers'),
	('page_kind', 8, 'io', 'rings and command tables that a device reads'),
	('page_kind', 9, 'shmem', 'a file''s content whose only other place is swap: tmpfs, memfd, shared memory'),
	('page_kind', 10, 'special', 'the kernel''s own, mapped by programs: the vDSO');

-- The list a page is on.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('lru_list', 0, 'inactive_anon', 'anonymous, candidates for eviction'),
	('lru_list', 1, 'active_anon', 'anonymous, seen in use'),
	('lru_list', 2, 'inactive_file', 'page cache, candidates for eviction'),
	('lru_list', 3, 'active_file', 'page cache, seen in use'),
	('lru_list', 4, 'unevictable', 'locked into memory'),
	('lru_list', 5, 'isolated', 'taken off by a reclaimer that is working on it');

-- Why a page entered or left a list.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('lru_why', 0, 'new', 'first insertion of a fresh page'),
	('lru_why', 1, 'swapin', 'read back from swap'),
	('lru_why', 2, 'isolate', 'taken by a reclaim pass'),
	('lru_why', 3, 'referenced', 'found accessed: activated, or kept active'),
	('lru_why', 4, 'second_chance', 'accessed once: stays inactive, marked referenced'),
	('lru_why', 5, 'deactivate', 'not accessed while active: moved to inactive'),
	('lru_why', 6, 'putback', 'could not be reclaimed in this pass: returned'),
	('lru_why', 7, 'reclaim', 'evicted'),
	('lru_why', 8, 'free', 'its last reference went away'),
	('lru_why', 9, 'write_failed', 'its swap-out failed: kept'),
	('lru_why', 10, 'mlock', 'a mapping of it was locked into memory'),
	('lru_why', 11, 'munlock', 'a locked mapping of it was unlocked or went away'),
	('lru_why', 12, 'cull', 'a reclaim pass found a locked mapping of it'),
	('lru_why', 13, 'split', 'part of a page of 512 frames that was split'),
	('lru_why', 14, 'migrate', 'its content moved to another frame, or here from one'),
	('lru_why', 15, 'accessed', 'used for the second time by read or write, or by a mapping that went: activated');

-- What one reclaim pass decided about one page, and why.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('reclaim_verdict', 0, 'freed', 'clean copy in swap, no mapping left: freed at once'),
	('reclaim_verdict', 1, 'write', 'unmapped everywhere, sent to swap; freed when the write ends'),
	('reclaim_verdict', 2, 'activate', 'accessed since the last look: worth keeping'),
	('reclaim_verdict', 3, 'keep_referenced', 'accessed once: one more round on the inactive list'),
	('reclaim_verdict', 4, 'keep_locked', 'someone else holds the page lock'),
	('reclaim_verdict', 5, 'keep_writeback', 'still being written by an earlier pass'),
	('reclaim_verdict', 6, 'keep_no_swap', 'no free swap slot'),
	('reclaim_verdict', 7, 'keep_busy', 'a reference that is no mapping holds it'),
	('reclaim_verdict', 8, 'deactivate', 'active and not accessed: to the inactive list'),
	('reclaim_verdict', 9, 'rotate', 'active and accessed: to the head of the active list'),
	('reclaim_verdict', 10, 'keep_no_io', 'no free I/O request'),
	('reclaim_verdict', 11, 'dropped', 'nobody maps it and no entry names its slot: freed, not evicted'),
	('reclaim_verdict', 12, 'unevictable', 'a locked mapping maps it: to the unevictable list'),
	('reclaim_verdict', 13, 'lazyfreed', 'given up by madvise(FREE) and not written to since: freed, its content gone');

-- Who reclaims.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('reclaim_kind', 0, 'kswapd', 'the background thread, between low and high'),
	('reclaim_kind', 1, 'direct', 'the allocating task itself, below min'),
	('reclaim_kind', 2, 'madvise', 'a task that called madvise(PAGEOUT) or madvise(COLD)');

-- What a page fault turned out to be.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('fault_kind', 0, 'anon', 'first write to anonymous memory: a zeroed frame'),
	('fault_kind', 1, 'zero', 'first read of anonymous memory: the zero page'),
	('fault_kind', 2, 'file', 'first touch of a page that a file backs'),
	('fault_kind', 3, 'cow', 'write to a shared page: copied'),
	('fault_kind', 4, 'reuse', 'write to a page nobody else maps: made writable in place'),
	('fault_kind', 5, 'swap', 'swapped out: read from the disk'),
	('fault_kind', 6, 'swap_cache', 'swapped out, but still or already in the swap cache'),
	('fault_kind', 7, 'spurious', 'the entry already allowed the access: raced, or a stale TLB entry'),
	('fault_kind', 8, 'stack', 'first touch below the stack: the VMA grew'),
	('fault_kind', 9, 'invalid', 'no VMA, or one that forbids the access');

-- How a page fault ended.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('fault_result', 0, 'minor', 'solved without waiting for a disk'),
	('fault_result', 1, 'major', 'solved after waiting for a disk'),
	('fault_result', 2, 'sigsegv', 'the access was not allowed'),
	('fault_result', 3, 'sigbus', 'the page''s content could not be read'),
	('fault_result', 4, 'oom', 'no memory, and the task is dying'),
	('fault_result', 5, 'efault', 'kernel copy of user memory: the call returns EFAULT');

-- What a user page-table entry refers to.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('pte_kind', 0, 'none', 'nothing'),
	('pte_kind', 1, 'page', 'a frame; value is its pfn'),
	('pte_kind', 2, 'zero', 'the shared page of zeroes; value is its pfn'),
	('pte_kind', 3, 'swap', 'a swap slot; value is the slot'),
	('pte_kind', 4, 'special', 'the page of the vDSO, shared by all and not counted; value is its pfn');

-- Bits of a user entry, in the trace's own numbering. (bits)
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('pte_flags', 1, 'w', 'writable'),
	('pte_flags', 2, 'x', 'executable'),
	('pte_flags', 4, 'a', 'the CPU used it since the bit was last cleared'),
	('pte_flags', 8, 'd', 'the CPU wrote through it'),
	('pte_flags', 16, 'n', 'kept, but no access is allowed (PROT_NONE)');

-- Why an entry was written.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('pte_why', 0, 'fault', 'a page fault installed it'),
	('pte_why', 1, 'cow', 'copy-on-write replaced or reused it'),
	('pte_why', 2, 'fork_child', 'copied into a child'),
	('pte_why', 3, 'fork_parent', 'write-protected in the parent by fork'),
	('pte_why', 4, 'protect', 'mprotect'),
	('pte_why', 5, 'swapout', 'reclaim put a swap entry in its place'),
	('pte_why', 6, 'swapin', 'swap-in put the page back'),
	('pte_why', 7, 'unmap', 'munmap, madvise(DONTNEED) or a shrinking brk'),
	('pte_why', 8, 'exit', 'the address space went away'),
	('pte_why', 9, 'oom', 'the OOM reaper took it'),
	('pte_why', 10, 'aging', 'accessed bit harvested and cleared'),
	('pte_why', 11, 'move', 'mremap moved it to another address'),
	('pte_why', 12, 'lazyfree', 'madvise(FREE) made it clean, or reclaim took it while it still was'),
	('pte_why', 14, 'truncate', 'the file was cut, or a hole punched into it'),
	('pte_why', 15, 'migrate', 'the page moved to another frame');

-- Bits of a VMA; Linux's numbers. (bits)
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('vma_flags', 1, 'r', 'readable'),
	('vma_flags', 2, 'w', 'writable'),
	('vma_flags', 4, 'x', 'executable'),
	('vma_flags', 8, 's', 'shared'),
	('vma_flags', 16, 'mr', 'mprotect may make it readable'),
	('vma_flags', 32, 'mw', 'mprotect may make it writable'),
	('vma_flags', 64, 'me', 'mprotect may make it executable'),
	('vma_flags', 128, 'ms', 'mapped shared; without s: of a file that may not be written'),
	('vma_flags', 256, 'g', 'a stack: grows downwards on a fault'),
	('vma_flags', 1024, 'pf', 'pages of the kernel''s own: the vDSO'),
	('vma_flags', 8192, 'lo', 'mlock: its pages stay in memory'),
	('vma_flags', 32768, 'sr', 'madvise(SEQUENTIAL)'),
	('vma_flags', 65536, 'rr', 'madvise(RANDOM)'),
	('vma_flags', 131072, 'dc', 'madvise(DONTFORK): a child does not get it'),
	('vma_flags', 262144, 'de', 'mremap may not make it larger'),
	('vma_flags', 524288, 'lf', 'mlock2(ONFAULT): pages are locked when they are touched'),
	('vma_flags', 1048576, 'ac', 'counts in Committed_AS'),
	('vma_flags', 2097152, 'nr', 'MAP_NORESERVE: does not count there'),
	('vma_flags', 33554432, 'wf', 'madvise(WIPEONFORK): a child finds zeroes'),
	('vma_flags', 67108864, 'dd', 'madvise(DONTDUMP)'),
	('vma_flags', 536870912, 'hg', 'madvise(HUGEPAGE): 2 MiB pages are wanted'),
	('vma_flags', 1073741824, 'nh', 'madvise(NOHUGEPAGE): 2 MiB pages are not wanted');

-- Why a VMA was created, resized or removed.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('vma_why', 0, 'mmap', 'mmap'),
	('vma_why', 1, 'brk', 'brk'),
	('vma_why', 2, 'exec', 'segment or stack of a program'),
	('vma_why', 3, 'fork', 'copied from the parent'),
	('vma_why', 4, 'split', 'cut in two'),
	('vma_why', 5, 'merge', 'joined with its neighbour'),
	('vma_why', 6, 'unmap', 'munmap, or mmap over it'),
	('vma_why', 7, 'grow', 'stack growth'),
	('vma_why', 8, 'exit', 'the address space went away'),
	('vma_why', 9, 'protect', 'mprotect'),
	('vma_why', 10, 'mremap', 'mremap');

-- State bits of struct page that the trace carries. (bits)
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('page_flags', 1, 'locked', 'one task owns the page''s identity and content'),
	('page_flags', 2, 'referenced', 'seen accessed once: by a look at its mappings, or by read or write'),
	('page_flags', 4, 'dirty', 'content is newer than its copy in swap'),
	('page_flags', 8, 'writeback', 'being written to swap'),
	('page_flags', 16, 'uptodate', 'content is valid'),
	('page_flags', 32, 'swapcache', 'has an identity in swap'),
	('page_flags', 64, 'active', 'belongs on an active list'),
	('page_flags', 128, 'lru', 'is on one of the LRU lists'),
	('page_flags', 256, 'error', 'its last read failed'),
	('page_flags', 512, 'reserved', 'never given to the buddy allocator'),
	('page_flags', 1024, 'buddy', 'head of a free block'),
	('page_flags', 2048, 'pcp', 'on a per-CPU free list'),
	('page_flags', 4096, 'slab', 'belongs to the slab allocator'),
	('page_flags', 8192, 'isolated', 'taken off the LRU by a reclaimer'),
	('page_flags', 16384, 'lazyfree', 'given up by madvise(FREE): may go unless it is written to again');

-- Why the reference count of a swap slot changed.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('slot_why', 0, 'cache', 'held by the swap cache'),
	('slot_why', 1, 'unmap', 'a PTE was replaced by a swap entry'),
	('slot_why', 2, 'fork', 'a swap entry was copied into a child'),
	('slot_why', 3, 'swapin', 'a swap entry was replaced by the page'),
	('slot_why', 4, 'zap', 'a swap entry was discarded'),
	('slot_why', 5, 'shmem_out', 'it took the place of a page in the page cache'),
	('slot_why', 6, 'shmem_in', 'a page took its place in the page cache'),
	('slot_why', 7, 'truncate', 'the file was cut: the page cache does not name it any more');

-- State of a task when it left the CPU.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('task_state', 0, 'R', 'runnable'),
	('task_state', 1, 'S', 'sleeping, a signal wakes it'),
	('task_state', 2, 'D', 'sleeping, only its event wakes it'),
	('task_state', 3, 'Z', 'dead, not yet waited for'),
	('task_state', 4, 'X', 'gone'),
	('task_state', 5, 'T', 'stopped by a signal'),
	('task_state', 6, 'K', 'sleeping, its event wakes it or a fatal signal');

-- Whether the OOM killer may choose a task.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('oom_eligible', 0, 'eligible', 'may be chosen'),
	('oom_eligible', 1, 'init', 'pid 1 is never chosen'),
	('oom_eligible', 2, 'dying', 'already killed, its memory is on the way'),
	('oom_eligible', 3, 'disabled', 'its oom_score_adj is -1000: never chosen');

-- How a compaction ended.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('compact_result', 0, 'success', 'a block of 2 MiB was emptied, and taken'),
	('compact_result', 1, 'complete', 'no block could be emptied, or another CPU took it');

-- Why a session ended.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('session_reason', 0, 'exit', 'init exited'),
	('session_reason', 1, 'stop', 'the host asked for the end'),
	('session_reason', 2, 'panic', 'the kernel panicked');

-- Why TLB entries were flushed.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('tlb_why', 0, 'unmap', 'mappings were removed'),
	('tlb_why', 1, 'protect', 'rights were reduced'),
	('tlb_why', 2, 'fork', 'the parent''s pages became copy-on-write'),
	('tlb_why', 3, 'cow', 'a shared page was replaced by its copy'),
	('tlb_why', 4, 'aging', 'accessed bits were harvested'),
	('tlb_why', 5, 'reclaim', 'pages were unmapped to be swapped out'),
	('tlb_why', 6, 'exit', 'an address space was torn down'),
	('tlb_why', 7, 'move', 'entries were moved by mremap'),
	('tlb_why', 8, 'migrate', 'a page moved to another frame');

-- The kernel's own counters; Linux's names and meanings.
INSERT INTO enum_name(enum, value, name, doc) VALUES
	('vmstat_item', 0, 'pgfault', 'page faults solved'),
	('vmstat_item', 1, 'pgmajfault', 'page faults that waited for a disk'),
	('vmstat_item', 2, 'pgalloc', 'frames allocated'),
	('vmstat_item', 3, 'pgfree', 'frames freed'),
	('vmstat_item', 4, 'pswpin', 'pages read from swap'),
	('vmstat_item', 5, 'pswpout', 'pages written to swap'),
	('vmstat_item', 6, 'pgscan_kswapd', 'inactive pages kswapd looked at'),
	('vmstat_item', 7, 'pgscan_direct', 'inactive pages direct reclaim looked at'),
	('vmstat_item', 8, 'pgsteal_kswapd', 'pages kswapd reclaimed'),
	('vmstat_item', 9, 'pgsteal_direct', 'pages direct reclaim reclaimed'),
	('vmstat_item', 10, 'pgactivate', 'pages moved from inactive to active'),
	('vmstat_item', 11, 'pgdeactivate', 'pages moved from active to inactive'),
	('vmstat_item', 12, 'oom_kill', 'tasks killed for memory'),
	('vmstat_item', 13, 'allocstall', 'direct reclaims begun'),
	('vmstat_item', 14, 'pageoutrun', 'times kswapd woke to work'),
	('vmstat_item', 15, 'pgsteal_madvise', 'pages reclaimed by madvise(PAGEOUT)'),
	('vmstat_item', 16, 'unevictable_pgs_culled', 'pages that reclaim moved to the unevictable list'),
	('vmstat_item', 17, 'unevictable_pgs_rescued', 'pages that came back from the unevictable list'),
	('vmstat_item', 18, 'unevictable_pgs_mlocked', 'pages that mlock put on the unevictable list'),
	('vmstat_item', 19, 'unevictable_pgs_munlocked', 'pages that munlock took off it'),
	('vmstat_item', 20, 'pglazyfree', 'pages that madvise(FREE) gave up'),
	('vmstat_item', 21, 'pglazyfreed', 'those of them that reclaim freed without a write'),
	('vmstat_item', 22, 'thp_fault_alloc', '2 MiB pages that faults mapped'),
	('vmstat_item', 23, 'thp_fault_fallback', 'faults that wanted a 2 MiB page and found no memory for it'),
	('vmstat_item', 24, 'thp_split_page', '2 MiB pages split into 512'),
	('vmstat_item', 25, 'thp_split_pmd', 'mappings of 2 MiB pages split into 512 entries'),
	('vmstat_item', 26, 'thp_swpout_fallback', '2 MiB pages split in order to be swapped out'),
	('vmstat_item', 27, 'compact_stall', 'direct compactions begun'),
	('vmstat_item', 28, 'compact_fail', 'those of them that gave no 2 MiB page'),
	('vmstat_item', 29, 'compact_success', 'those that did'),
	('vmstat_item', 30, 'pgmigrate_success', 'pages that compaction moved to another frame'),
	('vmstat_item', 31, 'pgmigrate_fail', 'pages that it could not move');

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

-- ===================================================================================================================
-- Views: the usual questions by name. Percentiles are by nearest rank: SQLite has no function for them.
-- ===================================================================================================================

-- Times at which the whole machine stood still: n (number, as --at barrier#n), t (ns), event id.
CREATE VIEW barrier AS
SELECT n, t, id FROM trace_barrier;

-- Where the state is not certain, because events are missing: from t_begin until t_end, what lives with span.t_begin < before may have
-- changed or ended, and what was made before may be unknown. An event about an object makes a new, certain span; a baseline confirms
-- or ends all.
CREATE VIEW uncertain AS
WITH baseline AS (
	SELECT t FROM state_begin WHERE id < (SELECT max(id) FROM state_end)
), point(t) AS (
	SELECT t_from FROM loss_window UNION SELECT t FROM baseline
), doubt AS (
	SELECT t AS t_begin, lead(t, 1, 9223372036854775807) OVER (ORDER BY t) AS t_end, (
		SELECT max(t_to) FROM loss_window WHERE t_from <= point.t
		AND t_to > coalesce((SELECT max(t) FROM baseline WHERE t <= point.t), -1)) AS before
	FROM point
)
SELECT t_begin, t_end, before FROM doubt WHERE before IS NOT NULL ORDER BY t_begin;

-- When tracing was paused: from t_begin, where all spans end, until t_end, where a baseline begins new ones. What happened meanwhile is
-- not known.
CREATE VIEW pause AS
SELECT t AS t_begin,
	coalesce((SELECT min(state_begin.t) FROM state_begin WHERE state_begin.id > trace_off.id), 9223372036854775807) AS t_end
FROM trace_off;

-- The spans that live at a keyframe: k, table_id, span_id (rowid in that table, see span_table).
CREATE VIEW live AS
SELECT k, table_id, value AS span_id FROM live_ids, json_each(ids);

-- Faults by kind and result: n, and the median, 99th percentile and maximum of their latency in ns, from the trap to its end:
-- waiting for the disk, for a lock, for a CPU and for the trace are in it (fault.stalled_ns is the last). Faults that the
-- trace saw no end of are left out.
CREATE VIEW fault_latency AS
WITH ranked AS (
	SELECT kind, result, latency_ns,
		row_number() OVER (PARTITION BY kind, result ORDER BY latency_ns) AS place,
		count(*) OVER (PARTITION BY kind, result) AS n
	FROM fault WHERE latency_ns IS NOT NULL
)
SELECT kind, result, n,
	max(latency_ns) FILTER (WHERE place <= (n * 50 + 99) / 100) AS p50_ns,
	max(latency_ns) FILTER (WHERE place <= (n * 99 + 99) / 100) AS p99_ns,
	max(latency_ns) AS max_ns
FROM ranked GROUP BY kind, result ORDER BY n DESC;

-- The same by kind whatever the result.
CREATE VIEW fault_kind_latency AS
WITH ranked AS (
	SELECT kind, latency_ns, row_number() OVER (PARTITION BY kind ORDER BY latency_ns) AS place,
		count(*) OVER (PARTITION BY kind) AS n
	FROM fault WHERE latency_ns IS NOT NULL
)
SELECT kind, n, max(latency_ns) FILTER (WHERE place <= (n * 50 + 99) / 100) AS p50_ns,
	max(latency_ns) FILTER (WHERE place <= (n * 99 + 99) / 100) AS p99_ns, max(latency_ns) AS max_ns
FROM ranked GROUP BY kind ORDER BY n DESC;

-- What kswapd and direct reclaim looked at, and what came of it, from reclaim_pass and eviction: kind, passes, and in pages
-- scanned, freed (at once), written, activated, deactivated, evicted (left memory in the end); efficiency: evicted per
-- scanned; total_ns: time in passes, of which several may run at once. A pass that the trace saw no end of counts
-- only in passes.
CREATE VIEW reclaim_efficiency AS
SELECT kind, count(*) AS passes, sum(nr_scanned) AS scanned, sum(nr_freed) AS freed, sum(nr_written) AS written,
	sum(nr_activated) AS activated, sum(nr_deactivated) AS deactivated,
	(SELECT count(*) FROM eviction WHERE eviction.kind = reclaim_pass.kind) AS evicted,
	round(1.0 * (SELECT count(*) FROM eviction WHERE eviction.kind = reclaim_pass.kind)
		/ nullif(sum(nr_scanned), 0), 3) AS efficiency,
	sum(t_end - t_begin) FILTER (WHERE nr_scanned IS NOT NULL) AS total_ns
FROM reclaim_pass GROUP BY kind;

-- Reclaim decisions by who took them (kind), the list the page came from, and verdict: n, and what the verdict means.
CREATE VIEW reclaim_verdicts AS
SELECT reclaim_pass.kind, lists.name AS list, verdicts.name AS verdict, count(*) AS n, verdicts.doc AS meaning
FROM reclaim_decision JOIN reclaim_pass USING (pass_id)
JOIN enum_name AS verdicts ON verdicts.enum = 'reclaim_verdict' AND verdicts.value = verdict
JOIN enum_name AS lists ON lists.enum = 'lru_list' AND lists.value = reclaim_decision.list
GROUP BY reclaim_pass.kind, lists.name, verdicts.name ORDER BY n DESC;

-- How far back evicted pages came: refaults by distance, in powers of two (distance_from <= distance <
-- distance_to, in evictions between the two). nobody_waited: read ahead and not faulted on.
CREATE VIEW refault_distance AS
WITH RECURSIVE bucket(distance_from, distance_to) AS (
	SELECT 0, 1 UNION ALL
	SELECT distance_to, distance_to * 2 FROM bucket
	WHERE distance_to <= (SELECT max(distance_pages) FROM refault)
)
SELECT distance_from, distance_to, count(refault.t) AS n,
	count(refault.t) FILTER (WHERE latency_ns IS NULL) AS nobody_waited
FROM bucket LEFT JOIN refault ON distance_pages >= distance_from AND distance_pages < distance_to
GROUP BY distance_from ORDER BY distance_from;

-- Evictions that were a mistake: their content was wanted again before as many pages were evicted as the machine has frames,
-- so a better choice would have kept it. When (t) and where (pfn, slot), reason, kind and pass_id of the decision, gone_ns (until
-- it was read back), latency_ns of the fault that wanted it and pid of its task. What read-ahead brought back and nobody
-- faulted on is not listed.
CREATE VIEW eviction_regretted AS
SELECT eviction.id AS eviction_id, eviction.t, eviction.pfn, eviction.slot, eviction.reason, eviction.kind,
	eviction.pass_id, refault.t - eviction.t AS gone_ns, distance_pages, latency_ns, refault.pid
FROM eviction JOIN refault ON refault.eviction_id = eviction.id
WHERE refault.latency_ns IS NOT NULL
AND distance_pages < (SELECT value FROM session WHERE key = 'nr_frames');

-- Pages with the most mappings at the time in table moment: pfn, mappings, address_spaces, mapping_id (the page's anon_vma, or
-- the mapping of its file), va (the lowest). The zero page is not counted; of a page of 2 MiB each frame is.
CREATE VIEW most_shared_at_moment AS
SELECT pfn, count(*) AS mappings, count(DISTINCT mm_id) AS address_spaces, min(mapping_id) AS mapping_id,
	printf('0x%x', min(va)) AS va
FROM rmap_span, moment
WHERE t_begin <= moment.t AND moment.t < t_end
GROUP BY pfn ORDER BY mappings DESC, pfn;

-- The most mappings that each frame ever had at once, and when (t, ns) that was; a frame may hold many pages one after another.
CREATE VIEW most_shared_ever AS
WITH change AS (
	SELECT pfn, t_begin AS t, 1 AS step FROM rmap_span
	UNION ALL
	SELECT pfn, t_end, -1 FROM rmap_span
), counted AS (
	SELECT pfn, t, sum(step) OVER (PARTITION BY pfn ORDER BY t, step ROWS UNBOUNDED PRECEDING) AS mappings
	FROM change
)
SELECT pfn, max(mappings) AS mappings, t FROM counted GROUP BY pfn ORDER BY mappings DESC, pfn;

-- LRU lists at the time in table moment, head (place 1) to tail: why_in (how it came there), age_ns (since then), nr_frames
-- (512: a page of 2 MiB).
CREATE VIEW lru_at_moment AS
SELECT list, row_number() OVER (PARTITION BY list ORDER BY pos DESC) AS place, pfn, pos, why_in,
	moment.t - t_begin AS age_ns, nr_frames
FROM lru_span, moment
WHERE t_begin <= moment.t AND moment.t < t_end
ORDER BY list, place;

-- Sizes of the LRU lists after each change, list by list: t (ns), list, size (pages). Changes of one list at the same
-- nanosecond have one row each, with the size after all of them.
CREATE VIEW lru_size AS
WITH change AS (
	SELECT list, t_begin AS t, nr_frames AS step FROM lru_span
	UNION ALL
	SELECT list, t_end, -nr_frames FROM lru_span WHERE t_end < 9223372036854775807
)
SELECT t, list, sum(step) OVER (PARTITION BY list ORDER BY t) AS size FROM change;

-- Free frames after each allocation and free, in their order: event id, t (ns), nr_free (frames). It begins with the first
-- baseline; every further one is counted anew, so that what happened while tracing was off is in it.
CREATE VIEW free_memory AS
WITH change AS (
	SELECT id, t, 1 AS baseline, (
		SELECT sum(1 << "order") FROM state_free WHERE state_free.id < state_end.id
		AND state_free.id > (SELECT max(id) FROM state_begin WHERE state_begin.id < state_end.id)) AS step
	FROM state_end
	UNION ALL
	SELECT id, t, 0, -(1 << "order") FROM mm_page_alloc
	UNION ALL
	SELECT id, t, 0, 1 << "order" FROM mm_page_free
), epoch AS (
	SELECT id, t, step, sum(baseline) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS baselines FROM change
)
SELECT id, t, sum(step) OVER (PARTITION BY baselines ORDER BY id ROWS UNBOUNDED PRECEDING) AS nr_free
FROM epoch WHERE baselines > 0;

-- Free memory against the watermarks, in 100 steps of equal length: from t_begin until t_end (ns), the fewest and the most
-- free frames, the three watermarks (frames), and where the fewest lie: below min (an allocation reclaims directly),
-- below low (kswapd is woken), below high (kswapd goes on), enough.
CREATE VIEW free_memory_watermarks AS
WITH RECURSIVE clock AS (
	SELECT min(t) AS t_first, (max(t) - min(t)) / 100 + 1 AS length FROM free_memory
), step(n) AS (
	SELECT 0 UNION ALL SELECT n + 1 FROM step WHERE n < 99
), value AS MATERIALIZED (
	SELECT (t - t_first) / length AS n, (lead(t, 1, t) OVER (ORDER BY id) - t_first) / length AS n_until, nr_free
	FROM free_memory, clock
), held AS (
	SELECT n, nr_free FROM value
	UNION ALL -- a value that holds over the border of steps is one of the later ones too
	SELECT step.n, nr_free FROM value JOIN step ON step.n > value.n AND step.n <= n_until WHERE n_until > value.n
)
SELECT t_first + n * length AS t_begin, t_first + (n + 1) * length AS t_end, min(nr_free) AS fewest, max(nr_free) AS most,
	watermark_min, watermark_low, watermark_high,
	CASE WHEN min(nr_free) < watermark_min THEN 'below min' WHEN min(nr_free) < watermark_low THEN 'below low'
		WHEN min(nr_free) < watermark_high THEN 'below high' ELSE 'enough' END AS fewest_is
FROM held, clock, session_begin GROUP BY n ORDER BY n;

-- Where free memory was how long: zone (as in free_memory_watermarks), stays (times it was entered), total_ns, share of the
-- time from the first baseline to the last change, longest_ns, fewest (free frames).
CREATE VIEW watermark_time AS
WITH value AS (
	SELECT m.id, m.t, lead(m.t, 1, m.t) OVER (ORDER BY m.id) AS t_until, nr_free,
		CASE WHEN nr_free < watermark_min THEN 0 WHEN nr_free < watermark_low THEN 1
			WHEN nr_free < watermark_high THEN 2 ELSE 3 END AS zone
	FROM free_memory AS m, session_begin
), entered AS (
	SELECT *, zone IS NOT lag(zone) OVER (ORDER BY id) AS enters FROM value
), stay AS (
	SELECT zone, max(t_until) - min(t) AS ns, min(nr_free) AS fewest
	FROM (SELECT *, sum(enters) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) AS n FROM entered) GROUP BY n
)
SELECT CASE zone WHEN 0 THEN 'below min' WHEN 1 THEN 'below low' WHEN 2 THEN 'below high' ELSE 'enough' END AS zone,
	count(*) AS stays, sum(ns) AS total_ns, round(1.0 * sum(ns) / nullif(sum(sum(ns)) OVER (), 0), 4) AS share,
	max(ns) AS longest_ns, min(fewest) AS fewest
FROM stay GROUP BY stay.zone ORDER BY stay.zone;

-- Lives of swap slots: one row from allocation to free: life_id (names the content), max_refs (entries and the swap cache),
-- lifetime_ns (NULL while it lasts), evictions (times the content left memory for this slot).
CREATE VIEW swap_slot_life AS
WITH life AS (
	SELECT life_id, slot, min(t_begin) AS t_begin, max(t_end) AS t_end, max(refs) AS max_refs
	FROM swap_span GROUP BY life_id
), evicted AS (
	SELECT content_id, count(*) AS n FROM eviction GROUP BY content_id
)
SELECT life_id, slot, t_begin, t_end, max_refs,
	CASE WHEN t_end < 9223372036854775807 THEN t_end - t_begin END AS lifetime_ns,
	coalesce(evicted.n, 0) AS evictions
FROM life LEFT JOIN evicted ON content_id = life_id ORDER BY life_id;

-- Lifetimes of swap slots: n that came to an end, and median, 99th percentile and maximum in ns.
CREATE VIEW swap_slot_lifetimes AS
WITH life AS (
	SELECT max(t_end) - min(t_begin) AS lifetime_ns FROM swap_span
	GROUP BY life_id HAVING max(t_end) < 9223372036854775807
), ranked AS (
	SELECT lifetime_ns, row_number() OVER (ORDER BY lifetime_ns) AS place, count(*) OVER () AS n FROM life
)
SELECT n, max(lifetime_ns) FILTER (WHERE place <= (n * 50 + 99) / 100) AS p50_ns,
	max(lifetime_ns) FILTER (WHERE place <= (n * 99 + 99) / 100) AS p99_ns, max(lifetime_ns) AS max_ns
FROM ranked GROUP BY n;

-- OOM decisions with every candidate, the highest first: the terms of the score in frames (swapped: in entries), its oom_score_adj
-- and the points that this makes, whether it was eligible, and fate, which says who died.
CREATE VIEW oom_scoreboard AS
SELECT oom_candidate.kill_id, oom_candidate.pid, comm, score, resident, swapped, page_tables, oom_score_adj, points, eligible,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN 'killed' ELSE '' END AS fate,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN predicted_pages END AS predicted_pages,
	CASE WHEN oom_kill.pid = oom_candidate.pid THEN freed_pages END AS freed_pages
FROM oom_candidate LEFT JOIN oom_kill USING (kill_id)
ORDER BY oom_candidate.kill_id, points DESC, oom_candidate.pid;

-- Who stalled in direct reclaim: pid, comm (its name at its first stall), n (stalls), total_ns, max_ns, reclaimed (frames
-- that came free meanwhile, whoever freed them), faults (page faults that contain a stall) and fault_ns (what those spent
-- in it, in ns; the rest of total_ns was spent in system calls).
CREATE VIEW direct_reclaim_sleepers AS
WITH stall AS (
	SELECT pid, min(t_begin) AS t_first, count(*) AS n, sum(t_end - t_begin) AS total_ns,
		max(t_end - t_begin) AS max_ns, sum(nr_reclaimed) AS reclaimed
	FROM direct_reclaim GROUP BY pid
), waiting AS (
	SELECT pid, count(*) AS faults, sum(reclaim_ns) AS fault_ns FROM fault WHERE reclaim_ns > 0 GROUP BY pid
)
SELECT pid, (SELECT comm FROM task_span WHERE task_span.pid = stall.pid AND t_begin <= t_first
		ORDER BY t_begin DESC LIMIT 1) AS comm,
	n, total_ns, max_ns, reclaimed, coalesce(faults, 0) AS faults, coalesce(fault_ns, 0) AS fault_ns
FROM stall LEFT JOIN waiting USING (pid) ORDER BY total_ns DESC;

-- The kernel's own counters against the events, between the first and the last time that it told them, pauses of the trace left out. The kernel counts at
-- other places than it emits; each row must say equal = 1.
CREATE VIEW vmstat_check AS
WITH told AS (
	SELECT item, min(id) AS first_id, max(id) AS last_id FROM vmstat GROUP BY item HAVING count(*) > 1
), kernel AS (
	SELECT item, first_id, last_id, sum(value - before) AS n FROM (
		SELECT item, id, value, lag(value) OVER item AS before, lag(id) OVER item AS id_before
		FROM vmstat WINDOW item AS (PARTITION BY item ORDER BY id)
	) AS step JOIN told USING (item)
	WHERE id_before IS NOT NULL AND NOT EXISTS (SELECT 1 FROM trace_off WHERE trace_off.id > id_before AND trace_off.id < step.id)
	GROUP BY item
), counted(item, id, n) AS (
	SELECT 0, id, 1 FROM page_fault_end WHERE result IN (0, 1) -- pgfault: minor, major
	UNION ALL SELECT 1, id, 1 FROM page_fault_end WHERE result = 1 -- pgmajfault
	UNION ALL SELECT 2, id, 1 << "order" FROM mm_page_alloc -- pgalloc
	UNION ALL SELECT 3, id, 1 << "order" FROM mm_page_free -- pgfree
	UNION ALL SELECT 4, id, 1 FROM swap_in_begin -- pswpin
	UNION ALL SELECT 5, id, 1 FROM swap_out_begin -- pswpout
	UNION ALL SELECT CASE kind WHEN 'kswapd' THEN 6 ELSE 7 END, id, 1 -- pgscan_kswapd, pgscan_direct
		FROM reclaim_decision JOIN reclaim_pass USING (pass_id) WHERE list IN (0, 2) AND kind <> 'madvise'
	UNION ALL SELECT CASE kind WHEN 2 THEN 15 ELSE 8 + kind END, id, 1 -- pgsteal_kswapd, pgsteal_direct, pgsteal_madvise
		FROM page_evicted
	UNION ALL SELECT 10, id, 1 FROM reclaim_decision WHERE verdict = 2 -- pgactivate: by a look
	UNION ALL SELECT 10, id, 1 FROM lru_insert WHERE why = 15 -- pgactivate: by a use
	UNION ALL SELECT 11, id, 1 FROM reclaim_decision WHERE verdict = 8 -- pgdeactivate
	UNION ALL SELECT 16, id, 1 FROM reclaim_decision WHERE verdict = 12 -- unevictable_pgs_culled
	UNION ALL SELECT 17, id, 1 FROM lru_remove WHERE list = 4 AND why = 11 -- unevictable_pgs_rescued
	UNION ALL SELECT 18, id, 1 FROM lru_insert WHERE list = 4 AND why IN (0, 10) -- unevictable_pgs_mlocked
	UNION ALL SELECT 19, id, 1 FROM lru_remove WHERE list = 4 AND why = 11 -- unevictable_pgs_munlocked
	UNION ALL SELECT 20, id, 1 FROM page_flags WHERE "set" & 16384 -- pglazyfree
	UNION ALL SELECT 21, id, 1 FROM reclaim_decision WHERE verdict = 13 -- pglazyfreed
	UNION ALL SELECT 12, id, 1 FROM mark_victim -- oom_kill
	UNION ALL SELECT 13, id, 1 FROM mm_vmscan_direct_reclaim_begin -- allocstall
	UNION ALL SELECT 14, id, 1 FROM mm_vmscan_kswapd_wake -- pageoutrun
	UNION ALL SELECT 22, id, 1 FROM pmd_set WHERE why = 0 -- thp_fault_alloc: fault
	UNION ALL SELECT 23, id, 1 FROM thp_fault_fallback
	UNION ALL SELECT 24, id, 1 FROM page_split -- thp_split_page
	UNION ALL SELECT 25, id, 1 FROM pmd_split -- thp_split_pmd
	UNION ALL SELECT 26, id, 1 FROM page_split WHERE pos_last < pos -- thp_swpout_fallback: to the tail
	UNION ALL SELECT 27, id, 1 FROM mm_compaction_begin -- compact_stall
	UNION ALL SELECT 29 - status, id, 1 FROM mm_compaction_end -- compact_success, compact_fail
	UNION ALL SELECT 30, id, 1 FROM lru_remove WHERE why = 14 -- pgmigrate_success
	UNION ALL SELECT 31, id, failed FROM mm_migrate_pages -- pgmigrate_fail
), events AS (
	SELECT kernel.item, coalesce(sum(counted.n), 0) AS n
	FROM kernel LEFT JOIN counted ON counted.item = kernel.item AND counted.id > first_id AND counted.id < last_id
	GROUP BY kernel.item
)
SELECT enum_name.name AS item, kernel.n AS kernel, events.n AS events, kernel.n = events.n AS equal
FROM kernel JOIN events USING (item) JOIN enum_name ON enum = 'vmstat_item' AND enum_name.value = kernel.item
ORDER BY kernel.item;

-- Copy-on-write by task: pid, comm (its last name), copied (writes to a page that others mapped too), reused (writes to one
-- that nobody else mapped any more: made writable in place), copied_bytes, total_ns and max_ns (latency of both). A write
-- that a system call made for the task is among them.
CREATE VIEW cow_breaks AS
SELECT pid, (SELECT comm FROM task_span WHERE task_span.pid = fault.pid ORDER BY t_begin DESC LIMIT 1) AS comm,
	count(*) FILTER (WHERE kind = 'cow') AS copied, count(*) FILTER (WHERE kind = 'reuse') AS reused,
	4096 * count(*) FILTER (WHERE kind = 'cow') AS copied_bytes, sum(latency_ns) AS total_ns, max(latency_ns) AS max_ns
FROM fault WHERE kind IN ('cow', 'reuse') AND result IN ('minor', 'major') GROUP BY pid ORDER BY copied DESC, pid;

-- Why predicted and freed differ, exactly: kill_id, t (ns), pid, predicted_pages, alone_pages (what only the victim had at the
-- kill by the trace: frames of its own that nobody else mapped, and its page tables), freed_pages, shared_pages (predicted
-- minus alone: in a fork the victim holds its mmap_lock, so that only the counters can be read, and they count what it shares
-- too), later_pages (freed minus alone: others gave up what they shared, a child that its fork did not finish among them, or began
-- to share; a fault or fork under way still got a page or a table).
CREATE VIEW oom_prediction_error AS
SELECT kill_id, t, pid, predicted_pages, alone_pages, freed_pages, predicted_pages - alone_pages AS shared_pages,
	freed_pages - alone_pages AS later_pages
FROM (
	SELECT *, (
		SELECT ifnull(sum(1 << "order"), 0) FROM rmap_span AS own JOIN page_life AS life
			ON life.pfn = own.pfn AND life.t_begin <= oom_kill.t AND oom_kill.t < life.t_end
		WHERE own.mm_id = oom_kill.mm_id AND own.t_begin <= oom_kill.t AND oom_kill.t < own.t_end
			AND own.mapping_id NOT IN (SELECT mapping_id FROM mapping_span)
			AND NOT EXISTS (SELECT * FROM rmap_span AS other WHERE other.pfn = own.pfn AND other.rowid <> own.rowid
				AND other.t_begin <= oom_kill.t AND oom_kill.t < other.t_end)
	) + (
		SELECT count(*) + 1 FROM pgtable_span
		WHERE mm_id = oom_kill.mm_id AND t_begin <= oom_kill.t AND oom_kill.t < t_end
	) AS alone_pages
	FROM oom_kill) ORDER BY kill_id;

-- Predicted against freed of each OOM kill: kill_id, t (ns), pid and comm of the victim, predicted_pages (frames that only it
-- mapped), freed_pages (that came free; NULL: not over when the trace ended), error_pages (freed minus predicted: its
-- page tables and swap cache add, a page that somebody began to share takes away), error_share (of predicted),
-- reap_ns (from the kill until its memory was taken).
CREATE VIEW oom_prediction AS
SELECT kill_id, t, oom_kill.pid, comm, predicted_pages, freed_pages, freed_pages - predicted_pages AS error_pages,
	round(1.0 * (freed_pages - predicted_pages) / nullif(predicted_pages, 0), 4) AS error_share, t_done - t AS reap_ns
FROM oom_kill LEFT JOIN oom_candidate USING (kill_id, pid) ORDER BY kill_id;

-- Everything the trace tells of the use of pages of programs and files: event id, t (ns), pfn, what. swapin: content is read from swap into
-- the frame; fault: a page fault mapped it, so it was used at t; accessed: a reclaim pass, or who removed a mapping, found an
-- accessed bit set, so it was used since the event before; idle: a pass found none; evict: a pass decided to evict it;
-- free: the frame is given up. Uses between two looks count as one; what a system call does by the kernel's own mapping
-- sets no accessed bit. A page of 2 MiB is its first frame.
CREATE VIEW page_use AS
SELECT id, t, pfn, 'swapin' AS what FROM swap_in_begin
UNION ALL SELECT id, t, value, 'fault' FROM pte_set WHERE kind = 1 AND why IN (0, 1, 6)
UNION ALL SELECT id, t, pfn, 'fault' FROM pmd_set WHERE why IN (0, 1)
UNION ALL SELECT id, t, pfn, CASE WHEN referenced THEN 'accessed' ELSE 'idle' END FROM lru_referenced
UNION ALL SELECT id, t, value, 'accessed' FROM pte_clear WHERE old_kind = 1 AND old_flags & 4
UNION ALL SELECT id, t, pfn, 'accessed' FROM pmd_clear WHERE old_flags & 4
UNION ALL SELECT id, t, pfn, 'evict' FROM reclaim_decision WHERE verdict IN (0, 1)
UNION ALL SELECT id, t, pfn, 'free' FROM mm_page_free WHERE kind IN (3, 4, 9);

-- Evictions against the order of use: a page was evicted although another one, kept at that moment, had not been used for
-- longer. t (ns) of the decision, pfn and accessed_from: it was used at or after that; kept_pfn, kept_list (where that
-- page was then), kept_accessed_to: it was used before that, and then not until kept_until (ns), where a pass saw its accessed
-- bits clear or evicted it. Of several such pages the one that stayed unused the longest is named. Uses are known as in
-- page_use: a page that no pass looked at again is not known to be unused, so that the true number may be higher. A page on the
-- active list that is older than an evicted inactive one counts too; WHERE kept_list = 'inactive_anon' asks for the same list.
CREATE VIEW lru_inversion AS
WITH sighting AS (
	SELECT id, t, pfn, what, lag(t) OVER page AS t_before,
		sum(what NOT IN ('idle', 'evict')) OVER (page ROWS UNBOUNDED PRECEDING) AS n
	FROM page_use WINDOW page AS (PARTITION BY pfn ORDER BY id)
), quiet AS ( -- from one use of a page to the next: when that use was, and what came of the page
	SELECT pfn, max(CASE what WHEN 'fault' THEN t WHEN 'accessed' THEN t_before END) AS accessed_from,
		max(t) FILTER (WHERE what IN ('fault', 'accessed')) AS accessed_to,
		max(t) FILTER (WHERE what = 'idle') AS idle_until, max(t) FILTER (WHERE what = 'evict') AS t_evict
	FROM sighting GROUP BY pfn, n
), place AS ( -- both kinds of pages in the order of their use; of equals the evicted one first, as it was not used later
	SELECT accessed_from AS t_use, 0 AS kept, pfn, t_evict, NULL AS idle_until FROM quiet WHERE t_evict IS NOT NULL
	UNION ALL
	SELECT accessed_to, 1, pfn, NULL, idle_until FROM quiet WHERE idle_until > accessed_to
), inversion AS MATERIALIZED (
	SELECT t_evict, pfn, t_use, kept_until FROM (
		SELECT *, max(idle_until) OVER (ORDER BY t_use, kept ROWS UNBOUNDED PRECEDING) AS kept_until FROM place)
	WHERE kept = 0 AND kept_until > t_evict
), named AS (
	SELECT inversion.*, place.pfn AS kept_pfn, max(place.t_use) AS kept_accessed_to
	FROM inversion JOIN place ON idle_until = kept_until AND place.t_use < inversion.t_use
	GROUP BY inversion.pfn, inversion.t_evict
)
SELECT t_evict AS t, pfn, t_use AS accessed_from, kept_pfn,
	(SELECT list FROM lru_span WHERE lru_span.pfn = kept_pfn AND t_begin <= t_evict AND t_evict < t_end) AS kept_list,
	kept_accessed_to, kept_until
FROM named ORDER BY t;

-- Pages that were read from swap and not used again before they were evicted or freed: t (ns) of the read, pfn, slot, pid (whose
-- fault caused it), readahead (1: nobody had asked for it), used: never (nobody mapped it) or once (only by the fault that
-- wanted it: the first look after it sees that use, and no later one saw another), t_out (ns) and how it went: evicted, or
-- freed. Pages still there when the trace ended are not listed; reads that failed are. Uses are known as in page_use.
CREATE VIEW swapin_unused AS
WITH sighting AS (
	SELECT id, t, pfn, what, sum(what IN ('swapin', 'free')) OVER page - (what = 'free') AS stay
	FROM page_use WINDOW page AS (PARTITION BY pfn ORDER BY id ROWS UNBOUNDED PRECEDING)
), life AS (
	SELECT pfn, max(id) FILTER (WHERE what = 'swapin') AS id, sum(what = 'fault') AS faults,
		sum(what = 'accessed') AS accessed, max(t) FILTER (WHERE what = 'free') AS t_out, sum(what = 'evict') AS evicted
	FROM sighting GROUP BY pfn, stay
)
SELECT swap_in_begin.t, life.pfn, slot, pid, readahead, CASE WHEN faults THEN 'once' ELSE 'never' END AS used, t_out,
	CASE WHEN evicted THEN 'evicted' ELSE 'freed' END AS how
FROM life JOIN swap_in_begin USING (id) WHERE t_out IS NOT NULL AND faults <= 1 AND accessed <= 1 ORDER BY swap_in_begin.t;

-- Who mapped which file, over the whole session: mapping_id, pid and comm (of the leader), vmas, pages (different ones that it mapped),
-- t_begin, t_end (ns), executable, writable and shared (1: one of the VMAs was).
CREATE VIEW file_user AS
WITH used AS (
	SELECT mapping_id, mm_id, count(DISTINCT vma_id) AS vmas, min(link.t_begin) AS t_begin, max(link.t_end) AS t_end,
		max(flags & 4) > 0 AS executable, max(flags & 2) > 0 AS writable, max(flags & 8) > 0 AS shared
	FROM i_mmap_span AS link JOIN vma_span USING (vma_id)
	WHERE vma_span.t_begin < link.t_end AND link.t_begin < vma_span.t_end GROUP BY mapping_id, mm_id
), mapped AS (
	SELECT mapping_id, mm_id, count(DISTINCT va) AS pages FROM rmap_span JOIN mapping_span USING (mapping_id)
	GROUP BY mapping_id, mm_id
), owner AS (
	SELECT mm_id, pid, comm, min(t_begin) AS t_first FROM task_span WHERE mm_id <> 0 AND pid = tgid GROUP BY mm_id
)
SELECT mapping_id, pid, comm, vmas, coalesce(pages, 0) AS pages, t_begin, t_end, executable, writable, shared
FROM used LEFT JOIN mapped USING (mapping_id, mm_id) LEFT JOIN owner USING (mm_id) ORDER BY mapping_id, t_begin, pid;

-- Pages of files that left memory: eviction_id, t (ns), mapping_id and pgoff (which page of which file), pfn, slot, reason and kind (who
-- decided), gone_ns (until it was read back; NULL: it was not), latency_ns (of the fault that wanted it; NULL: none did).
CREATE VIEW file_eviction AS
SELECT eviction.id AS eviction_id, eviction.t, mapping_id, pgoff, eviction.pfn, eviction.slot, reason, eviction.kind,
	refault.t - eviction.t AS gone_ns, latency_ns
FROM eviction JOIN cache_span ON cache_span.slot = eviction.slot AND t_begin <= eviction.t AND eviction.t < t_end
LEFT JOIN refault ON eviction_id = eviction.id ORDER BY eviction.id;

-- Pages of 2 MiB of programs: pfn (the first of 512), t_begin, t_end (ns), pid and comm of who mapped it first, va there, address_spaces
-- (that ever mapped it), fate: split_reclaim (in order to evict it), split_fault (a write to a part that others share), split_call (a
-- system call gave up, protected or advised a part), freed, or lives.
CREATE VIEW huge_page AS
WITH page AS (
	SELECT pfn, t_begin, t_end FROM page_life WHERE "order" = 9 AND kind = 'anon'
), split AS (
	SELECT id, t, pfn, pos_last < pos AS by_reclaim,
		(SELECT next_pid FROM sched_switch AS run WHERE run.cpu = page_split.cpu AND run.id < page_split.id
			ORDER BY run.id DESC LIMIT 1) AS pid
	FROM page_split
), first AS (
	SELECT page.pfn, page.t_begin, mm_id, va, min(pmd_span.t_begin) AS t, count(DISTINCT mm_id) AS address_spaces
	FROM page JOIN pmd_span ON pmd_span.pfn = page.pfn AND pmd_span.t_begin >= page.t_begin AND pmd_span.t_begin < page.t_end
	GROUP BY page.pfn, page.t_begin
)
SELECT page.pfn, page.t_begin, page.t_end, task.pid, task.comm, va, coalesce(address_spaces, 0) AS address_spaces,
	CASE WHEN split.by_reclaim THEN 'split_reclaim'
		WHEN split.id AND EXISTS (SELECT 1 FROM fault WHERE fault.pid = split.pid AND fault.t <= split.t
			AND fault.t + latency_ns >= split.t) THEN 'split_fault'
		WHEN split.id THEN 'split_call' WHEN page.t_end < 9223372036854775807 THEN 'freed' ELSE 'lives' END AS fate
FROM page LEFT JOIN first USING (pfn, t_begin) LEFT JOIN split ON split.pfn = page.pfn AND split.t = page.t_end
LEFT JOIN task_span AS task ON task.mm_id = first.mm_id AND task.pid = task.tgid AND task.t_begin <= first.t AND first.t < task.t_end
ORDER BY page.t_begin, page.pfn;

-- Compactions: t_begin, t_end (ns), pid and comm of who wanted a page of 2 MiB, result (NULL: the trace saw no end), blocks that it
-- emptied or tried to, and pages moved and failed.
CREATE VIEW compaction AS
WITH run AS (
	SELECT id, t, pid, (SELECT min(id) FROM mm_compaction_end AS over WHERE over.pid = begun.pid AND over.id > begun.id) AS id_end
	FROM mm_compaction_begin AS begun
)
SELECT run.t AS t_begin, over.t AS t_end, run.pid, (SELECT comm FROM task_span WHERE task_span.pid = run.pid
		AND t_begin <= run.t AND run.t < t_end) AS comm,
	enum_name.name AS result, count(block.id) AS blocks, coalesce(sum(succeeded), 0) AS moved, coalesce(sum(failed), 0) AS failed
FROM run LEFT JOIN mm_compaction_end AS over ON over.id = id_end
LEFT JOIN enum_name ON enum = 'compact_result' AND enum_name.value = over.status
LEFT JOIN mm_migrate_pages AS block ON block.pid = run.pid AND block.id > run.id AND (id_end IS NULL OR block.id < id_end)
GROUP BY run.id ORDER BY run.id;

-- Pages that compaction moved: t (ns), from_pfn, to_pfn, kind (anon or file), mapping_id and pgoff (of a file's page, else NULL),
-- mappings (page-table entries that were changed for it; those of a file's page are emptied before, and it is faulted on again: NULL).
CREATE VIEW page_move AS
SELECT min(after.t_begin) AS t, before.pfn AS from_pfn, after.pfn AS to_pfn, 'anon' AS kind, NULL AS mapping_id, NULL AS pgoff,
	count(*) AS mappings
FROM lru_span AS old JOIN pte_span AS after ON after.pfn <> old.pfn AND after.why_in = 'migrate'
	AND after.t_begin BETWEEN old.t_begin AND old.t_end
JOIN pte_span AS before ON before.mm_id = after.mm_id AND before.va = after.va AND before.t_end = after.t_begin
	AND before.pfn = old.pfn
WHERE old.why_out = 'migrate' GROUP BY old.pfn, old.t_end, after.pfn
UNION ALL
SELECT after.t_begin, old.pfn, after.pfn, 'file', after.mapping_id, after.pgoff, NULL
FROM lru_span AS old JOIN cache_span AS before ON before.pfn = old.pfn AND before.t_end BETWEEN old.t_begin AND old.t_end
JOIN cache_span AS after ON after.mapping_id = before.mapping_id AND after.pgoff = before.pgoff
	AND after.t_begin BETWEEN before.t_end AND old.t_end
WHERE old.why_out = 'migrate' AND after.kind = 'page' ORDER BY t;

-- INDEXES: created when all rows are in.
CREATE INDEX page_life_pfn ON page_life(pfn, t_begin);
CREATE INDEX page_flags_span_pfn ON page_flags_span(pfn, t_begin);
CREATE INDEX pte_span_va ON pte_span(mm_id, va, t_begin);
CREATE INDEX pte_span_slot ON pte_span(slot, t_begin) WHERE slot IS NOT NULL;
CREATE INDEX rmap_span_pfn ON rmap_span(pfn, t_begin);
CREATE INDEX lru_span_pfn ON lru_span(pfn, t_begin);
CREATE INDEX swap_span_slot ON swap_span(slot, t_begin);
CREATE INDEX swap_cache_span_pfn ON swap_cache_span(pfn, t_begin);
CREATE INDEX swap_io_pfn ON swap_io(pfn, t_begin);
CREATE INDEX swap_io_slot ON swap_io(slot, t_begin);
CREATE INDEX vma_span_mm ON vma_span(mm_id, va_start);
CREATE INDEX avc_span_anon_vma ON avc_span(anon_vma_id);
CREATE INDEX cache_span_pfn ON cache_span(pfn, t_begin) WHERE pfn IS NOT NULL;
CREATE INDEX cache_span_slot ON cache_span(slot, t_begin) WHERE slot IS NOT NULL;
CREATE INDEX cache_span_place ON cache_span(mapping_id, pgoff, t_begin);
CREATE INDEX fault_t ON fault(t);
CREATE INDEX eviction_slot ON eviction(slot, t);
CREATE INDEX refault_eviction ON refault(eviction_id);
CREATE INDEX live_ids_k ON live_ids(k, table_id);
CREATE INDEX reclaim_decision_pfn ON reclaim_decision(pfn, id);
