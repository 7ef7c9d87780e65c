/*
 * micro: one section for each elementary operation of memory and process management, repeated often enough that its cost
 * divides. Prints, in the order of the sections,
 *
 *   micro NAME COUNT operations BEGIN END ns     when, by CLOCK_MONOTONIC
 *   missing NAME REASON           no section: this kernel has not what the operation needs
 *   swapin NAME MAJOR faults      major faults of a section that read from swap: it must not be served from memory
 *
 * With an argument it does nothing: it is what fork_exec executes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../user/lib/print.h"
#include "marker.h"

#define PAGE        4096
#define SELF        "/bin/micro"
#define SWAP_PAGES  2048
#define SWAP_STRIDE 16 /* of the sparse reads: beyond every readahead window */
#define SETTLE_MS   200

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static uint64_t begun_ns;

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void begin(void)
{
	begun_ns = now_ns();
	MARK(MARK_SECTION_BEGIN);
}

static void end(const char *name, unsigned long count)
{
	MARK(MARK_SECTION_END);
	uint64_t ended_ns = now_ns();
	print("micro %s %lu operations %llu %llu ns\n", name, count, (unsigned long long)begun_ns,
	      (unsigned long long)ended_ns);
}

static void missing(const char *name, const char *what)
{
	print("missing %s %s: %s\n", name, what, strerror(errno));
}

static volatile char *map(size_t nr_pages)
{
	char *at = mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			-1, 0);

	if (at == MAP_FAILED) {
		print("micro: mmap of %zu pages: %s\n", nr_pages, strerror(errno));
		_exit(1);
	}
	return at;
}

static void unmap(volatile char *at, size_t nr_pages)
{
	munmap((void *)at, nr_pages * PAGE);
}

static void touch(volatile char *at, size_t nr_pages)
{
	for (size_t i = 0; i < nr_pages; i++)
		at[i * PAGE] = 1;
}

/* A child that runs body(at) and ends; ours to wait for. */
static pid_t child(void (*body)(volatile char *at), volatile char *at)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (body)
			body(at);
		_exit(0);
	}
	if (pid < 0) {
		print("micro: fork: %s\n", strerror(errno));
		_exit(1);
	}
	return pid;
}

static void wait_for(pid_t pid)
{
	int status;

	if (wait4(pid, &status, 0, NULL) != pid || status != 0) {
		print("micro: a child failed\n");
		_exit(1);
	}
}

/* ---- system calls and faults ---- */

static void null_call(void)
{
	begin();
	for (int i = 0; i < 1000; i++)
		syscall(SYS_getppid);
	end("null_call", 1000);
}

static void anon_fault(void)
{
	volatile char *at = map(1024);

	begin();
	touch(at, 1024);
	end("anon_fault", 1024);
	unmap(at, 1024);
}

static void zero_page_fault(void)
{
	volatile char *at = map(1024);

	begin();
	for (size_t i = 0; i < 1024; i++)
		(void)at[i * PAGE];
	end("zero_page_fault", 1024);
	unmap(at, 1024);
}

static void cow_writes(volatile char *at)
{
	begin();
	touch(at, 512);
	end("cow_fault", 512);
}

static void cow_fault(void)
{
	volatile char *at = map(512);

	touch(at, 512);
	wait_for(child(cow_writes, at));
	unmap(at, 512);
}

/* The program's own file, mapped: read page by page, or written. */
static void file_fault(const char *name, int protection)
{
	const size_t nr_pages = 8;
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	volatile char *at = mmap(NULL, nr_pages * PAGE, protection, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED) {
		missing(name, "mmap of a file");
	} else {
		begin();
		for (size_t i = 0; i < nr_pages; i++) {
			if (protection & PROT_WRITE)
				at[i * PAGE] = 1;
			else
				(void)at[i * PAGE];
		}
		end(name, nr_pages);
		unmap(at, nr_pages);
	}
	close(fd);
}

static void file_read(void)
{
	static char buffer[PAGE];
	const int rounds = 32, nr_pages = 8;
	int fd = open(SELF, O_RDONLY | O_CLOEXEC);

	begin();
	for (int round = 0; round < rounds; round++) {
		lseek(fd, 0, SEEK_SET);
		for (int i = 0; i < nr_pages; i++)
			read(fd, buffer, PAGE);
	}
	end("file_read", (unsigned long)(rounds * nr_pages));
	close(fd);
}

/* ---- processes ---- */

static void fork_exit(const char *name, size_t nr_pages, unsigned long count)
{
	volatile char *at = nr_pages ? map(nr_pages) : NULL;

	touch(at, nr_pages);
	begin();
	for (unsigned long i = 0; i < count; i++)
		wait_for(child(NULL, NULL));
	end(name, count);
	if (at)
		unmap(at, nr_pages);
}

static void exec_self(volatile char *unused)
{
	char *const argv[] = {SELF, "nothing", NULL}, *const envp[] = {NULL};

	(void)unused;
	execve(SELF, argv, envp);
	_exit(127);
}

static void fork_exec(void)
{
	begin();
	for (int i = 0; i < 50; i++)
		wait_for(child(exec_self, NULL));
	end("fork_exec", 50);
}

static int there[2], back[2]; /* pipes */

static void echo(volatile char *unused)
{
	char byte;

	(void)unused;
	for (int i = 0; i < 500; i++) {
		if (read(there[0], &byte, 1) != 1 || write(back[1], &byte, 1) != 1)
			_exit(1);
	}
}

static void pipe_switch(void)
{
	char byte = 0;

	if (pipe(there) < 0 || pipe(back) < 0) {
		missing("pipe_switch", "pipe");
		return;
	}
	pid_t pid = child(echo, NULL);
	begin();
	for (int i = 0; i < 500; i++) {
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			_exit(1);
	}
	end("pipe_switch", 1000);
	wait_for(pid);
}

static void yield_often(volatile char *unused)
{
	(void)unused;
	for (int i = 0; i < 2000; i++)
		syscall(SYS_sched_yield);
}

/* Two processes that do nothing but yield take turns: each call is a switch. The child lives longer
 * than the section. */
static void yield_switch(void)
{
	pid_t pid = child(yield_often, NULL);

	for (int i = 0; i < 100; i++)
		syscall(SYS_sched_yield);
	begin();
	for (int i = 0; i < 500; i++)
		syscall(SYS_sched_yield);
	end("yield_switch", 1000);
	wait_for(pid);
}

/* ---- mappings ---- */

static void mmap_munmap(const char *name, bool touched)
{
	begin();
	for (int i = 0; i < 500; i++) {
		volatile char *at = map(16);
		if (touched)
			at[0] = 1;
		unmap(at, 16);
	}
	end(name, 500);
}

static void mprotect_toggle(void)
{
	volatile char *at = map(16);

	at[0] = 1;
	begin();
	for (int i = 0; i < 250; i++) {
		mprotect((void *)at, 16 * PAGE, PROT_READ);
		mprotect((void *)at, 16 * PAGE, PROT_READ | PROT_WRITE);
	}
	end("mprotect", 500);
	unmap(at, 16);
}

/* ---- swap ---- */

static void settle(void)
{
	const struct timespec time = {.tv_nsec = SETTLE_MS * 1000000L};

	nanosleep(&time, NULL);
}

/* Linux leaves what it paged out in the swap cache until it needs memory: make it need more than the region. */
static void make_pressure(void)
{
	struct sysinfo info;

	sysinfo(&info);
	size_t nr_pages = info.freeram * info.mem_unit / PAGE + 4 * SWAP_PAGES;
	volatile char *hog = map(nr_pages);
	touch(hog, nr_pages);
	unmap(hog, nr_pages);
	settle();
}

static long major_faults(void)
{
	struct rusage usage = {0};

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_majflt;
}

/* Reads every stride-th page, in order or in an order without a pattern. */
static void swap_in(const char *name, volatile char *at, size_t stride, bool scattered)
{
	size_t count = SWAP_PAGES / stride; /* a power of two: an odd factor permutes it */
	long before = major_faults();

	begin();
	for (size_t i = 0; i < count; i++)
		(void)at[(scattered ? (i * 77 + 13) % count : i) * stride * PAGE];
	end(name, count);
	print("swapin %s %ld faults\n", name, major_faults() - before);
}

static bool page_out(volatile char *at, size_t nr_pages)
{
	return madvise((void *)at, nr_pages * PAGE, MADV_PAGEOUT) == 0;
}

static void swap(void)
{
	volatile char *at = map(SWAP_PAGES);

	touch(at, SWAP_PAGES);
	if (!page_out(at, 1)) {
		missing("swap_out", "MADV_PAGEOUT");
		return;
	}
	settle();
	touch(at, SWAP_PAGES);
	begin();
	page_out(at, SWAP_PAGES);
	settle(); /* the writes end within the section */
	end("swap_out", SWAP_PAGES);
	make_pressure();
	swap_in("swap_in_sequential", at, 1, false);
	unmap(at, SWAP_PAGES);

	at = map(SWAP_PAGES);
	touch(at, SWAP_PAGES);
	page_out(at, SWAP_PAGES);
	settle();
	make_pressure();
	swap_in("swap_in_random", at, SWAP_STRIDE, true);
	unmap(at, SWAP_PAGES);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return 0;
	null_call();
	anon_fault();
	zero_page_fault();
	file_fault("file_read_fault", PROT_READ);
	file_fault("file_write_fault", PROT_READ | PROT_WRITE);
	file_read();
	cow_fault();
	fork_exit("fork_exit", 0, 50);
	fork_exit("fork_exit_8m", 2048, 20);
	fork_exec();
	pipe_switch();
	yield_switch();
	mmap_munmap("mmap_munmap", false);
	mmap_munmap("mmap_touch_munmap", true);
	mprotect_toggle();
	swap();
	return 0;
}
