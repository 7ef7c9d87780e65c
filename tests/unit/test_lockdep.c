/* Lock checking: each kind of mistake panics and names both sides, and what is right does not. */
#include "unit.h"

#include "cpu/lockdep.h"
#include "cpu/current.h"
#include "cpu/spinlock.h"
#include "machine.h"

DEFINE_PER_CPU(struct current_task *, current_task);

static struct current_task tasks[2];
static DEFINE_SPINLOCK(outer, RANK_TASKS);
static DEFINE_SPINLOCK(inner, RANK_BUDDY);
static DEFINE_SPINLOCK(inner2, RANK_BUDDY);
static DEFINE_SPINLOCK(irq_lock, RANK_WAIT);
static DEFINE_SPINLOCK(unranked, RANK_NONE);
static int file, mmap_lock, child_mmap_lock, page; /* sleeping locks are but addresses here */

static int setup(void **state)
{
	(void)state;
	machine_reset(2);
	for_each_cpu (cpu) {
		tasks[cpu] = (struct current_task){.pid = 100 + cpu};
		per_cpu(current_task, cpu) = &tasks[cpu];
	}
	return 0;
}

static void sleep_take(const void *lock, enum lock_rank rank, enum lock_ask ask)
{
	lockdep_ask(lock, rank, ask);
	lockdep_taken(lock, rank);
}

static void test_right_order(void **state)
{
	(void)state;
	sleep_take(&file, RANK_FILE_POS, LOCK_WAITS);
	sleep_take(&mmap_lock, RANK_MMAP, LOCK_WAITS);
	sleep_take(&child_mmap_lock, RANK_MMAP, LOCK_NESTED);
	sleep_take(&page, RANK_PAGE, LOCK_WAITS);
	spin_lock(&outer);
	spin_lock(&inner);
	u64 flags = spin_lock_irqsave(&irq_lock);
	spin_unlock_irqrestore(&irq_lock, flags);
	spin_unlock(&outer);
	spin_unlock(&inner);
	lockdep_release(&mmap_lock, RANK_MMAP);
	lockdep_release(&child_mmap_lock, RANK_MMAP);
	lockdep_release(&page, RANK_PAGE);
	lockdep_release(&file, RANK_FILE_POS);
	lockdep_no_locks();
}

static void test_wrong_order(void **state)
{
	(void)state;
	machine.backtrace = 7;
	spin_lock(&inner);
	machine.backtrace = 8;
	assert_panics("RANK_TASKS (rank ", spin_lock(&outer));
	assert_panics("taken while holding RANK_BUDDY", spin_lock(&outer));
	assert_panics("taken while holding RANK_BUDDY", spin_lock(&inner2));
	assert_panics("at backtrace 7", spin_lock(&outer));
	spin_unlock(&inner);

	sleep_take(&page, RANK_PAGE, LOCK_WAITS);
	assert_panics("RANK_MMAP (rank ", sleep_take(&mmap_lock, RANK_MMAP, LOCK_WAITS));
	assert_panics("RANK_MMAP (rank ", sleep_take(&mmap_lock, RANK_MMAP, LOCK_NESTED));
	assert_panics("at backtrace 8", sleep_take(&mmap_lock, RANK_MMAP, LOCK_WAITS));
}

static void test_trying_checks_no_order_but_counts(void **state)
{
	(void)state;
	spin_lock(&inner);
	assert_true(spin_trylock(&outer));
	assert_false(spin_trylock(&outer));
	assert_panics("taken while holding RANK_BUDDY", spin_lock(&inner2));
	spin_unlock(&inner);
	assert_panics("lock order", might_sleep());
	spin_unlock(&outer);
	might_sleep();
	sleep_take(&page, RANK_PAGE, LOCK_WAITS);
	sleep_take(&mmap_lock, RANK_MMAP, LOCK_TRIES);
}

static void test_self_deadlock(void **state)
{
	(void)state;
	machine.backtrace = 9;
	spin_lock(&outer);
	assert_panics("self-deadlock: RANK_TASKS", spin_lock(&outer));
	assert_panics("at backtrace 9", spin_lock(&outer));
	spin_unlock(&outer);
	sleep_take(&mmap_lock, RANK_MMAP, LOCK_WAITS);
	assert_panics("self-deadlock: RANK_MMAP", sleep_take(&mmap_lock, RANK_MMAP, LOCK_WAITS));
	assert_panics("self-deadlock: RANK_MMAP", sleep_take(&mmap_lock, RANK_MMAP, LOCK_NESTED));
}

/* A sleeping lock begins with the spinlock of its own state. */
static void test_lock_within_a_lock(void **state)
{
	struct {
		spinlock_t lock;
	} sleeping = {SPINLOCK_INIT(RANK_RWSEM)};

	(void)state;
	sleep_take(&sleeping, RANK_MMAP, LOCK_WAITS);
	spin_lock(&sleeping.lock);
	spin_unlock(&sleeping.lock);
	lockdep_release(&sleeping, RANK_MMAP);
	lockdep_no_locks();
}

static void test_release_by_another(void **state)
{
	(void)state;
	spin_lock(&outer);
	sleep_take(&mmap_lock, RANK_MMAP, LOCK_TRIES);
	machine.cpu = 1;
	assert_panics("RANK_TASKS", spin_unlock(&outer));
	assert_panics("does not hold it", lockdep_release(&mmap_lock, RANK_MMAP));
	machine.cpu = 0;
	assert_panics("does not hold it", spin_unlock(&inner));
	spin_unlock(&outer);
	lockdep_release(&mmap_lock, RANK_MMAP);
	assert_panics("does not hold it", lockdep_release(&mmap_lock, RANK_MMAP));
}

static void test_handing_over(void **state)
{
	(void)state;
	sleep_take(&page, RANK_PAGE, LOCK_WAITS);
	assert_panics("leaves the kernel with a lock", lockdep_no_locks());
	lockdep_hand_over(&page);
	lockdep_no_locks();
	assert_panics("forget", lockdep_hand_over(&page));
	lockdep_release_handed(&page);
}

static void test_sleeping_with_a_spinlock(void **state)
{
	(void)state;
	machine.backtrace = 11;
	spin_lock(&outer);
	assert_panics("sleeping with a spinlock held", might_sleep());
	assert_panics("at backtrace 11", might_sleep());
	assert_panics("sleeping with a spinlock held",
		      sleep_take(&mmap_lock, RANK_MMAP, LOCK_WAITS));
	spin_unlock(&outer);
	machine.irqs_on = false;
	lockdep_irq_enter();
	assert_panics("in an interrupt handler", might_sleep());
	lockdep_irq_exit();
}

static void test_leaving_with_a_lock(void **state)
{
	(void)state;
	machine.backtrace = 12;
	sleep_take(&mmap_lock, RANK_MMAP, LOCK_WAITS);
	assert_panics("leaves the kernel with a lock", lockdep_no_locks());
	assert_panics("at backtrace 12", lockdep_no_locks());
}

/* Takes and releases it in a handler. */
static void use_in_interrupt(spinlock_t *lock)
{
	machine.irqs_on = false;
	lockdep_irq_enter();
	spin_lock(lock);
	spin_unlock(lock);
	lockdep_irq_exit();
	machine.irqs_on = true;
}

/* What a rank was used for is kept: each assertion has a rank of its own. */
static void test_interrupts(void **state)
{
	static DEFINE_SPINLOCK(first_on, RANK_BLOCK);
	static DEFINE_SPINLOCK(first_irq, RANK_TIMER);

	(void)state;
	machine.backtrace = 13;
	spin_lock(&first_on);
	spin_unlock(&first_on);
	machine.backtrace = 14;
	assert_panics("RANK_BLOCK is taken in interrupt handlers", use_in_interrupt(&first_on));
	assert_panics("backtrace 13", use_in_interrupt(&first_on));
	assert_panics("backtrace 14", use_in_interrupt(&first_on));

	use_in_interrupt(&first_irq);
	u64 flags = spin_lock_irqsave(&first_irq);
	spin_unlock_irqrestore(&first_irq, flags);
	assert_panics("RANK_TIMER is taken in interrupt handlers", spin_lock(&first_irq));
}

static void test_uninitialised(void **state)
{
	(void)state;
	assert_panics("was never initialised", spin_lock(&unranked));
}

/* A lock that CPU 1 has, for as long as CPU 0 spins. */
static spinlock_t *contended;
static u64 release_at;

static void time_goes_by(void)
{
	machine.tsc += NSEC_PER_SEC;
	if (machine.tsc < release_at)
		return;
	machine.cpu = 1;
	spin_unlock(contended);
	machine.cpu = 0;
	machine.relax = NULL;
}

static void spin_until(spinlock_t *lock, u64 seconds)
{
	contended = lock;
	release_at = machine.tsc + seconds * NSEC_PER_SEC;
	machine.cpu = 1;
	machine.backtrace = 15;
	spin_lock(lock);
	machine.cpu = 0;
	machine.backtrace = 16;
	machine.relax = time_goes_by;
	spin_lock(lock);
	spin_unlock(lock);
}

static void test_long_spin(void **state)
{
	(void)state;
	spin_until(&outer, 8);
	assert_null(strstr(machine_log(), "spins for more than"));
	spin_until(&outer, 30);
	assert_non_null(strstr(machine_log(), "spins for more than 10 s on RANK_TASKS"));
	assert_non_null(strstr(machine_log(), "at backtrace 15"));
	assert_panics("has spun for 60 s on RANK_TASKS", spin_until(&outer, 100));
}

#define lock_test(f) cmocka_unit_test_setup(f, setup)

static const struct CMUnitTest tests[] = {
	lock_test(test_right_order),
	lock_test(test_wrong_order),
	lock_test(test_trying_checks_no_order_but_counts),
	lock_test(test_self_deadlock),
	lock_test(test_lock_within_a_lock),
	lock_test(test_release_by_another),
	lock_test(test_handing_over),
	lock_test(test_sleeping_with_a_spinlock),
	lock_test(test_leaving_with_a_lock),
	lock_test(test_interrupts),
	lock_test(test_uninitialised),
	lock_test(test_long_spin),
};

UNIT_MAIN(tests)
