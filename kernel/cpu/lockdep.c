/*
 * Lock checking of debug builds.
 *
 * Order. A lock must rank above all that its taker holds, sleeping and spinning, so no two can ever
 * wait for each other. Interrupt handlers push above what they interrupted and pop before they
 * return; their locks rank above all that is ever held with interrupts on.
 *
 * Interrupts. A rank is a class: when one of its locks is waited for in a handler, and one is ever
 * taken with interrupts on, some day the handler will interrupt the holder on its own CPU. Each
 * first use of either kind is remembered with its backtrace, so the report names both, whichever
 * came first.
 *
 * The per-CPU stack is written by its CPU with interrupts off; another CPU that spins reads the
 * entry of the lock it waits for, and may print a backtrace that is just changing: it is a
 * diagnostic. After a panic nothing is checked or recorded: the last words take what they need.
 */
#include "cpu/lockdep.h"
#include "cpu/clock.h"
#include "cpu/current.h"
#include "cpu/irqflags.h"
#include "cpu/panic.h"

#define MAX_SPINLOCKS 16

/* A lossless trace may stop a holder until the host reads on, which the driver allows for 30 s. */
#define SPIN_REPORT_NS (10 * NSEC_PER_SEC)
#define SPIN_PANIC_NS  (60 * NSEC_PER_SEC)

struct held_spinning {
	u32 nr;
	struct held_lock locks[MAX_SPINLOCKS]; /* in the order of acquisition */
};

static DEFINE_PER_CPU(struct held_spinning, held_spinning);
static DEFINE_PER_CPU(u32, irq_depth);

/* The first uses of a rank that exclude each other. Written once each, in any order: racing CPUs
 * write the same flag. */
static struct irq_use {
	bool in_irq, irqs_on;
	struct backtrace in_irq_at, irqs_on_at;
} irq_uses[NR_LOCK_RANKS];

static const char *const rank_names[NR_LOCK_RANKS] = {
#define LOCK_RANK(name, doc) [name] = #name,
#include "cpu/rank.def"
#undef LOCK_RANK
};

static bool is_sleeping(enum lock_rank rank)
{
	return rank <= LAST_SLEEPING_RANK;
}

/* ---- reports ---- */

static void print_held(const struct held_lock *held)
{
	printk(" %s %p, taken at:", rank_names[held->rank], held->lock);
	backtrace_print_saved(&held->taken_at);
}

/* Everything that this CPU and its task hold. */
static void print_all_held(void)
{
	const struct held_sleeping *sleeping = &current->held;
	const struct held_spinning *spinning = &this_cpu(held_spinning);

	printk("held by cpu %u, task %d (%s):", cpu_id(), current->pid, current->comm);
	for (u32 i = 0; i < sleeping->nr; i++)
		print_held(&sleeping->locks[i]);
	for (u32 i = 0; i < spinning->nr; i++)
		print_held(&spinning->locks[i]);
}

/* ---- finding ---- */

/* Index + 1 of the lock, or 0. A sleeping lock begins with its own spinlock: the rank tells them
 * apart. */
static u32 find(const struct held_lock *locks, u32 nr, const void *lock, enum lock_rank rank)
{
	while (nr > 0 && (locks[nr - 1].lock != lock || locks[nr - 1].rank != rank))
		nr--;
	return nr;
}

/* The hold that forbids a lock of this rank; NULL when there is none. */
static const struct held_lock *conflict(const struct held_lock *locks, u32 nr, enum lock_rank rank,
					enum lock_ask ask)
{
	for (u32 i = 0; i < nr; i++)
		if (locks[i].rank > rank || (locks[i].rank == rank && ask != LOCK_NESTED))
			return &locks[i];
	return NULL;
}

/* ---- checks ---- */

static void check_self_deadlock(const void *lock, enum lock_rank rank)
{
	const struct held_sleeping *sleeping = &current->held;
	const struct held_spinning *spinning = &this_cpu(held_spinning);

	if (!find(sleeping->locks, sleeping->nr, lock, rank) &&
	    !find(spinning->locks, spinning->nr, lock, rank))
		return;
	panic_begin();
	print_all_held();
	panic("lock order: self-deadlock: %s %p is taken by its holder", rank_names[rank], lock);
}

static void check_order(const void *lock, enum lock_rank rank, enum lock_ask ask)
{
	const struct held_sleeping *sleeping = &current->held;
	const struct held_spinning *spinning = &this_cpu(held_spinning);
	const struct held_lock *held = conflict(spinning->locks, spinning->nr, rank, ask);

	if (!held)
		held = conflict(sleeping->locks, sleeping->nr, rank, ask);
	if (!held)
		return;
	panic_begin();
	print_all_held();
	panic("lock order: %s (rank %u) %p taken while holding %s (rank %u) %p", rank_names[rank],
	      rank, lock, rank_names[held->rank], held->rank, held->lock);
}

static void irq_conflict(enum lock_rank rank)
{
	panic_begin();
	printk("%s is taken in an interrupt handler, at:", rank_names[rank]);
	backtrace_print_saved(&irq_uses[rank].in_irq_at);
	printk("and with interrupts on, at:");
	backtrace_print_saved(&irq_uses[rank].irqs_on_at);
	panic("lock order: %s is taken in interrupt handlers and with interrupts on",
	      rank_names[rank]);
}

static void check_irq_use(enum lock_rank rank, enum lock_ask ask)
{
	struct irq_use *use = &irq_uses[rank];

	if (this_cpu_read(irq_depth)) {
		if (use->in_irq || ask == LOCK_TRIES)
			return;
		backtrace_save(&use->in_irq_at, __builtin_frame_address(0));
		use->in_irq = true;
	} else {
		if (use->irqs_on || !irqs_enabled())
			return;
		backtrace_save(&use->irqs_on_at, __builtin_frame_address(0));
		use->irqs_on = true;
	}
	if (use->in_irq && use->irqs_on)
		irq_conflict(rank);
}

void lockdep_ask(const void *lock, enum lock_rank rank, enum lock_ask ask)
{
	if (panic_in_progress())
		return;
	if (rank == RANK_NONE || rank >= NR_LOCK_RANKS)
		panic("lock %p was never initialised", lock);
	if (!is_sleeping(rank))
		check_irq_use(rank, ask);
	if (ask == LOCK_TRIES)
		return;
	if (is_sleeping(rank))
		might_sleep();
	check_self_deadlock(lock, rank);
	check_order(lock, rank, ask);
}

void might_sleep(void)
{
	if (panic_in_progress())
		return;
	if (this_cpu_read(irq_depth))
		panic("lock order: sleeping in an interrupt handler");
	if (!this_cpu(held_spinning).nr)
		return;
	panic_begin();
	print_all_held();
	panic("lock order: sleeping with a spinlock held");
}

void lockdep_no_locks(void)
{
	if (panic_in_progress() || (!this_cpu(held_spinning).nr && !current->held.nr))
		return;
	panic_begin();
	print_all_held();
	panic("lock order: a task leaves the kernel with a lock held");
}

/* ---- records ---- */

static void push(struct held_lock *locks, u32 *nr, u32 max, const void *lock, enum lock_rank rank)
{
	BUG_ON(*nr == max);
	locks[*nr].lock = lock;
	locks[*nr].rank = rank;
	backtrace_save(&locks[*nr].taken_at, __builtin_frame_address(0));
	++*nr;
}

/* Whether it was there. */
static bool pop(struct held_lock *locks, u32 *nr, const void *lock, enum lock_rank rank)
{
	u32 i = find(locks, *nr, lock, rank);

	if (!i)
		return false;
	for (; i < *nr; i++)
		locks[i - 1] = locks[i];
	--*nr;
	return true;
}

void lockdep_taken(const void *lock, enum lock_rank rank)
{
	u64 flags;

	if (panic_in_progress())
		return;
	/* A handler between reading and writing `nr` would push into the same place. */
	flags = irq_save();
	if (is_sleeping(rank))
		push(current->held.locks, &current->held.nr, MAX_SLEEPING_LOCKS, lock, rank);
	else
		push(this_cpu(held_spinning).locks, &this_cpu(held_spinning).nr, MAX_SPINLOCKS,
		     lock, rank);
	irq_restore(flags);
}

static bool forget(const void *lock, enum lock_rank rank)
{
	u64 flags = irq_save();
	bool was_held = is_sleeping(rank) ? pop(current->held.locks, &current->held.nr, lock, rank)
					  : pop(this_cpu(held_spinning).locks,
						&this_cpu(held_spinning).nr, lock, rank);

	irq_restore(flags);
	return was_held;
}

void lockdep_release(const void *lock, enum lock_rank rank)
{
	if (panic_in_progress() || forget(lock, rank))
		return;
	panic_begin();
	print_all_held();
	panic("lock order: %s %p is released by somebody who does not hold it", rank_names[rank],
	      lock);
}

void lockdep_hand_over(const void *lock)
{
	if (!panic_in_progress())
		BUG_ON(!forget(lock, LAST_SLEEPING_RANK));
}

void lockdep_release_handed(const void *lock)
{
	if (!panic_in_progress())
		(void)forget(lock, LAST_SLEEPING_RANK);
}

void lockdep_irq_enter(void)
{
	this_cpu_add(irq_depth, 1);
}

void lockdep_irq_exit(void)
{
	this_cpu_add(irq_depth, -1);
}

/* ---- spinning for too long ---- */

static void print_owner(const void *lock, enum lock_rank rank, u32 owner)
{
	const struct held_spinning *held;
	u32 i;

	if (!owner)
		return;
	held = &per_cpu(held_spinning, owner - 1);
	i = find(held->locks, min(READ_ONCE(held->nr), (u32)MAX_SPINLOCKS), lock, rank);
	if (i)
		print_held(&held->locks[i - 1]);
}

void lockdep_spin(const void *lock, enum lock_rank rank, u32 owner, struct lockdep_spin *spin)
{
	u64 now = clock_ns();

	if (panic_in_progress())
		return;
	if (!spin->started_ns)
		spin->started_ns = now;
	if (now - spin->started_ns > SPIN_PANIC_NS) {
		panic_begin();
		print_owner(lock, rank, owner);
		panic("cpu %u has spun for %lu s on %s %p, which cpu %d holds", cpu_id(),
		      SPIN_PANIC_NS / NSEC_PER_SEC, rank_names[rank], lock, (s32)owner - 1);
	}
	/* Printing takes locks of the last two ranks itself. */
	if (now - spin->started_ns <= SPIN_REPORT_NS || spin->reported || rank >= RANK_PRINTK)
		return;
	spin->reported = true;
	printk("cpu %u spins for more than %lu s on %s %p, which cpu %d holds:", cpu_id(),
	       SPIN_REPORT_NS / NSEC_PER_SEC, rank_names[rank], lock, (s32)owner - 1);
	print_owner(lock, rank, owner);
}
