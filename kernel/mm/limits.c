/*
 * Limits of address spaces, and the account of memory that programs were promised: Committed_AS.
 *
 * A private writable mapping is charged when it is made, or becomes writable, and keeps VM_ACCOUNT;
 * what takes the VMA away gives the charge back. The three modes differ only in what they refuse.
 */
#include "mm/limits.h"

#include "lib/cmdline.h"
#include "lib/errno.h"
#include "mm/page_alloc.h"
#include "mm/swap.h"

#define PAGES_PER_KIB_SHIFT (PAGE_SHIFT - 10)
/* Linux's upper bounds of the reserves, in KiB: enough to log in and kill a program. */
#define MAX_ADMIN_RESERVE_KIB (8 * KIB)
#define MAX_USER_RESERVE_KIB  (128 * KIB)

struct overcommit overcommit = {.memory = OVERCOMMIT_GUESS, .ratio = 50};

static s64 committed; /* pages; atomic */

void overcommit_init(void)
{
	u64 free_kib = (u64)nr_free_frames() << PAGES_PER_KIB_SHIFT;
	u64 mode = cmdline_u64("overcommit_memory", OVERCOMMIT_GUESS);
	u64 ratio = cmdline_u64("overcommit_ratio", 50);

	if (mode > OVERCOMMIT_NEVER || ratio > UINT32_MAX)
		panic("overcommit_memory=%lu overcommit_ratio=%lu: give a mode of 0 to 2", mode,
		      ratio);
	overcommit.memory = mode;
	overcommit.ratio = ratio;
	overcommit.admin_reserve_kbytes = min(free_kib / 32, (u64)MAX_ADMIN_RESERVE_KIB);
	overcommit.user_reserve_kbytes = min(free_kib / 32, (u64)MAX_USER_RESERVE_KIB);
}

static u64 pages_of_limit(u32 resource)
{
	return current_rlimit(resource) >> PAGE_SHIFT;
}

bool mm_may_expand(const struct mm *mm, u32 flags, u64 pages)
{
	bool is_data = (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;

	if (mm->total_vm + pages > pages_of_limit(MEM_RLIMIT_AS))
		return false;
	return !is_data || mm->data_vm + pages <= pages_of_limit(MEM_RLIMIT_DATA);
}

int mm_may_lock(const struct mm *mm, u32 flags, u64 pages)
{
	if (!(flags & VM_LOCKED) || current_capable(MEM_CAP_IPC_LOCK))
		return 0;
	return mm->locked_vm + pages <= pages_of_limit(MEM_RLIMIT_MEMLOCK) ? 0 : -EAGAIN;
}

bool mm_can_lock(void)
{
	return current_rlimit(MEM_RLIMIT_MEMLOCK) || current_capable(MEM_CAP_IPC_LOCK);
}

u64 committed_as(void)
{
	s64 pages = __atomic_load_n(&committed, __ATOMIC_RELAXED);

	return pages > 0 ? pages : 0;
}

u64 commit_limit(void)
{
	u64 kbytes = READ_ONCE(overcommit.kbytes);
	u64 pages = kbytes ? kbytes >> PAGES_PER_KIB_SHIFT
			   : (u64)nr_managed_frames * READ_ONCE(overcommit.ratio) / 100;

	return pages + swap_nr_slots();
}

/* What mode 2 allows the current task in this address space; may be negative. */
static s64 allowed(const struct mm *mm)
{
	s64 pages = commit_limit();
	u64 reserve = READ_ONCE(overcommit.user_reserve_kbytes) >> PAGES_PER_KIB_SHIFT;

	if (!current_capable(MEM_CAP_SYS_ADMIN))
		pages -= READ_ONCE(overcommit.admin_reserve_kbytes) >> PAGES_PER_KIB_SHIFT;
	return pages - (s64)min(mm->total_vm / 32, reserve);
}

int mm_charge(const struct mm *mm, u64 pages)
{
	s64 sum = __atomic_add_fetch(&committed, pages, __ATOMIC_RELAXED);
	bool enough;

	switch (READ_ONCE(overcommit.memory)) {
	case OVERCOMMIT_ALWAYS:
		enough = true;
		break;
	case OVERCOMMIT_GUESS:
		enough = pages <= (u64)nr_managed_frames + swap_nr_slots();
		break;
	default:
		enough = sum < allowed(mm);
	}
	if (enough)
		return 0;
	mm_uncharge(pages);
	return -ENOMEM;
}

void mm_uncharge(u64 pages)
{
	__atomic_sub_fetch(&committed, pages, __ATOMIC_RELAXED);
}
