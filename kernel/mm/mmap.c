/*
 * The memory system calls: mmap, munmap, brk, and what exec maps. Those that change what is mapped
 * have files of their own: mprotect, mremap, mlock, madvise.
 *
 * Each takes mmap_lock for writing, and checks as Linux does and in its order: programs see which
 * errno comes first.
 *
 * A place for a new mapping is searched from mmap_base downwards along the list of VMAs. Linux
 * keeps the largest gap of each subtree in its tree; programs here have tens of VMAs, and a walk
 * over them is cheaper than the bookkeeping.
 */
#include "mm/mmap.h"

#include "arch/x86_64/layout.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/fault.h"
#include "mm/i_mmap.h"
#include "mm/limits.h"
#include "mm/pgtable.h"
#include "mm/rmap.h"
#include "mm/shmem.h"
#include "mm/zap.h"

u32 prot_to_vm(u32 prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

static bool range_is_free(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find_first(mm, start);

	return !vma || vma->start >= end;
}

/* ---- unmapping ---- */

int mm_unmap_range(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find_first(mm, start), *last, *prev, *next;
	int error;

	if (!vma || vma->start >= end)
		return 0;
	if (vma->start < start) {
		/* One more VMA than there was, if both ends are cut. */
		error = end < vma->end ? vma_split(vma, start) : vma_split_to_unmap(vma, start);
		if (error)
			return error;
		vma = vma_next(vma);
	}
	last = vma_find(mm, end - 1);
	if (last && last->end > end) {
		error = vma_split_to_unmap(last, end);
		if (error)
			return error;
	}
	prev = vma_prev(vma);
	for (; vma && vma->start < end; vma = next) {
		next = vma_next(vma);
		zap_range(vma, vma->start, vma->end, PTE_WHY_UNMAP);
		anon_vma_unlink(vma);
		if (vma->flags & VM_ACCOUNT)
			mm_uncharge(vma_pages(vma));
		vma_remove(vma, VMA_WHY_UNMAP);
	}
	pgtable_free_range(mm, start, end, prev ? prev->end : 0,
			   vma ? vma->start : USER_TABLES_END);
	return 0;
}

int mm_munmap_locked(struct mm *mm, u64 addr, u64 length)
{
	if ((addr & ~PAGE_MASK) || addr > USER_END || length > USER_END - addr || !length)
		return -EINVAL;
	return mm_unmap_range(mm, addr, PAGE_ALIGN(addr + length));
}

long mm_munmap(struct mm *mm, u64 addr, u64 length)
{
	int error = down_write_killable(&mm->mmap_lock);

	if (error)
		return error;
	error = mm_munmap_locked(mm, addr, length);
	up_write(&mm->mmap_lock);
	return error;
}

/* ---- mapping ---- */

/* The highest place of `length` bytes below `ceiling`, or 0. */
static u64 find_gap(struct mm *mm, u64 length, u64 ceiling)
{
	struct vma *vma;

	list_for_each_entry_reverse (vma, &mm->vmas, node) {
		if (max(vma->end, MMAP_MIN_ADDR) + length <= ceiling)
			return ceiling - length;
		ceiling = min(ceiling, vma_start_with_gap(vma));
	}
	return ceiling >= MMAP_MIN_ADDR + length ? ceiling - length : 0;
}

/* The lowest place of `length` bytes in [floor, ceiling), or 0. */
static u64 find_gap_upwards(struct mm *mm, u64 length, u64 floor, u64 ceiling)
{
	struct vma *vma = vma_find_first(mm, floor);

	for (; vma && vma->start < ceiling; vma = vma_next(vma)) {
		if (floor + length <= vma_start_with_gap(vma))
			break;
		floor = max(floor, vma->end);
	}
	return floor + length <= ceiling ? floor : 0;
}

static bool hint_is_free(struct mm *mm, u64 hint, u64 length)
{
	struct vma *next = vma_find_first(mm, hint);

	return !next || hint + length <= vma_start_with_gap(next);
}

/* Where MAP_32BIT puts a mapping: in the second gigabyte, from below, as Linux does. */
#define LOW_FLOOR   (1024 * MIB)
#define LOW_CEILING (2048 * MIB)

/* Where to put a mapping that may go anywhere: at the hint if that is free. 0 when there is no
 * room. */
static u64 choose_address(struct mm *mm, u64 hint, u64 length, u32 flags)
{
	u64 ceiling = flags & MAP_32BIT ? LOW_CEILING : USER_END, address;

	hint &= PAGE_MASK;
	if (hint)
		hint = max(hint, MMAP_MIN_ADDR);
	if (hint && length <= ceiling && hint <= ceiling - length && hint_is_free(mm, hint, length))
		return hint;
	if (flags & MAP_32BIT)
		return find_gap_upwards(mm, length, LOW_FLOOR, LOW_CEILING);
	address = find_gap(mm, length, mm->mmap_base);
	return address ? address : find_gap(mm, length, USER_END);
}

long mm_find_room(struct mm *mm, u64 addr, u64 length, u32 flags)
{
	if (length > USER_END)
		return -ENOMEM;
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))) {
		addr = choose_address(mm, addr, length, flags);
		return addr ? (long)addr : -ENOMEM;
	}
	if (addr > USER_END - length)
		return -ENOMEM;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (addr < MMAP_MIN_ADDR && !current_capable(MEM_CAP_SYS_RAWIO))
		return -EPERM;
	return addr;
}

/* Pages of [start, end) that are mapped. */
static u64 pages_mapped(struct mm *mm, u64 start, u64 end)
{
	struct vma *vma = vma_find_first(mm, start);
	u64 bytes = 0;

	for (; vma && vma->start < end; vma = vma_next(vma))
		bytes += min(vma->end, end) - max(vma->start, start);
	return bytes >> PAGE_SHIFT;
}

/* A mapping at a place that was chosen, in place of what is there. mmap_lock held for writing. */
static int map_at(struct mm *mm, u64 start, u64 end, u32 flags, const struct mmap_file *file)
{
	u64 pages = (end - start) >> PAGE_SHIFT;
	int error;

	if (!mm_may_expand(mm, flags, pages) &&
	    !mm_may_expand(mm, flags, pages - pages_mapped(mm, start, end)))
		return -ENOMEM;
	error = mm_unmap_range(mm, start, end);
	if (error)
		return error;
	if (mm_is_charged(flags)) {
		if (mm_charge(mm, pages))
			return -ENOMEM;
		flags |= VM_ACCOUNT;
	}
	if (vma_map(mm, start, end, flags, file->mapping, file->pgoff, VMA_WHY_MMAP))
		return 0;
	if (flags & VM_ACCOUNT)
		mm_uncharge(pages);
	return -ENOMEM;
}

/* What mmap's arguments ask for, as VM_* flags. */
static u32 mapping_flags(const struct mm *mm, u32 prot, u32 flags)
{
	u32 vm_flags = prot_to_vm(prot) | mm->def_flags | VM_MAY_ALL;

	if (flags & MAP_GROWSDOWN)
		vm_flags |= VM_GROWSDOWN;
	if (flags & MAP_LOCKED)
		vm_flags |= VM_LOCKED;
	/* Linux tells programs that ask for a stack to do without huge pages. */
	if (flags & MAP_STACK)
		vm_flags |= VM_NOHUGEPAGE;
	if ((flags & MAP_NORESERVE) && READ_ONCE(overcommit.memory) != OVERCOMMIT_NEVER)
		vm_flags |= VM_NORESERVE;
	return vm_flags;
}

/* What the file's rights allow, in Linux's order; completes *vm_flags. */
static int check_file(u32 prot, u32 flags, const struct mmap_file *file, u64 length, u32 *vm_flags)
{
	u32 type = flags & MAP_TYPE;

	if (length > MAPPING_MAX_SIZE || file->pgoff > (MAPPING_MAX_SIZE - length) >> PAGE_SHIFT)
		return -EOVERFLOW;
	if (type != MAP_SHARED && type != MAP_SHARED_VALIDATE && type != MAP_PRIVATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (flags & ~MAP_VALIDATED))
		return -EOPNOTSUPP;
	if (type != MAP_PRIVATE) {
		if ((prot & PROT_WRITE) && !(file->may & VM_WRITE))
			return -EACCES;
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
		if (!(file->may & VM_WRITE))
			*vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
	}
	if (!(file->may & VM_READ))
		return -EACCES;
	if (!(file->may & VM_EXEC)) {
		if (prot & PROT_EXEC)
			return -EPERM;
		*vm_flags &= ~VM_MAYEXEC;
	}
	if (!file->mappable)
		return -ENODEV;
	if (file->mapping && (*vm_flags & VM_SHARED) &&
	    (READ_ONCE(file->mapping->seals) & F_SEAL_FUTURE_WRITE)) {
		if (prot & PROT_WRITE)
			return -EPERM;
		*vm_flags &= ~VM_MAYWRITE;
	}
	return *vm_flags & VM_GROWSDOWN ? -EINVAL : 0;
}

static int check_anonymous(u32 flags, u32 *vm_flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_PRIVATE:
		return 0;
	case MAP_SHARED:
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
		return *vm_flags & VM_GROWSDOWN ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* Maps the file, or memory that a child shares as a file of its own. */
static int map_file_at(struct mm *mm, u64 start, u64 length, u32 vm_flags,
		       const struct mmap_file *file)
{
	struct mmap_file target = file ? *file : (struct mmap_file){};
	bool writer = vm_flags & VM_SHARED;
	bool made = !target.mapping && (vm_flags & VM_SHARED);
	int error = 0;

	if (made)
		target.mapping = shmem_create(mm, length, vm_flags, &error);
	if (!error && writer)
		error = mapping_map_writable(target.mapping);
	if (!error) {
		error = map_at(mm, start, start + length, vm_flags, &target);
		if (writer)
			mapping_unmap_writable(target.mapping);
	}
	if (made && target.mapping)
		mapping_put(target.mapping);
	return error;
}

/* The checks of mmap that need the lock, in Linux's order, then the mapping. */
static long map_locked(struct mm *mm, u64 addr, u64 length, u32 prot, u32 flags, u32 vm_flags,
		       const struct mmap_file *file)
{
	int error;

	if (mm->nr_vmas > MAX_MAP_COUNT)
		return -ENOMEM;
	addr = mm_find_room(mm, addr, length, flags);
	if ((long)addr < 0)
		return addr;
	if ((flags & MAP_FIXED_NOREPLACE) && !range_is_free(mm, addr, addr + length))
		return -EEXIST;
	if ((flags & MAP_LOCKED) && !mm_can_lock())
		return -EPERM;
	error = mm_may_lock(mm, vm_flags, length >> PAGE_SHIFT);
	if (!error)
		error = file ? check_file(prot, flags, file, length, &vm_flags)
			     : check_anonymous(flags, &vm_flags);
	if (!error)
		error = map_file_at(mm, addr, length, vm_flags, file);
	return error ? error : (long)addr;
}

long mm_mmap(struct mm *mm, u64 addr, u64 length, u32 prot, u32 flags, const struct mmap_file *file)
{
	u32 vm_flags;
	long result;

	if (!length)
		return -EINVAL;
	length = PAGE_ALIGN(length);
	if (!length)
		return -ENOMEM;
	if (file && file->pgoff + (length >> PAGE_SHIFT) < file->pgoff)
		return -EOVERFLOW;
	result = down_write_killable(&mm->mmap_lock);
	if (result)
		return result;
	vm_flags = mapping_flags(mm, prot, flags);
	result = map_locked(mm, addr, length, prot, flags, vm_flags, file);
	up_write(&mm->mmap_lock);
	if (result > 0 &&
	    ((vm_flags & VM_LOCKED) || (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE))
		mm_populate(mm, result, result + length);
	return result;
}

/* ---- brk ---- */

/* Whether the heap may end at `brk` and get there; mmap_lock held for writing. */
static bool move_brk(struct mm *mm, u64 brk)
{
	u64 old_end = PAGE_ALIGN(mm->brk), new_end, pages;
	u32 flags = VM_READ | VM_WRITE | VM_MAY_ALL | VM_ACCOUNT | mm->def_flags;
	struct vma *next;

	if (brk < mm->start_brk || brk > USER_END)
		return false;
	if (brk - mm->start_brk + (mm->end_data - mm->start_data) > current_rlimit(MEM_RLIMIT_DATA))
		return false;
	new_end = PAGE_ALIGN(brk);
	if (new_end < old_end)
		return !mm_unmap_range(mm, new_end, old_end);
	if (new_end == old_end)
		return true;
	pages = (new_end - old_end) >> PAGE_SHIFT;
	next = vma_find_first(mm, old_end);
	/* Linux leaves a page between the heap and what comes behind it. */
	if (new_end > USER_END || (next && new_end + PAGE_SIZE > vma_start_with_gap(next)) ||
	    mm_may_lock(mm, flags, pages) || !mm_may_expand(mm, flags, pages) ||
	    mm->nr_vmas > MAX_MAP_COUNT || mm_charge(mm, pages))
		return false;
	if (vma_map(mm, old_end, new_end, flags, NULL, 0, VMA_WHY_BRK))
		return true;
	mm_uncharge(pages);
	return false;
}

long mm_brk(struct mm *mm, u64 brk)
{
	u64 locked_from = 0;
	long result;

	if (down_write_killable(&mm->mmap_lock))
		return -EINTR;
	if (move_brk(mm, brk)) {
		if ((mm->def_flags & VM_LOCKED) && brk > mm->brk)
			locked_from = PAGE_ALIGN(mm->brk);
		mm->brk = brk;
	}
	result = mm->brk;
	up_write(&mm->mmap_lock);
	if (locked_from)
		mm_populate(mm, locked_from, PAGE_ALIGN(result));
	return result;
}

/* ---- exec ---- */

int mm_map_segment(struct mm *mm, u64 start, u64 end, u32 vm_flags, struct address_space *mapping,
		   u64 pgoff)
{
	u64 pages = (end - start) >> PAGE_SHIFT;
	int error = 0;

	if ((start | end) & ~PAGE_MASK || start >= end || start < USER_BASE || end > USER_END)
		return -EINVAL;
	if (mm_is_charged(vm_flags)) {
		if (mm_charge(mm, pages))
			return -ENOMEM;
		vm_flags |= VM_ACCOUNT;
	}
	vm_flags |= vm_flags & VM_PFNMAP ? VM_MAY_ALL & ~VM_MAYWRITE : VM_MAY_ALL;
	down_write(&mm->mmap_lock);
	if (!range_is_free(mm, start, end))
		error = -EEXIST;
	else if (!vma_map(mm, start, end, vm_flags, mapping, pgoff, VMA_WHY_EXEC))
		error = -ENOMEM;
	up_write(&mm->mmap_lock);
	if (error && (vm_flags & VM_ACCOUNT))
		mm_uncharge(pages);
	return error;
}

int mm_map_stack(struct mm *mm, u64 size)
{
	return mm_map_segment(mm, mm->stack_top - size, mm->stack_top,
			      VM_READ | VM_WRITE | VM_GROWSDOWN, NULL, 0);
}
