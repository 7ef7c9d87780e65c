/*
 * Spinlocks, and the proof of the lock order.
 *
 * Every CPU keeps a stack of the spinlocks it holds. In debug builds an acquisition looks at it:
 * the new lock must rank above everything that is held, so no two CPUs can ever wait for each
 * other. The count is kept in every build, because sleeping or parking with a spinlock held must be
 * noticed in all of them.
 *
 * A lock that is only tried cannot deadlock, so spin_trylock() checks no rank; what is held
 * afterwards still counts.
 *
 * Interrupts. The stack belongs to the CPU, not to a context: a handler pushes above what it
 * interrupted and pops before it returns. A handler's locks must therefore rank above all locks
 * that are ever held with interrupts on: just what the order of rank.def says.
 */
#include "cpu/spinlock.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"

#define MAX_HELD 16

struct held_locks {
	u32 nr;
	const spinlock_t *locks[MAX_HELD]; /* in the order of acquisition */
};

static DEFINE_PER_CPU(struct held_locks, held_locks);

#ifdef CONFIG_DEBUG
static const char *const rank_names[NR_LOCK_RANKS] = {
#define LOCK_RANK(name, doc) [name] = #name,
#include "cpu/rank.def"
#undef LOCK_RANK
};

static void check_order(const spinlock_t *lock)
{
	const struct held_locks *held = &this_cpu(held_locks);

	if (panic_in_progress())
		return; /* the last words take what they need, whatever was held */
	if (lock->rank == RANK_NONE || lock->rank >= NR_LOCK_RANKS)
		panic("spinlock %p was never initialised", lock);
	for (u32 i = 0; i < held->nr; i++) {
		if (held->locks[i]->rank >= lock->rank)
			panic("lock order: %s taken while holding %s", rank_names[lock->rank],
			      rank_names[held->locks[i]->rank]);
	}
}

#else
static void check_order(const spinlock_t *lock)
{
	(void)lock;
}
#endif

/* Both run with interrupts off: a handler between reading and writing `nr` would push into the same
 * place. */
static void push_held(const spinlock_t *lock)
{
	u64 flags = irq_save();
	struct held_locks *held = &this_cpu(held_locks);

	BUG_ON(held->nr == MAX_HELD);
	held->locks[held->nr++] = lock;
	irq_restore(flags);
}

static void pop_held(const spinlock_t *lock)
{
	u64 flags = irq_save();
	struct held_locks *held = &this_cpu(held_locks);
	u32 i = held->nr;

	while (i > 0 && held->locks[i - 1] != lock)
		i--;
	BUG_ON(i == 0);
	for (; i < held->nr; i++)
		held->locks[i - 1] = held->locks[i];
	held->nr--;
	irq_restore(flags);
}

static bool try_take(spinlock_t *lock)
{
	return !READ_ONCE(lock->locked) && !__atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE);
}

void spin_lock(spinlock_t *lock)
{
	check_order(lock);
	/* After a panic the owner may be a CPU that was stopped, or this one itself. */
	while (!try_take(lock) && !panic_is_here())
		cpu_relax();
	lock->owner = cpu_id() + 1;
	push_held(lock);
}

bool spin_trylock(spinlock_t *lock)
{
	if (!try_take(lock))
		return false;
	lock->owner = cpu_id() + 1;
	push_held(lock);
	return true;
}

void spin_unlock(spinlock_t *lock)
{
	pop_held(lock);
	lock->owner = 0;
	__atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

bool spin_is_held(const spinlock_t *lock)
{
	return READ_ONCE(lock->locked) && READ_ONCE(lock->owner) == cpu_id() + 1;
}

u32 spinlocks_held(void)
{
	return this_cpu(held_locks).nr;
}
