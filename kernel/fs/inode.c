/* Inodes: life, times, rights, and what stat tells of them. */
#include "fs/inode.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "fs/lock.h"
#include "fs/super.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/cred.h"

#define SECONDS_A_DAY 86400

struct timestamp timestamp_now(void)
{
	u64 now = clock_ns();

	return (struct timestamp){.sec = now / NSEC_PER_SEC, .nsec = now % NSEC_PER_SEC};
}

struct inode *inode_create(struct super_block *sb, u32 mode)
{
	struct inode *inode = kmalloc(sizeof(*inode), GFP_ZERO);

	if (!inode)
		return NULL;
	atomic_set(&inode->refs, 1);
	inode->sb = sb;
	inode->ino = super_next_ino(sb);
	inode->mode = mode;
	inode->uid = cred_fsuid();
	inode->gid = cred_fsgid();
	inode->nlink = 1;
	inode->mtime = timestamp_now();
	inode->atime = inode->ctime = inode->btime = inode->mtime;
	spin_lock_init(&inode->attr_lock, RANK_INODE_ATTR);
	rwsem_init(&inode->lock, RANK_INODE);
	list_init(&inode->dentries);
	atomic_inc(&sb->refs);
	return inode;
}

void inode_init_owner(struct inode *inode, const struct inode *dir)
{
	if (!(READ_ONCE(dir->mode) & S_ISGID))
		return;
	inode->gid = READ_ONCE(dir->gid);
	if (is_directory(inode))
		inode->mode |= S_ISGID;
	else if ((inode->mode & S_ISGID) && (inode->mode & 0010) && !cred_in_group(inode->gid) &&
		 !cred_capable(CAP_FSETID))
		inode->mode &= ~S_ISGID;
}

void inode_put(struct inode *inode)
{
	if (atomic_dec_return(&inode->refs) > 0)
		return;
	struct super_block *sb = inode->sb;

	if (sb->ops->evict)
		sb->ops->evict(inode);
	file_locks_free(inode->locks);
	kfree(inode->deleted_path);
	kfree(inode);
	super_put(sb);
}

/* ---- times ---- */

void inode_touch(struct inode *inode, u32 which)
{
	struct timestamp now = timestamp_now();

	spin_lock(&inode->attr_lock);
	if (which & TIME_ATIME)
		inode->atime = now;
	if (which & TIME_MTIME)
		inode->mtime = now;
	if (which & TIME_CTIME)
		inode->ctime = now;
	spin_unlock(&inode->attr_lock);
}

static bool is_before(struct timestamp a, struct timestamp b)
{
	return a.sec < b.sec || (a.sec == b.sec && a.nsec < b.nsec);
}

void inode_accessed(struct inode *inode)
{
	struct timestamp now = timestamp_now();

	spin_lock(&inode->attr_lock);
	if (!is_before(inode->mtime, inode->atime) || !is_before(inode->ctime, inode->atime) ||
	    now.sec - inode->atime.sec >= SECONDS_A_DAY)
		inode->atime = now;
	spin_unlock(&inode->attr_lock);
}

void inode_add_nlink(struct inode *inode, s32 n)
{
	struct timestamp now = timestamp_now();

	spin_lock(&inode->attr_lock);
	inode->nlink += n;
	inode->ctime = now;
	spin_unlock(&inode->attr_lock);
}

/* ---- writing against executing ---- */

static int count_writers(struct inode *inode, s32 n)
{
	spin_lock(&inode->attr_lock);
	bool allowed = n > 0 ? inode->writers >= 0 : inode->writers <= 0;
	if (allowed)
		inode->writers += n;
	spin_unlock(&inode->attr_lock);
	return allowed ? 0 : -ETXTBSY;
}

int inode_get_write(struct inode *inode)
{
	return count_writers(inode, 1);
}

int inode_deny_write(struct inode *inode)
{
	return count_writers(inode, -1);
}

void inode_put_write(struct inode *inode)
{
	spin_lock(&inode->attr_lock);
	ASSERT(inode->writers > 0);
	inode->writers--;
	spin_unlock(&inode->attr_lock);
}

void inode_allow_write(struct inode *inode)
{
	spin_lock(&inode->attr_lock);
	ASSERT(inode->writers < 0);
	inode->writers++;
	spin_unlock(&inode->attr_lock);
}

/* ---- rights ---- */

int inode_check_mode(struct inode *inode, u32 mask)
{
	u32 mode = READ_ONCE(inode->mode);
	u32 rights = mode;

	if (cred_fsuid() == READ_ONCE(inode->uid))
		rights >>= 6;
	else if (cred_in_group(READ_ONCE(inode->gid)))
		rights >>= 3;
	if ((rights & mask) == mask)
		return 0;
	if (is_directory(inode)) {
		if (cred_capable(CAP_DAC_OVERRIDE))
			return 0;
		return !(mask & MAY_WRITE) && cred_capable(CAP_DAC_READ_SEARCH) ? 0 : -EACCES;
	}
	if (mask == MAY_READ && cred_capable(CAP_DAC_READ_SEARCH))
		return 0;
	/* Root may execute what anybody may. */
	if (!(mask & MAY_EXEC) || (mode & 0111))
		return cred_capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	return -EACCES;
}

int inode_permission(struct inode *inode, u32 mask)
{
	if (inode->ops->permission)
		return inode->ops->permission(inode, mask);
	return inode_check_mode(inode, mask);
}

bool inode_is_owner(const struct inode *inode)
{
	return cred_fsuid() == READ_ONCE(inode->uid) || cred_capable(CAP_FOWNER);
}

void inode_drop_setid(struct inode *inode)
{
	u32 mode = READ_ONCE(inode->mode);
	u32 drop = mode & S_ISUID;

	if ((mode & S_ISGID) && (mode & 0010))
		drop |= S_ISGID;
	if (!drop || !is_regular(inode) || cred_capable(CAP_FSETID))
		return;
	spin_lock(&inode->attr_lock);
	inode->mode &= ~drop;
	spin_unlock(&inode->attr_lock);
}

/* ---- stat ---- */

void inode_stat(struct inode *inode, struct stat *stat)
{
	spin_lock(&inode->attr_lock);
	*stat = (struct stat){
		.dev = encode_dev(inode->sb->dev),
		.ino = inode->ino,
		.nlink = inode->nlink,
		.mode = inode->mode,
		.uid = inode->uid,
		.gid = inode->gid,
		.rdev = encode_dev(inode->rdev),
		.blksize = PAGE_SIZE,
		.atime = inode->atime.sec,
		.atime_ns = inode->atime.nsec,
		.mtime = inode->mtime.sec,
		.mtime_ns = inode->mtime.nsec,
		.ctime = inode->ctime.sec,
		.ctime_ns = inode->ctime.nsec,
	};
	spin_unlock(&inode->attr_lock);
	if (is_regular(inode))
		stat->size = READ_ONCE(inode->mapping.size);
	if (inode->ops->getattr)
		inode->ops->getattr(inode, stat);
}
