/*
 * events: a little of everything that a trace can tell and that few programs do, for the recorded trace whose
 * events tests/ingest/mutation.c changes: files mapped, paged out and cut; pages of 2 MiB; swapoff; CPUs that go; threads,
 * handlers, names. At last a thread executes what the arguments name; `events compact`, for a trace of its own, only has
 * pages moved for one of 2 MiB. The guest only: it switches the machine's swap disk
 * and CPUs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../lib/print.h"
#include "check.h"

#define PAGE      4096ul
#define HUGE      (512 * PAGE)
#define NR_HUGE   4
#define NR        24
#define ROUNDS    2
#define DISK      "/dev/sdb"
#define CPU       "/sys/devices/system/cpu/cpu1/online"
#define LINGER_NS 400000000l
#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static char **program;

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	close(fd);
	return n == (ssize_t)strlen(text);
}

/* Who records asks for the state when it reads the line; should that be late, the state is asked for often enough. */
static void linger(void)
{
	const struct timespec time = {.tv_nsec = LINGER_NS};

	print("events.look\n");
	nanosleep(&time, NULL);
}

/* Pages of a file in memory, in swap, and gone; one of the slots goes with its file. */
static const char *use_file(void)
{
	int fd = memfd_create("events", 0);
	char *p;

	CHECK(fd >= 0 && ftruncate(fd, NR * PAGE) == 0);
	p = mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	memset(p, 1, NR * PAGE);
	CHECK(madvise(p, NR * PAGE, MADV_PAGEOUT) == 0);
	for (size_t i = 0; i < NR / 2; i++)
		p[i * PAGE]++;
	CHECK(mlock(p, 2 * PAGE) == 0);
	linger();
	CHECK(munlock(p, 2 * PAGE) == 0);
	CHECK(munmap(p + NR / 2 * PAGE, NR / 2 * PAGE) == 0);
	CHECK(madvise(p, NR / 2 * PAGE, MADV_PAGEOUT) == 0);
	CHECK(ftruncate(fd, NR / 4 * PAGE) == 0);
	CHECK(munmap(p, NR / 2 * PAGE) == 0 && close(fd) == 0);
	return NULL;
}

/* One of 2 MiB that is protected and split; and more of them than there is memory for. */
static const char *use_huge_pages(void)
{
	char *p = mmap(NULL, (NR_HUGE + 1) * HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	p += HUGE - (unsigned long)p % HUGE;
	CHECK(madvise(p, NR_HUGE * HUGE, MADV_HUGEPAGE) == 0);
	p[0] = 1;
	CHECK(mprotect(p, HUGE, PROT_READ) == 0 && mprotect(p, HUGE, PROT_READ | PROT_WRITE) == 0);
	p[PAGE] = 1;
	for (size_t i = 1; i < NR_HUGE; i++)
		p[i * HUGE] = 1;
	linger();
	CHECK(madvise(p + 3 * PAGE, PAGE, MADV_DONTNEED) == 0);
	CHECK(madvise(p, 2 * HUGE, MADV_FREE) == 0);
	CHECK(munmap(p, NR_HUGE * HUGE) == 0);
	return NULL;
}

/* No 2 MiB are free in one piece when only a few pages of each block stay: compaction moves them. Where it failed before, it
 * is not tried again at once. */
static const char *compact(void)
{
	char *p = mmap(NULL, (2 * NR_HUGE + 1) * HUGE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at = p + HUGE - (unsigned long)p % HUGE;

	CHECK(p != MAP_FAILED && madvise(at, 2 * NR_HUGE * HUGE, MADV_HUGEPAGE) == 0);
	for (size_t i = 0; i < NR_HUGE; i++)
		at[i * HUGE] = 1;
	for (size_t i = 0; i < NR_HUGE; i++)
		CHECK(madvise(at + i * HUGE + NR * PAGE, HUGE - NR * PAGE, MADV_DONTNEED) == 0);
	for (size_t i = NR_HUGE; i < 2 * NR_HUGE; i++)
		at[i * HUGE] = 1;
	CHECK(munmap(p, (2 * NR_HUGE + 1) * HUGE) == 0);
	return NULL;
}

static const char *switch_swap(void)
{
	CHECK(swapoff(DISK) == 0);
	CHECK(swapon(DISK, 0) == 0);
	return NULL;
}

static bool set_affinity(unsigned long mask)
{
	return syscall(SYS_sched_setaffinity, 0, sizeof(mask), &mask) == 0;
}

static const char *switch_cpus(void)
{
	CHECK(set_affinity(2) && set_affinity(1) && set_affinity(3));
	CHECK(write_text(CPU, "0"));
	sched_yield();
	CHECK(write_text(CPU, "1"));
	return NULL;
}

static void on_signal(int sig)
{
	(void)sig;
}

static const char *handle_signal(void)
{
	CHECK(signal(SIGUSR1, on_signal) != SIG_ERR);
	CHECK(raise(SIGUSR1) == 0);
	return NULL;
}

static void *thread_lingers(void *arg)
{
	linger();
	return arg;
}

static const char *use_thread(void)
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, thread_lingers, NULL) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
	return NULL;
}

static void *thread_executes(void *arg)
{
	char path[64];

	(void)arg;
	snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", (long)getpid());
	if (write_text(path, "named") && write_text(path, "renamed"))
		execv(program[0], program);
	print("FAIL events: %s is not executed\n", program[0]);
	_exit(1);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"events_file", use_file},        {"events_huge_pages", use_huge_pages},
		{"events_swap", switch_swap},     {"events_cpus", switch_cpus},
		{"events_signal", handle_signal}, {"events_thread", use_thread},
	};
	static const struct check compaction[] = {{"events_compact", compact}};
	pthread_t thread;

	if (argc == 2 && strcmp(argv[1], "compact") == 0)
		return check_run(compaction, 1);
	program = argv + 1;
	for (int round = 0; round < ROUNDS; round++)
		if (check_run(checks, sizeof(checks) / sizeof(checks[0])))
			return 1;
	if (argc < 2 || pthread_create(&thread, NULL, thread_executes, NULL))
		return 1;
	for (;;)
		pause();
}
