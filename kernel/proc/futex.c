/*
 * futex(2): sleepers in a hash table by the word they sleep on.
 *
 * What names a word. Of private memory: the address space and the address. Of a shared mapping: the
 * file and the offset, so that programs which map it elsewhere mean the same. Names are made of serial
 * numbers that are never used again, so that a name holds no reference, and at worst finds nobody.
 * Linux's rule that who sleeps on a private futex is not found by a shared wake-up is kept: the scope
 * is a part of the name.
 *
 * One lock for all (RANK_FUTEX). Under it the word is read without resolving faults: what was not
 * there is brought in with the lock released, and all begins anew. A lock per bucket, as Linux has,
 * was rejected: requeueing takes two, and it is held for a few hundred cycles.
 *
 * Who wakes a sleeper takes it off the table; where `queued` is false nobody but the sleeper touches
 * its entry, which lies on its stack, any more.
 *
 * Priority inheritance does not exist.
 */
#include "proc/futex.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/clock.h"
#include "lib/errno.h"
#include "mm/address_space.h"
#include "mm/vma.h"
#include "proc/process.h"
#include "proc/sched.h"

struct futex_key {
	u64 object; /* serial number of an address space or a file, and which of the two */
	u64 offset; /* bytes in it */
};

/* Low bits of futex_key.object. */
enum { KEY_PRIVATE, KEY_MM, KEY_FILE, KEY_KINDS };

struct sleeper {
	struct list_head node; /* in its bucket */
	struct futex_key key;
	u32 bitset;
	bool queued;
	struct task *task;
};

#define NR_BUCKETS 256

static DEFINE_SPINLOCK(lock, RANK_FUTEX);
static struct list_head buckets[NR_BUCKETS]; /* zero until used first; lock */

static bool same_key(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->offset == b->offset;
}

static struct list_head *bucket_of(const struct futex_key *key)
{
	/* Fibonacci hashing; the low two bits of the offset are zero. */
	u64 hash = (key->object * 0x9e3779b97f4a7c15ul ^ key->offset >> 2) * 0x9e3779b97f4a7c15ul;
	struct list_head *bucket = &buckets[hash >> 56];

	static_assert(NR_BUCKETS == 1 << 8, "the highest 8 bits choose the bucket");
	if (!bucket->next)
		list_init(bucket);
	return bucket;
}

/* Whether the file that a VMA maps has a page there: it may have been cut. mmap_lock held. */
static bool file_reaches(const struct vma *vma, u64 va)
{
	return vma_pgoff(vma, va) < PAGE_ALIGN(READ_ONCE(vma->mapping->size)) >> PAGE_SHIFT;
}

/* What a shared futex names: the file's word, or one of private memory, which must be writable then. */
static int shared_key(u64 va, struct futex_key *key)
{
	struct mm *mm = current->mm;
	int error = -EFAULT;

	down_read(&mm->mmap_lock);
	const struct vma *vma = vma_find(mm, va);
	u32 rights = vma && vma->mapping ? VM_READ | VM_WRITE | VM_EXEC : VM_WRITE;
	if (vma && (vma->flags & rights) && (!vma->mapping || file_reaches(vma, va))) {
		*key = (struct futex_key){(u64)mm->id * KEY_KINDS + KEY_MM, va};
		if ((vma->flags & VM_SHARED) && vma->mapping)
			*key = (struct futex_key){(u64)vma->mapping->id * KEY_KINDS + KEY_FILE,
						  (vma->pgoff << PAGE_SHIFT) + va - vma->start};
		error = 0;
	}
	up_read(&mm->mmap_lock);
	return error;
}

static int find_key(const u32 __user *at, enum futex_scope scope, struct futex_key *key)
{
	u64 va = (u64)at;

	if (va % sizeof(u32))
		return -EINVAL;
	if (!user_range_ok(at, sizeof(u32)))
		return -EFAULT;
	if (scope == FUTEX_SHARED)
		return shared_key(va, key);
	*key = (struct futex_key){(u64)current->mm->id * KEY_KINDS + KEY_PRIVATE, va};
	return 0;
}

/* ---- waking ---- */

/* lock held. */
static void wake_sleeper(struct sleeper *sleeper)
{
	struct task *task = sleeper->task;

	task_get(task); /* it may end as soon as it sees that it is off the table */
	list_del(&sleeper->node);
	WRITE_ONCE(sleeper->queued, false);
	sched_wake(task);
	task_put(task);
}

/* Wakes the sleepers of a word until their number reaches `nr`. lock held. */
static s32 wake_locked(const struct futex_key *key, s32 nr, u32 bitset)
{
	struct list_head *bucket = bucket_of(key);
	struct sleeper *sleeper, *next;
	s32 woken = 0;

	list_for_each_entry_safe (sleeper, next, bucket, node) {
		if (!same_key(&sleeper->key, key) || !(sleeper->bitset & bitset))
			continue;
		wake_sleeper(sleeper);
		if (++woken >= nr)
			break;
	}
	return woken;
}

long futex_wake(u32 __user *at, enum futex_scope scope, s32 nr, u32 bitset)
{
	struct futex_key key;
	int error = bitset ? find_key(at, scope, &key) : -EINVAL;

	if (error != 0)
		return error;
	spin_lock(&lock);
	s32 woken = wake_locked(&key, nr, bitset);
	spin_unlock(&lock);
	return woken;
}

/* ---- waiting ---- */

/* Brings the word in, if possible, so that it can be read under the lock. */
static int fault_in(const u32 __user *at)
{
	u32 value;

	return copy_from_user(&value, at, sizeof(value));
}

/* Queues the current task if the word holds the value, and sets its state. -EAGAIN, -EFAULT. */
static int begin_wait(struct sleeper *self, const u32 __user *at, u32 expected)
{
	u32 value;

	for (;;) {
		spin_lock(&lock);
		if (copy_from_user_nofault(&value, at, sizeof(value)) == 0)
			break;
		spin_unlock(&lock);
		if (fault_in(at) != 0)
			return -EFAULT;
	}
	if (value == expected) {
		self->queued = true;
		list_add_tail(&self->node, bucket_of(&self->key));
		WRITE_ONCE(self->task->state, TASK_INTERRUPTIBLE);
	}
	spin_unlock(&lock);
	return value == expected ? 0 : -EAGAIN;
}

/* Takes the current task off the table; whether somebody has woken it before. */
static bool end_wait(struct sleeper *self)
{
	WRITE_ONCE(self->task->state, TASK_RUNNING);
	spin_lock(&lock);
	bool woken = !self->queued;
	if (!woken)
		list_del(&self->node);
	spin_unlock(&lock);
	return woken;
}

/* After a signal without a handler: the rest of the time. */
static long wait_again(struct restart_block *block)
{
	return futex_wait((u32 __user *)block->args[0], block->args[1], block->args[2],
			  block->args[3], block->args[4]);
}

/* A signal came: the call begins anew, or goes on with its deadline. */
static int interrupted(u32 __user *at, enum futex_scope scope, u32 value, u64 deadline_ns,
		       u32 bitset)
{
	if (deadline_ns == ~0ul)
		return -ERESTARTSYS;
	current_proc->restart = (struct restart_block){
		.again = wait_again, .args = {(u64)at, scope, value, deadline_ns, bitset}};
	return -ERESTART_RESTARTBLOCK;
}

long futex_wait(u32 __user *at, enum futex_scope scope, u32 value, u64 deadline_ns, u32 bitset)
{
	struct sleeper self = {.bitset = bitset, .task = current_proc};
	int error = bitset ? find_key(at, scope, &self.key) : -EINVAL;

	while (error == 0) {
		error = begin_wait(&self, at, value);
		if (error != 0)
			break;
		if (READ_ONCE(self.queued) && !current_has_signal() && clock_ns() < deadline_ns) {
			if (deadline_ns == ~0ul)
				schedule();
			else
				schedule_until(deadline_ns);
		}
		if (end_wait(&self))
			return 0;
		if (clock_ns() >= deadline_ns)
			error = -ETIMEDOUT;
		else if (current_has_signal())
			error = interrupted(at, scope, value, deadline_ns, bitset);
	}
	return error;
}

/* ---- requeueing ---- */

/* lock held. */
static s32 requeue_locked(const struct futex_key *from, const struct futex_key *to, s32 nr_wake,
			  s32 nr_requeue)
{
	struct list_head *source = bucket_of(from), *target = bucket_of(to);
	struct sleeper *sleeper, *next;
	s32 done = 0;

	list_for_each_entry_safe (sleeper, next, source, node) {
		if (done - nr_wake >= nr_requeue)
			break;
		if (!same_key(&sleeper->key, from))
			continue;
		if (++done <= nr_wake) {
			wake_sleeper(sleeper);
			continue;
		}
		sleeper->key = *to;
		if (source != target) {
			list_del(&sleeper->node);
			list_add_tail(&sleeper->node, target);
		}
	}
	return done;
}

long futex_requeue(u32 __user *from, u32 __user *to, enum futex_scope scope, s32 nr_wake,
		   s32 nr_requeue, const u32 *expected)
{
	struct futex_key key, key2;
	u32 value;

	if (nr_wake < 0 || nr_requeue < 0)
		return -EINVAL;
	int error = find_key(from, scope, &key);
	if (error == 0)
		error = find_key(to, scope, &key2);
	if (error != 0)
		return error;
	spin_lock(&lock);
	while (expected && copy_from_user_nofault(&value, from, sizeof(value)) != 0) {
		spin_unlock(&lock);
		if (fault_in(from) != 0)
			return -EFAULT;
		spin_lock(&lock);
	}
	long result = expected && value != *expected
			      ? -EAGAIN
			      : requeue_locked(&key, &key2, nr_wake, nr_requeue);
	spin_unlock(&lock);
	return result;
}

/* ---- an operation and two wake-ups ---- */

/* Operations and comparisons of FUTEX_WAKE_OP; the ABI's. */
enum { OP_SET, OP_ADD, OP_OR, OP_ANDN, OP_XOR, OP_SHIFT = 8 };
enum { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE };

/* A number of 12 bits with a sign. */
static s32 sign_extend_12(u32 bits)
{
	return (s32)(bits << 20) >> 20;
}

static int apply(u32 op, u32 old, s32 arg, u32 *new)
{
	switch (op) {
	case OP_SET:
		*new = arg;
		return 0;
	case OP_ADD:
		*new = old + arg;
		return 0;
	case OP_OR:
		*new = old | arg;
		return 0;
	case OP_ANDN:
		*new = old & ~arg;
		return 0;
	case OP_XOR:
		*new = old ^ arg;
		return 0;
	default:
		return -ENOSYS;
	}
}

static int compare(u32 cmp, s32 old, s32 arg)
{
	switch (cmp) {
	case CMP_EQ:
		return old == arg;
	case CMP_NE:
		return old != arg;
	case CMP_LT:
		return old < arg;
	case CMP_GE:
		return old >= arg;
	case CMP_LE:
		return old <= arg;
	case CMP_GT:
		return old > arg;
	default:
		return -ENOSYS;
	}
}

/* Changes the word, with the lock held; 1 or 0: how its former value compares, -ENOSYS, -EFAULT: not
 * mapped now. */
static int operate(u32 __user *at, u32 encoded)
{
	u32 op = encoded >> 28;
	s32 arg = sign_extend_12(encoded >> 12);
	u32 old, found, new;
	int error;

	if (op & OP_SHIFT)
		arg = 1u << (arg & 31);
	if (copy_from_user_nofault(&found, at, sizeof(found)) != 0)
		return -EFAULT;
	do {
		old = found;
		error = apply(op & ~OP_SHIFT, old, arg, &new);
		if (error == 0)
			error = cmpxchg_user(at, &found, new);
	} while (error == 0 && found != old);
	return error != 0 ? error : compare(encoded >> 24 & 0xf, old, sign_extend_12(encoded));
}

/* Makes the word writable, if it may be: an exchange of 0 for 0 changes nothing. */
static int fault_in_writable(u32 __user *at)
{
	u32 zero = 0;

	return cmpxchg_user(at, &zero, 0);
}

long futex_wake_op(u32 __user *at, u32 __user *at2, enum futex_scope scope, s32 nr_wake,
		   s32 nr_wake2, u32 op)
{
	struct futex_key key, key2;
	int compared, error = find_key(at, scope, &key);

	if (error == 0)
		error = find_key(at2, scope, &key2);
	if (error != 0)
		return error;
	spin_lock(&lock);
	while ((compared = operate(at2, op)) == -EFAULT) {
		spin_unlock(&lock);
		if (fault_in_writable(at2) != 0)
			return -EFAULT;
		spin_lock(&lock);
	}
	long result = compared;
	if (compared >= 0)
		result = wake_locked(&key, nr_wake, FUTEX_ANY);
	if (compared > 0)
		result += wake_locked(&key2, nr_wake2, FUTEX_ANY);
	spin_unlock(&lock);
	return result;
}

/* ---- the end of a thread ---- */

/* Bits of a lock's word; the ABI's. */
#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u

#define ROBUST_LIST_LIMIT 2048 /* as Linux's: a list may be a ring */

enum robust_entry { ROBUST_HELD, ROBUST_PENDING };

/* Marks a lock as its owner's who has died, if it is the current task's. -EFAULT ends the walk. */
static int mark_owner_died(u32 __user *at, bool has_pi, enum robust_entry entry)
{
	u32 value, old;

	if ((u64)at % sizeof(u32) || copy_from_user(&value, at, sizeof(value)) != 0)
		return -EFAULT;
	/* It was about to take or to give up this one, and may have died between the change of the word
	 * and the wake-up. */
	if (entry == ROBUST_PENDING && !has_pi && value == 0) {
		futex_wake(at, FUTEX_SHARED, 1, FUTEX_ANY);
		return 0;
	}
	do {
		if ((value & FUTEX_TID_MASK) != (u32)current->pid)
			return 0;
		old = value;
		if (cmpxchg_user(at, &value, (old & FUTEX_WAITERS) | FUTEX_OWNER_DIED) != 0)
			return -EFAULT;
	} while (value != old);
	if (!has_pi && (old & FUTEX_WAITERS))
		futex_wake(at, FUTEX_SHARED, 1, FUTEX_ANY);
	return 0;
}

/* An entry of the list points to the next one; bit 0 says that the lock has priority inheritance. */
static int mark_entry(u64 entry, u64 offset, enum robust_entry kind)
{
	return mark_owner_died((u32 __user *)((entry & ~1ul) + offset), entry & 1, kind);
}

static void walk_robust_list(const struct robust_list_head __user *list)
{
	struct robust_list_head head;
	u64 entry, next;

	if (copy_from_user(&head, list, sizeof(head)) != 0)
		return;
	entry = head.next;
	for (u32 i = 0; i < ROBUST_LIST_LIMIT && (entry & ~1ul) != (u64)list; i++) {
		/* First: who gets the lock may change the entry. */
		int error = copy_from_user(&next, (const u64 __user *)(entry & ~1ul), sizeof(next));

		if ((entry & ~1ul) != (head.pending & ~1ul) &&
		    mark_entry(entry, head.offset, ROBUST_HELD) != 0)
			return;
		if (error != 0)
			return;
		entry = next;
		cond_resched();
	}
	if (head.pending & ~1ul)
		(void)mark_entry(head.pending, head.offset, ROBUST_PENDING);
}

void futex_leave_mm(void)
{
	struct task *self = current_proc;
	u32 __user *tid = (u32 __user *)self->clear_child_tid;
	u32 zero = 0;

	if (!self->cur.mm)
		return;
	if (self->robust_list)
		walk_robust_list(self->robust_list);
	self->robust_list = NULL;
	self->clear_child_tid = NULL;
	/* Nobody is there to see it when the memory goes, too. */
	if (tid && atomic_read(&self->cur.mm->users) > 1 &&
	    copy_to_user(tid, &zero, sizeof(zero)) == 0)
		futex_wake(tid, FUTEX_SHARED, 1, FUTEX_ANY);
}
