/* futex(2): what it refuses, and who is woken. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"
#include "../futex_abi.h"

static uint32_t word, word2;

static long futex(void *at, int op, uint32_t value, const void *timeout, void *at2, uint32_t value3)
{
	return syscall(SYS_futex, at, op, value, timeout, at2, value3);
}

static long requeue(int op, uint32_t nr_wake, long nr_requeue, uint32_t expected)
{
	return futex(&word, op, nr_wake, (void *)nr_requeue, &word2, expected);
}

static const struct timespec soon = {.tv_nsec = 2000000}, negative = {.tv_sec = -1},
			     too_many = {.tv_nsec = 1000000000}, past = {.tv_nsec = 1};

static void refusals(void)
{
	char *unmapped = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(unmapped, 4096);
	word = 1;
	SHOW(futex(&word, FUTEX_WAIT, 2, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0));
	SHOW(futex((char *)&word + 1, FUTEX_WAIT, 1, NULL, NULL, 0));
	SHOW(futex((char *)&word + 2, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(NULL, FUTEX_WAIT, 1, NULL, NULL, 0));
	SHOW(futex(NULL, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(NULL, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(unmapped, FUTEX_WAIT, 1, NULL, NULL, 0));
	SHOW(futex(unmapped, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(unmapped, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(unmapped, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(none, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(none, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(none, FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex((void *)(1ul << 47), FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT, 1, &negative, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT, 1, &too_many, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT, 1, (void *)8, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT_BITSET, 1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 1, &soon, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
	SHOW(futex(&word, 99, 1, NULL, NULL, 0));
	SHOW(futex(&word, 2, 1, NULL, NULL, 0));
	SHOW(requeue(FUTEX_REQUEUE, -1, 1, 0));
	SHOW(requeue(FUTEX_REQUEUE, 1, -1, 0));
	SHOW(requeue(FUTEX_CMP_REQUEUE, 1, 1, 5));
	SHOW(requeue(FUTEX_CMP_REQUEUE, 1, 1, 1));
	SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, (char *)&word2 + 1, 1));
	SHOW(futex(unmapped, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &word2, 1));
	munmap(none, 4096);
}

static void timeouts(void)
{
	word = 1;
	SHOW(futex(&word, FUTEX_WAIT, 1, &soon, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT_PRIVATE, 1, &soon, NULL, 0));
	SHOW(futex(&word, FUTEX_WAIT_BITSET, 1, &past, NULL, ~0u));
	SHOW(futex(&word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 1, &past, NULL, ~0u));
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += at.tv_nsec > 990000000;
	at.tv_nsec = (at.tv_nsec + 10000000) % 1000000000;
	SHOW(futex(&word, FUTEX_WAIT_BITSET_PRIVATE, 1, &at, NULL, 2));
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += at.tv_nsec > 990000000;
	at.tv_nsec = (at.tv_nsec + 10000000) % 1000000000;
	SHOW(futex(&word, FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME, 1, &at, NULL, 2));
}

static long wake_op(uint32_t op, int arg, uint32_t cmp, int cmp_arg, uint32_t before)
{
	word2 = before;
	return futex(&word, FUTEX_WAKE_OP, 1, (void *)1, &word2, FUTEX_OP(op, arg, cmp, cmp_arg));
}

static void operations(void)
{
	static const struct {
		int op, arg;
	} all[] = {{FUTEX_OP_SET, 7},
		   {FUTEX_OP_SET, -1},
		   {FUTEX_OP_ADD, 2047},
		   {FUTEX_OP_ADD, -2048},
		   {FUTEX_OP_OR, 0xf0},
		   {FUTEX_OP_ANDN, 0x3},
		   {FUTEX_OP_XOR, 0xff},
		   {8 | FUTEX_OP_ADD, 31},
		   {8 | FUTEX_OP_OR, 5},
		   {5, 0},
		   {7, 0}};

	word = 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		long result = wake_op(all[i].op, all[i].arg, FUTEX_OP_CMP_EQ, 0, 0x1234);

		say("wake_op %d by %d: %ld %s, word %x", all[i].op, all[i].arg, result,
		    result < 0 ? errno_name(errno) : "", word2);
	}
	SHOW(wake_op(FUTEX_OP_SET, 1, 6, 0, 0));
	say("word %x", word2);
	SHOW(futex(&word, FUTEX_WAKE_OP, 1, (void *)1, NULL,
		   FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0)));
	SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, (void *)8,
		   FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0)));
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 1, (void *)1, page,
		   FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0)));
	munmap(page, 4096);
}

/* ---- sleepers ---- */

#define NR_SLEEPERS 5

static uint32_t *sleep_on = &word;
static int sleep_op = FUTEX_WAIT_BITSET_PRIVATE;
static uint32_t nr_woken;
static sem_t about_to_sleep;

static void *sleeper(void *bitset)
{
	sem_post(&about_to_sleep);
	long result = futex(sleep_on, sleep_op, 1, NULL, NULL, (uint32_t)(uintptr_t)bitset);

	if (result != 0)
		say("sleeper: %s", errno_name(errno));
	__atomic_add_fetch(&nr_woken, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static pthread_t threads[NR_SLEEPERS];

/* Starts sleepers with bitsets 1, 2, 4, ... and waits until all are about to sleep, which takes them no time then: requeueing a
 * word to itself counts those who do, and changes nothing. */
static void start_sleepers(int flags)
{
	word = 1;
	nr_woken = 0;
	sem_init(&about_to_sleep, 0, 0);
	for (uintptr_t i = 0; i < NR_SLEEPERS; i++)
		pthread_create(&threads[i], NULL, sleeper, (void *)(1ul << i));
	for (int i = 0; i < NR_SLEEPERS; i++)
		sem_wait(&about_to_sleep);
	while (futex(sleep_on, FUTEX_REQUEUE | flags, 0, (void *)100, sleep_on, 0) != NR_SLEEPERS)
		sched_yield();
}

static void join_sleepers(void)
{
	for (int i = 0; i < NR_SLEEPERS; i++)
		pthread_join(threads[i], NULL);
	say("woken %u", nr_woken);
}

/* A shared futex beyond the end of its file, which was cut after it had been mapped. */
static void truncated(void)
{
	int fd = syscall(SYS_memfd_create, "cut", 0);
	uint32_t *shared, *private;

	SHOW(ftruncate(fd, 8192));
	shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	shared[0] = private[1024] = 1;
	SHOW(futex(&shared[1024], FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(&private[1024], FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(ftruncate(fd, 4));
	SHOW(futex(&shared[1023], FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(&shared[1024], FUTEX_WAKE, 1, NULL, NULL, 0));
	SHOW(futex(&shared[1024], FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&shared[1024], FUTEX_WAIT, 0, NULL, NULL, 0));
	SHOW(futex(&shared[1024], FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&private[1024], FUTEX_WAKE, 1, NULL, NULL, 0));
	munmap(shared, 8192);
	munmap(private, 8192);
	close(fd);
}

static void sleepers(void)
{
	start_sleepers(FUTEX_PRIVATE_FLAG);
	/* A shared wake-up does not find who sleeps on a private futex. */
	SHOW(futex(&word, FUTEX_WAKE, 100, NULL, NULL, 0));
	SHOW(futex(&word2, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 0xa));
	SHOW(futex(&word, FUTEX_WAKE_BITSET_PRIVATE, 100, NULL, NULL, 0xa));
	SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 0, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE_PRIVATE, -1, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	join_sleepers();

	start_sleepers(FUTEX_PRIVATE_FLAG);
	SHOW(requeue(FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, 2));
	SHOW(requeue(FUTEX_CMP_REQUEUE_PRIVATE, 1, 2, 1));
	SHOW(requeue(FUTEX_REQUEUE_PRIVATE, 0, 1, 0));
	SHOW(futex(&word2, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
	join_sleepers();

	start_sleepers(FUTEX_PRIVATE_FLAG);
	SHOW(requeue(FUTEX_REQUEUE_PRIVATE, 0, 2, 0));
	word2 = 5;
	SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 2, (void *)100, &word2,
		   FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GT, 5)));
	SHOW(futex(&word, FUTEX_WAKE_OP_PRIVATE, 100, (void *)100, &word2,
		   FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_GT, 5)));
	join_sleepers();
}

int main(void)
{
	refusals();
	truncated();
	timeouts();
	operations();
	sleepers();
	return 0;
}
