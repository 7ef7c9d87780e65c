/*
 * Segments of System V shared memory: their table, rights, life.
 *
 *   live       in the table, found by key and id
 *   doomed     SHM_DEST, key IPC_PRIVATE: removed while attached; found by id still
 *   destroyed  out of the table, when nothing is attached and it was removed
 *
 * An attachment is a VMA of the segment's file: mm tells of each that is made, by shmat, fork or a cut, and of
 * each that goes (struct vma_ops). So the count is right whatever a program does to its address space,
 * and says of parts that a munmap left what Linux says.
 *
 * segments_lock guards the table and every segment's members. Segments are few: the table is a list by index.
 */
#include "fs/shm.h"

#include "cpu/spinlock.h"
#include "fs/inode.h"
#include "fs/tmpfs.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/limits.h"
#include "mm/lru.h"
#include "mm/mmap.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/process.h"

/* An id is a sequence number above an index, as Linux makes it. */
#define INDEX_BITS   15
#define MAX_SEQUENCE (INT32_MAX >> INDEX_BITS)
/* Indexes go round in at least so many. */
#define MIN_CYCLE 64
/* As in Linux: no limit but what a sum of it with a size may overflow. */
#define DEFAULT_LIMIT (~0ul - (1ul << 24))
#define RIGHTS        0777u

struct shm_limits shm_limits = {.max = DEFAULT_LIMIT, .all = DEFAULT_LIMIT, .mni = 4096};

struct segment {
	struct list_head node; /* by index */
	struct inode *inode;   /* a reference */
	struct shmid_ds status;
	s32 id;
	u32 lock_uid; /* who locked it, with SHM_LOCKED */
	u64 charged;  /* pages promised by overcommit; constant */
};

static DEFINE_SPINLOCK(segments_lock, RANK_SHM);
static LIST_HEAD(segments);
static u32 nr_segments, sequence;
static s32 last_index = -1;
static u64 total_pages;

static u32 index_of(s32 id)
{
	return id & (BIT(INDEX_BITS) - 1);
}

static u64 pages_of(const struct segment *segment)
{
	return PAGE_ALIGN(segment->status.segsz) >> PAGE_SHIFT;
}

static s64 now_seconds(void)
{
	return timestamp_now().sec;
}

static s32 own_tgid(void)
{
	return current_process ? current_process->tgid : 0;
}

/* ---- finding, rights ---- */

static struct segment *find_index(u32 index)
{
	struct segment *segment;

	ASSERT(spin_is_held(&segments_lock));
	list_for_each_entry (segment, &segments, node)
		if (index_of(segment->id) == index)
			return segment;
	return NULL;
}

static struct segment *find_id(s32 id)
{
	struct segment *segment = id >= 0 ? find_index(index_of(id)) : NULL;

	return segment && segment->id == id ? segment : NULL;
}

static struct segment *find_key(s32 key)
{
	struct segment *segment;

	if (key == IPC_PRIVATE)
		return NULL;
	list_for_each_entry (segment, &segments, node)
		if (segment->status.perm.key == key)
			return segment;
	return NULL;
}

/* Whether the current task has all the rights asked for, by whatever class they are asked (Linux's
 * ipcperms()). */
static bool may(const struct segment *segment, u32 flags)
{
	const struct ipc_perm *perm = &segment->status.perm;
	u32 wanted = (flags >> 6 | flags >> 3 | flags) & 07, granted = perm->mode;

	if (cred_euid() == perm->cuid || cred_euid() == perm->uid)
		granted >>= 6;
	else if (cred_in_group(perm->cgid) || cred_in_group(perm->gid))
		granted >>= 3;
	return !(wanted & ~granted) || cred_capable(CAP_IPC_OWNER);
}

static bool owns(const struct segment *segment)
{
	return cred_euid() == segment->status.perm.cuid || cred_euid() == segment->status.perm.uid;
}

/* ---- life ---- */

/* The structure goes with the inode, which VMAs may hold a moment longer. */
static void free_segment(struct segment *segment)
{
	mm_uncharge(segment->charged);
	inode_put(segment->inode);
}

/* Takes it out of the table if it was removed and nothing is attached: the caller frees what is returned,
 * without the lock. */
static struct segment *take_out_unused(struct segment *segment)
{
	ASSERT(spin_is_held(&segments_lock));
	if (segment->status.nattch || !(segment->status.perm.mode & SHM_DEST))
		return NULL;
	list_del(&segment->node);
	nr_segments--;
	total_pages -= pages_of(segment);
	return segment;
}

static struct segment *segment_of(struct address_space *mapping)
{
	return container_of(mapping, struct inode, mapping)->private;
}

static void attached(struct address_space *mapping)
{
	struct segment *segment = segment_of(mapping);

	spin_lock(&segments_lock);
	segment->status.atime = now_seconds();
	segment->status.lpid = own_tgid();
	segment->status.nattch++;
	spin_unlock(&segments_lock);
}

static void detached(struct address_space *mapping)
{
	struct segment *segment = segment_of(mapping), *unused;

	spin_lock(&segments_lock);
	segment->status.dtime = now_seconds();
	segment->status.lpid = own_tgid();
	segment->status.nattch--;
	unused = take_out_unused(segment);
	spin_unlock(&segments_lock);
	if (unused)
		free_segment(unused);
}

static const struct vma_ops segment_vma_ops = {.open = attached, .close = detached};

/* ---- shmget ---- */

/* A segment that is in no table. */
static struct segment *create_segment(s32 key, u64 size, u32 flags, int *error)
{
	char name[sizeof("SYSV00000000")];
	bool is_charged =
		!(flags & SHM_NORESERVE) || READ_ONCE(overcommit.memory) == OVERCOMMIT_NEVER;
	struct segment *segment = kmalloc(sizeof(*segment), GFP_ZERO);

	*error = -ENOMEM;
	if (!segment)
		return NULL;
	segment->status = (struct shmid_ds){
		.perm = {.key = key,
			 .uid = cred_euid(),
			 .gid = cred_egid(),
			 .cuid = cred_euid(),
			 .cgid = cred_egid(),
			 .mode = flags & RIGHTS},
		.segsz = size,
		.ctime = now_seconds(),
		.cpid = own_tgid(),
	};
	segment->charged = is_charged ? pages_of(segment) : 0;
	*error = mm_charge(current->mm, segment->charged);
	if (*error) {
		kfree(segment);
		return NULL;
	}
	snprintf(name, sizeof(name), "SYSV%08x", key);
	*error = tmpfs_create_unlinked(name, size, &segment->inode);
	if (*error) {
		mm_uncharge(segment->charged);
		kfree(segment);
		return NULL;
	}
	segment->inode->private = segment;
	segment->inode->mapping.vma_ops = &segment_vma_ops;
	return segment;
}

/* The first free index from `first` on and below `end`, and what the list has before it; `end`: there is
 * none. */
static u32 find_free_index(u32 first, u32 end, struct list_head **before)
{
	struct segment *segment;

	*before = &segments;
	list_for_each_entry (segment, &segments, node) {
		if (index_of(segment->id) > first)
			break;
		*before = &segment->node;
		if (index_of(segment->id) == first)
			first++;
	}
	return min(first, end);
}

/* Gives the segment a number and puts it in the table: the number, or -ENOSPC. */
static int add_segment(struct segment *segment)
{
	u32 mni = READ_ONCE(shm_limits.mni), end, index;
	struct list_head *before;

	ASSERT(spin_is_held(&segments_lock));
	if (nr_segments >= mni)
		return -ENOSPC;
	end = min(max(nr_segments * 3 / 2, (u32)MIN_CYCLE), mni);
	index = find_free_index(last_index + 1, end, &before);
	if (index == end)
		index = find_free_index(0, end, &before);
	if (index == end)
		return -ENOSPC;
	if ((s32)index <= last_index)
		sequence = sequence == MAX_SEQUENCE ? 0 : sequence + 1;
	last_index = index;
	segment->id = sequence << INDEX_BITS | index;
	segment->status.perm.seq = sequence;
	segment->inode->ino = segment->id;
	list_add(&segment->node, before);
	nr_segments++;
	total_pages += pages_of(segment);
	return segment->id;
}

/* What shmget gives for a key without making a segment; -ENOENT if it is to make one. */
static int get_existing(s32 key, u64 size, u32 flags)
{
	u64 pages = PAGE_ALIGN(size) >> PAGE_SHIFT;
	const struct segment *segment = find_key(key);

	if (segment) {
		if ((flags & IPC_CREAT) && (flags & IPC_EXCL))
			return -EEXIST;
		if (size > segment->status.segsz)
			return -EINVAL;
		return may(segment, flags) ? segment->id : -EACCES;
	}
	if (key != IPC_PRIVATE && !(flags & IPC_CREAT))
		return -ENODATA;
	if (!size || size > READ_ONCE(shm_limits.max))
		return -EINVAL;
	if (total_pages + pages < total_pages || total_pages + pages > READ_ONCE(shm_limits.all))
		return -ENOSPC;
	/* There is no hugetlbfs. */
	return size > MAPPING_MAX_SIZE || (flags & SHM_HUGETLB) ? -EINVAL : -ENOENT;
}

int shm_get(s32 key, u64 size, u32 flags)
{
	struct segment *segment;
	bool added = false;
	int result;

	spin_lock(&segments_lock);
	result = get_existing(key, size, flags);
	spin_unlock(&segments_lock);
	if (result != -ENOENT)
		return result == -ENODATA ? -ENOENT : result;
	segment = create_segment(key, size, flags, &result);
	if (!segment)
		return result;
	spin_lock(&segments_lock);
	result = get_existing(key, size, flags);
	if (result == -ENOENT) {
		result = add_segment(segment);
		added = result >= 0;
	}
	spin_unlock(&segments_lock);
	if (!added)
		free_segment(segment);
	return result;
}

/* ---- shmat, shmdt ---- */

/* The segment, which stays while it counts as attached, and what mmap is to do. */
static struct segment *pin_segment(s32 id, u32 rights, int *error)
{
	struct segment *segment;

	spin_lock(&segments_lock);
	segment = find_id(id);
	*error = !segment ? -EINVAL : may(segment, rights) ? 0 : -EACCES;
	if (*error)
		segment = NULL;
	else
		segment->status.nattch++;
	spin_unlock(&segments_lock);
	return segment;
}

static void unpin_segment(struct segment *segment)
{
	struct segment *unused;

	spin_lock(&segments_lock);
	segment->status.nattch--;
	unused = take_out_unused(segment);
	spin_unlock(&segments_lock);
	if (unused)
		free_segment(unused);
}

long shm_attach(s32 id, u64 addr, u32 flags)
{
	struct mmap_file file = {.mappable = true, .may = VM_READ | VM_EXEC};
	u32 prot = PROT_READ, rights = 0444, map_flags = MAP_SHARED;
	struct segment *segment;
	long result;
	int error;

	if (id < 0)
		return -EINVAL;
	if (addr) {
		map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
		if ((addr & ~PAGE_MASK) && !(flags & SHM_RND))
			return -EINVAL;
		addr &= PAGE_MASK;
	}
	if (!addr && (flags & SHM_REMAP))
		return -EINVAL;
	if (!(flags & SHM_RDONLY)) {
		prot |= PROT_WRITE;
		rights |= 0222;
		file.may |= VM_WRITE;
	}
	if (flags & SHM_EXEC) {
		prot |= PROT_EXEC;
		rights |= 0111;
	}
	segment = pin_segment(id, rights, &error);
	if (!segment)
		return error;
	file.mapping = &segment->inode->mapping;
	if (addr && !(flags & SHM_REMAP) && addr + segment->status.segsz < addr)
		result = -EINVAL;
	else
		result = mm_mmap(current->mm, addr, segment->status.segsz, prot, map_flags, &file);
	unpin_segment(segment);
	return result == -EEXIST ? -EINVAL : result;
}

/* Whether the VMA is where a segment attached at `addr` has that part of it. */
static bool is_part(const struct vma *vma, u64 addr)
{
	return vma->mapping && vma->mapping->vma_ops == &segment_vma_ops &&
	       (vma->start - addr) >> PAGE_SHIFT == vma->pgoff;
}

/* What is left of the attachment, from the first part that is found on. */
static int detach_parts(struct mm *mm, u64 addr)
{
	const struct address_space *mapping = NULL;
	struct vma *vma = vma_find_first(mm, addr), *next;
	u64 size = 0;
	int error = -EINVAL;

	for (; vma && (!mapping || vma->end - addr <= size); vma = next) {
		next = vma_next(vma);
		if (!is_part(vma, addr) || (mapping && vma->mapping != mapping))
			continue;
		mapping = vma->mapping;
		size = PAGE_ALIGN(mapping->size);
		error = mm_unmap_range(mm, vma->start, vma->end);
		if (error)
			break;
	}
	return error;
}

int shm_detach(u64 addr)
{
	struct mm *mm = current->mm;
	int error;

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	error = down_write_killable(&mm->mmap_lock);
	if (error)
		return error;
	error = detach_parts(mm, addr);
	up_write(&mm->mmap_lock);
	return error;
}

/* ---- shmctl ---- */

int shm_stat(s32 id, enum shm_by by, struct shmid_ds *status)
{
	const struct segment *segment;
	int result = 0;

	spin_lock(&segments_lock);
	segment = by == SHM_BY_ID ? find_id(id) : find_index(index_of(id));
	if (!segment)
		result = -EINVAL;
	else if (by != SHM_BY_INDEX_ANY && !may(segment, 0444))
		result = -EACCES;
	if (!result) {
		*status = segment->status;
		result = by == SHM_BY_ID ? 0 : segment->id;
	}
	spin_unlock(&segments_lock);
	return result;
}

/* The segment if the current task may change it. The lock is held. */
static struct segment *find_owned(s32 id, int *error)
{
	struct segment *segment = find_id(id);

	*error = !segment ? -EINVAL : owns(segment) || cred_capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
	return *error ? NULL : segment;
}

int shm_set(s32 id, const struct shmid_ds *status)
{
	struct segment *segment;
	int error;

	spin_lock(&segments_lock);
	segment = find_owned(id, &error);
	if (segment && (status->perm.uid == ~0u || status->perm.gid == ~0u)) {
		error = -EINVAL;
	} else if (segment) {
		struct ipc_perm *perm = &segment->status.perm;

		perm->uid = status->perm.uid;
		perm->gid = status->perm.gid;
		perm->mode = (perm->mode & ~RIGHTS) | (status->perm.mode & RIGHTS);
		segment->status.ctime = now_seconds();
	}
	spin_unlock(&segments_lock);
	return error;
}

int shm_remove(s32 id)
{
	struct segment *segment, *unused = NULL;
	int error;

	spin_lock(&segments_lock);
	segment = find_owned(id, &error);
	if (segment) {
		segment->status.perm.mode |= SHM_DEST;
		segment->status.perm.key = IPC_PRIVATE;
		unused = take_out_unused(segment);
	}
	spin_unlock(&segments_lock);
	if (unused)
		free_segment(unused);
	return error;
}

/* Pages of segments that a user has locked. */
static u64 pages_locked_by(u32 uid)
{
	const struct segment *segment;
	u64 pages = 0;

	list_for_each_entry (segment, &segments, node)
		if ((segment->status.perm.mode & SHM_LOCKED) && segment->lock_uid == uid)
			pages += pages_of(segment);
	return pages;
}

static bool may_lock(const struct segment *segment)
{
	return current_capable(MEM_CAP_IPC_LOCK) ||
	       pages_locked_by(cred_uid()) + pages_of(segment) <=
		       current_rlimit(MEM_RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

int shm_lock(s32 id)
{
	struct segment *segment;
	int error = 0;

	spin_lock(&segments_lock);
	segment = find_id(id);
	if (!segment)
		error = -EINVAL;
	else if (!current_capable(MEM_CAP_IPC_LOCK) && (!owns(segment) || !mm_can_lock()))
		error = -EPERM;
	else if (!(segment->status.perm.mode & SHM_LOCKED) && !may_lock(segment))
		error = -ENOMEM;
	else if (!(segment->status.perm.mode & SHM_LOCKED)) {
		segment->status.perm.mode |= SHM_LOCKED;
		segment->lock_uid = cred_uid();
		WRITE_ONCE(segment->inode->mapping.unevictable, true);
	}
	spin_unlock(&segments_lock);
	return error;
}

int shm_unlock(s32 id)
{
	struct inode *inode = NULL;
	struct segment *segment;
	int error = 0;

	spin_lock(&segments_lock);
	segment = find_id(id);
	if (!segment)
		error = -EINVAL;
	else if (!current_capable(MEM_CAP_IPC_LOCK) && !owns(segment))
		error = -EPERM;
	else if (segment->status.perm.mode & SHM_LOCKED) {
		segment->status.perm.mode &= ~SHM_LOCKED;
		inode = segment->inode;
		inode_get(inode);
		WRITE_ONCE(inode->mapping.unevictable, false);
	}
	spin_unlock(&segments_lock);
	if (inode) {
		munlock_mapping(&inode->mapping);
		inode_put(inode);
	}
	return error;
}

int shm_totals(struct shm_info *info)
{
	const struct segment *segment;
	int highest = 0;

	*info = (struct shm_info){0};
	spin_lock(&segments_lock);
	info->used_ids = nr_segments;
	info->tot = total_pages;
	list_for_each_entry (segment, &segments, node) {
		info->rss += READ_ONCE(segment->inode->mapping.nr_pages);
		info->swp += READ_ONCE(segment->inode->mapping.nr_slots);
		highest = index_of(segment->id);
	}
	spin_unlock(&segments_lock);
	return highest;
}

void shm_for_each(void (*visit)(s32 id, const struct shmid_ds *status, u64 rss, u64 swp, void *arg),
		  void *arg)
{
	const struct segment *segment;

	spin_lock(&segments_lock);
	list_for_each_entry (segment, &segments, node)
		visit(segment->id, &segment->status, READ_ONCE(segment->inode->mapping.nr_pages),
		      READ_ONCE(segment->inode->mapping.nr_slots), arg);
	spin_unlock(&segments_lock);
}
