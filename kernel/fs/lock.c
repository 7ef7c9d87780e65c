/*
 * The locks of an inode are a list, in a context that the first lock makes. A record lock covers
 * [start, end]; those of one owner do not overlap, equal neighbours are one, and they stand in order.
 *
 * context->lock (RANK_FILE_LOCKS) guards the list; waiters sleep on one queue of the context and look
 * again whenever a lock goes. Who waits for whom is looked through, one step at a time, before a POSIX
 * waiter sleeps: waits_lock guards the list of waiters.
 */
#include "fs/lock.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/process.h"

#define END_OF_FILES ((u64)MAPPING_MAX_SIZE)

struct file_lock_context {
	spinlock_t lock;
	struct list_head records; /* POSIX and OFD */
	struct list_head flocks;
	struct wait_queue wait;
};

struct file_lock {
	struct list_head node;
	const void *owner; /* a descriptor table, or a file */
	s16 type;          /* F_RDLCK or F_WRLCK */
	u64 start, end;    /* bytes, inclusive */
	s32 pid;           /* -1: of an open file description */
};

/* A POSIX lock that sleeps, and whose lock is in its way. */
struct lock_waiter {
	struct list_head node;
	const void *owner, *blocker;
};

static DEFINE_SPINLOCK(waits_lock, RANK_LOCK_WAITS);
static LIST_HEAD(waiters);

static struct file_lock_context *get_context(struct inode *inode)
{
	struct file_lock_context *context = READ_ONCE(inode->locks), *other;

	if (context)
		return context;
	context = kmalloc(sizeof(*context), GFP_ZERO);
	if (!context)
		return NULL;
	spin_lock_init(&context->lock, RANK_FILE_LOCKS);
	list_init(&context->records);
	list_init(&context->flocks);
	wait_queue_init(&context->wait);
	spin_lock(&inode->attr_lock);
	other = inode->locks;
	if (!other)
		WRITE_ONCE(inode->locks, context);
	spin_unlock(&inode->attr_lock);
	if (!other)
		return context;
	kfree(context);
	return other;
}

void file_locks_free(struct file_lock_context *locks)
{
	kfree(locks);
}

/* ---- record locks ---- */

static bool conflicts(const struct file_lock *have, const struct file_lock *want)
{
	return have->owner != want->owner && have->start <= want->end && want->start <= have->end &&
	       (have->type == F_WRLCK || want->type == F_WRLCK);
}

/* The first lock in the way, or NULL. context->lock held. */
static struct file_lock *find_conflict(struct file_lock_context *context,
				       const struct file_lock *want)
{
	struct file_lock *have;

	list_for_each_entry (have, &context->records, node)
		if (conflicts(have, want))
			return have;
	return NULL;
}

/* Takes [want->start, want->end] away from the owner's locks. `spare` is used when one falls in
 * two. context->lock held. Returns whether anything went. */
static bool carve(struct file_lock_context *context, const struct file_lock *want,
		  struct file_lock **spare, struct list_head *gone)
{
	struct file_lock *have, *next;
	bool changed = false;

	list_for_each_entry_safe (have, next, &context->records, node) {
		if (have->owner != want->owner || have->end < want->start ||
		    have->start > want->end)
			continue;
		changed = true;
		if (have->start < want->start && have->end > want->end) {
			struct file_lock *upper = *spare;

			*spare = NULL;
			*upper = *have;
			upper->start = want->end + 1;
			have->end = want->start - 1;
			list_add(&upper->node, &have->node);
		} else if (have->start < want->start) {
			have->end = want->start - 1;
		} else if (have->end > want->end) {
			have->start = want->end + 1;
		} else {
			list_del(&have->node);
			list_add(&have->node, gone);
		}
	}
	return changed;
}

/* What a lock is to stand before: those of an owner stand in the order of where they begin, because
 * F_GETLK tells of the first one in the way, as on Linux. context->lock held. */
static struct list_head *place_of(struct file_lock_context *context, const struct file_lock *lock)
{
	struct list_head *place = &context->records;
	struct file_lock *have;

	list_for_each_entry (have, &context->records, node) {
		if (have->owner != lock->owner)
			continue;
		if (have->start > lock->start)
			return &have->node;
		place = have->node.next;
	}
	return place;
}

/* Puts a lock in whose range the owner has free; joins equal neighbours. context->lock held. */
static void insert(struct file_lock_context *context, struct file_lock *lock,
		   struct list_head *gone)
{
	struct file_lock *have, *next;

	list_for_each_entry_safe (have, next, &context->records, node) {
		bool touches = have->end + 1 == lock->start || lock->end + 1 == have->start;

		if (have->owner != lock->owner || have->type != lock->type || !touches)
			continue;
		lock->start = min(lock->start, have->start);
		lock->end = max(lock->end, have->end);
		list_del(&have->node);
		list_add(&have->node, gone);
	}
	list_add_tail(&lock->node, place_of(context, lock));
}

static void free_list(struct list_head *gone)
{
	while (!list_empty(gone)) {
		struct file_lock *lock = list_first_entry(gone, struct file_lock, node);

		list_del(&lock->node);
		kfree(lock);
	}
}

/* 0; -EAGAIN and *blocker: whose lock is in the way; -ENOMEM. */
static int try_set(struct file_lock_context *context, const struct file_lock *want,
		   const void **blocker)
{
	struct file_lock *new = kmalloc(sizeof(*new), GFP_KERNEL);
	struct file_lock *spare = kmalloc(sizeof(*spare), GFP_KERNEL);
	LIST_HEAD(gone);
	int error = new &&spare ? 0 : -ENOMEM;
	bool changed = false;

	if (error != 0)
		goto out;
	spin_lock(&context->lock);
	struct file_lock *other = want->type == F_UNLCK ? NULL : find_conflict(context, want);
	if (other) {
		*blocker = other->owner;
		error = -EAGAIN;
	} else {
		changed = carve(context, want, &spare, &gone);
		if (want->type != F_UNLCK) {
			*new = *want;
			insert(context, new, &gone);
			new = NULL;
		}
	}
	spin_unlock(&context->lock);
	if (changed)
		wake_up(&context->wait);
out:
	kfree(new);
	kfree(spare);
	free_list(&gone);
	return error;
}

/* ---- waiting ---- */

/* Whom an owner waits for, or NULL. waits_lock held. */
static const void *waits_for(const void *owner)
{
	struct lock_waiter *waiter;

	list_for_each_entry (waiter, &waiters, node)
		if (waiter->owner == owner)
			return waiter->blocker;
	return NULL;
}

/* Enters a waiter, unless that closed a circle: false. As Linux does, chains longer than ten are
 * given up on: nothing is found then. */
static bool enter_waiter(struct lock_waiter *waiter)
{
	const void *owner = waiter->blocker;
	bool circle = false;

	spin_lock(&waits_lock);
	for (u32 i = 0; i < 10 && owner && !circle; i++) {
		owner = waits_for(owner);
		circle = owner == waiter->owner;
	}
	if (!circle)
		list_add(&waiter->node, &waiters);
	spin_unlock(&waits_lock);
	return !circle;
}

static void leave_waiters(struct lock_waiter *waiter)
{
	spin_lock(&waits_lock);
	list_del(&waiter->node);
	spin_unlock(&waits_lock);
}

/* Whether somebody else is in the way by now, or nobody: then the circle is to be looked for anew. */
static bool has_changed(struct file_lock_context *context, const struct file_lock *want,
			const void *blocker)
{
	spin_lock(&context->lock);
	const struct file_lock *other = find_conflict(context, want);
	bool changed = !other || other->owner != blocker;
	spin_unlock(&context->lock);
	return changed;
}

static int wait_and_set(struct file_lock_context *context, const struct file_lock *want,
			enum lock_kind kind)
{
	for (;;) {
		struct lock_waiter waiter = {.owner = want->owner};
		int error = try_set(context, want, &waiter.blocker);

		if (error != -EAGAIN)
			return error;
		if (kind == LOCK_POSIX && !enter_waiter(&waiter))
			return -EDEADLK;
		error = wait_event_interruptible(&context->wait,
						 has_changed(context, want, waiter.blocker));
		if (kind == LOCK_POSIX)
			leave_waiters(&waiter);
		if (error != 0)
			return error;
	}
}

/* ---- fcntl ---- */

static int fill_range(struct file *file, const struct flock *flock, struct file_lock *lock)
{
	s64 base, start;

	switch (flock->whence) {
	case SEEK_SET:
		base = 0;
		break;
	case SEEK_CUR:
		base = READ_ONCE(file->pos);
		break;
	case SEEK_END:
		base = is_regular(file->inode) ? READ_ONCE(file->inode->mapping.size) : 0;
		break;
	default:
		return -EINVAL;
	}
	if (__builtin_add_overflow(base, flock->start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	lock->start = start;
	lock->end = END_OF_FILES;
	if (flock->length > 0) {
		if (__builtin_add_overflow(start, flock->length - 1, (s64 *)&lock->end))
			return -EOVERFLOW;
	} else if (flock->length < 0) {
		if (start + flock->length < 0)
			return -EINVAL;
		lock->end = start - 1;
		lock->start = start + flock->length;
	}
	return 0;
}

static int make_lock(struct file *file, const struct flock *flock, enum lock_kind kind,
		     struct file_lock *lock)
{
	*lock = (struct file_lock){.type = flock->type};
	if (flock->type != F_RDLCK && flock->type != F_WRLCK && flock->type != F_UNLCK)
		return -EINVAL;
	if (kind == LOCK_OFD && flock->pid != 0)
		return -EINVAL;
	lock->owner = kind == LOCK_OFD ? (const void *)file : current_proc->files;
	lock->pid = kind == LOCK_OFD ? -1 : current_process->tgid;
	return fill_range(file, flock, lock);
}

int file_lock_set(struct file *file, const struct flock *flock, enum lock_kind kind,
		  enum lock_wait wait)
{
	struct file_lock_context *context = get_context(file->inode);
	const void *blocker;
	struct file_lock lock;

	if (file->mode & FMODE_PATH)
		return -EBADF;
	if (!context)
		return -ENOMEM;
	int error = make_lock(file, flock, kind, &lock);
	if (error != 0)
		return error;
	if ((lock.type == F_RDLCK && !(file->mode & FMODE_READ)) ||
	    (lock.type == F_WRLCK && !(file->mode & FMODE_WRITE)))
		return -EBADF;
	return wait == LOCK_SLEEP ? wait_and_set(context, &lock, kind)
				  : try_set(context, &lock, &blocker);
}

int file_lock_get(struct file *file, struct flock *flock, enum lock_kind kind)
{
	struct file_lock_context *context = get_context(file->inode);
	struct file_lock lock;

	if (file->mode & FMODE_PATH)
		return -EBADF;
	if (!context)
		return -ENOMEM;
	if (kind == LOCK_POSIX && flock->type != F_RDLCK && flock->type != F_WRLCK)
		return -EINVAL;
	int error = make_lock(file, flock, kind, &lock);
	if (error != 0)
		return error;
	spin_lock(&context->lock);
	struct file_lock *other = find_conflict(context, &lock);
	if (other) {
		flock->type = other->type;
		flock->whence = SEEK_SET;
		flock->start = other->start;
		flock->length = other->end == END_OF_FILES ? 0 : other->end - other->start + 1;
		flock->pid = other->pid;
	} else {
		flock->type = F_UNLCK;
	}
	spin_unlock(&context->lock);
	return 0;
}

/* ---- flock ---- */

/* Whether the file got the lock (F_UNLCK always). What it had goes first. */
static bool try_flock(struct file_lock_context *context, struct file *file, s16 type,
		      struct file_lock **new, struct list_head *gone)
{
	struct file_lock *have, *next;
	bool free = true;

	spin_lock(&context->lock);
	list_for_each_entry_safe (have, next, &context->flocks, node) {
		if (have->owner != file) {
			free &= type == F_UNLCK || (type == F_RDLCK && have->type == F_RDLCK);
		} else if (have->type != type) {
			list_del(&have->node);
			list_add(&have->node, gone);
		} else {
			spin_unlock(&context->lock);
			return true;
		}
	}
	if (free && *new) {
		**new = (struct file_lock){.owner = file, .type = type};
		list_add_tail(&(*new)->node, &context->flocks);
		*new = NULL;
	}
	spin_unlock(&context->lock);
	return free;
}

static int flock_type(u32 operation, s16 *type)
{
	switch (operation & ~LOCK_NB) {
	case LOCK_SH:
		*type = F_RDLCK;
		return 0;
	case LOCK_EX:
		*type = F_WRLCK;
		return 0;
	case LOCK_UN:
		*type = F_UNLCK;
		return 0;
	default:
		return -EINVAL;
	}
}

static bool try_flock_and_wake(struct file_lock_context *context, struct file *file, s16 type,
			       struct file_lock **new)
{
	LIST_HEAD(gone);
	bool got_it = try_flock(context, file, type, new, &gone);

	if (!list_empty(&gone))
		wake_up(&context->wait);
	free_list(&gone);
	return got_it;
}

static bool flock_is_free(struct file_lock_context *context, struct file *file, s16 type)
{
	struct file_lock *have;
	bool free = true;

	spin_lock(&context->lock);
	list_for_each_entry (have, &context->flocks, node)
		free &= have->owner == file || (type == F_RDLCK && have->type == F_RDLCK);
	spin_unlock(&context->lock);
	return free;
}

int file_flock(struct file *file, u32 operation)
{
	struct file_lock_context *context;
	struct file_lock *new = NULL;
	s16 type;
	int error = flock_type(operation, &type);

	if (file->mode & FMODE_PATH)
		return -EBADF;
	if (operation & LOCK_MAND)
		return 0;
	if (error != 0)
		return error;
	context = get_context(file->inode);
	if (type != F_UNLCK)
		new = kmalloc(sizeof(*new), GFP_KERNEL);
	if (!context || (type != F_UNLCK && !new)) {
		kfree(new);
		return -ENOMEM;
	}
	while (!try_flock_and_wake(context, file, type, &new) && error == 0) {
		if (operation & LOCK_NB)
			error = -EAGAIN;
		else
			error = wait_event_interruptible(&context->wait,
							 flock_is_free(context, file, type));
	}
	kfree(new);
	return error;
}

/* ---- the end ---- */

/* Takes all locks of an owner out of the lists. */
static void release_owner(struct file_lock_context *context, const void *owner)
{
	struct list_head *lists[] = {&context->records, &context->flocks};
	struct file_lock *lock, *next;
	LIST_HEAD(gone);

	spin_lock(&context->lock);
	for (u32 i = 0; i < ARRAY_SIZE(lists); i++)
		list_for_each_entry_safe (lock, next, lists[i], node) {
			if (lock->owner != owner)
				continue;
			list_del(&lock->node);
			list_add(&lock->node, &gone);
		}
	spin_unlock(&context->lock);
	if (list_empty(&gone))
		return;
	wake_up(&context->wait);
	free_list(&gone);
}

void file_locks_close(struct file *file, const void *table)
{
	struct file_lock_context *context = READ_ONCE(file->inode->locks);

	if (context)
		release_owner(context, table);
}

void file_locks_release(struct file *file)
{
	struct file_lock_context *context = READ_ONCE(file->inode->locks);

	if (context)
		release_owner(context, file);
}
