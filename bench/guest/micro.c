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
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../user/lib/print.h"
#include "marker.h"
#include "section.h"

#define PAGE        4096
#define SELF        "/bin/micro"
#define DATA        "/micro.data"
#define FILE_PAGES  256
#define SWAP_PAGES  2048
#define SWAP_STRIDE 16 /* of the sparse reads: beyond every readahead window */
#define SETTLE_MS   200

#define FUTEX_WAIT 0
#define FUTEX_WAKE 1

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

void section_begin(void)
{
	begun_ns = now_ns();
	MARK(MARK_SECTION_BEGIN);
}

void section_end(const char *name, unsigned long count)
{
	MARK(MARK_SECTION_END);
	uint64_t ended_ns = now_ns();
	print("micro %s %lu operations %llu %llu ns\n", name, count, (unsigned long long)begun_ns,
	      (unsigned long long)ended_ns);
}

void section_missing(const char *name, const char *what)
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
	section_begin();
	for (int i = 0; i < 1000; i++)
		syscall(SYS_getppid);
	section_end("null_call", 1000);
}

static void anon_fault(void)
{
	volatile char *at = map(1024);

	section_begin();
	touch(at, 1024);
	section_end("anon_fault", 1024);
	unmap(at, 1024);
}

static void zero_page_fault(void)
{
	volatile char *at = map(1024);

	section_begin();
	for (size_t i = 0; i < 1024; i++)
		(void)at[i * PAGE];
	section_end("zero_page_fault", 1024);
	unmap(at, 1024);
}

static void cow_writes(volatile char *at)
{
	section_begin();
	touch(at, 512);
	section_end("cow_fault", 512);
}

static void cow_fault(void)
{
	volatile char *at = map(512);

	touch(at, 512);
	wait_for(child(cow_writes, at));
	unmap(at, 512);
}

/* ---- files ---- */

static char page_buffer[PAGE];

/* A file in memory, whose pages are there. */
static int make_file(void)
{
	int fd = open(DATA, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (int i = 0; i < FILE_PAGES; i++) {
		if (write(fd, page_buffer, PAGE) != PAGE) {
			print("micro: %s: %s\n", DATA, strerror(errno));
			_exit(1);
		}
	}
	return fd;
}

/* Its pages mapped privately: read one after the other, or written. */
static void file_fault(const char *name, int protection, int fd)
{
	volatile char *at = mmap(NULL, FILE_PAGES * PAGE, protection, MAP_PRIVATE, fd, 0);

	if (at == MAP_FAILED) {
		section_missing(name, "mmap of a file");
		return;
	}
	section_begin();
	for (size_t i = 0; i < FILE_PAGES; i++) {
		if (protection & PROT_WRITE)
			at[i * PAGE] = 1;
		else
			(void)at[i * PAGE];
	}
	section_end(name, FILE_PAGES);
	unmap(at, FILE_PAGES);
}

static void file_read(int fd)
{
	lseek(fd, 0, SEEK_SET);
	section_begin();
	for (int i = 0; i < FILE_PAGES; i++)
		read(fd, page_buffer, PAGE);
	section_end("file_read", FILE_PAGES);
}

static void file_write(int fd)
{
	lseek(fd, 0, SEEK_SET);
	section_begin();
	for (int i = 0; i < FILE_PAGES; i++)
		write(fd, page_buffer, PAGE);
	section_end("file_write", FILE_PAGES);
}

static void open_close(void)
{
	section_begin();
	for (int i = 0; i < 500; i++)
		close(open(SELF, O_RDONLY | O_CLOEXEC));
	section_end("open_close", 500);
}

static void stat_file(void)
{
	struct stat status;

	section_begin();
	for (int i = 0; i < 500; i++)
		stat(SELF, &status);
	section_end("stat", 500);
}

static void files(void)
{
	int fd = make_file();

	file_fault("file_read_fault", PROT_READ, fd);
	file_fault("file_write_fault", PROT_READ | PROT_WRITE, fd);
	file_read(fd);
	file_write(fd);
	close(fd);
	unlink(DATA);
	open_close();
	stat_file();
}

/* ---- processes ---- */

static void fork_exit(const char *name, size_t nr_pages, unsigned long count)
{
	volatile char *at = nr_pages ? map(nr_pages) : NULL;

	touch(at, nr_pages);
	section_begin();
	for (unsigned long i = 0; i < count; i++)
		wait_for(child(NULL, NULL));
	section_end(name, count);
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
	section_begin();
	for (int i = 0; i < 50; i++)
		wait_for(child(exec_self, NULL));
	section_end("fork_exec", 50);
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
		section_missing("pipe_switch", "pipe");
		return;
	}
	pid_t pid = child(echo, NULL);
	section_begin();
	for (int i = 0; i < 500; i++) {
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			_exit(1);
	}
	section_end("pipe_switch", 1000);
	wait_for(pid);
}

/* A page of a pipe, written and read by one process. */
static void pipe_page(void)
{
	int ends[2];

	if (pipe(ends) < 0) {
		section_missing("pipe_page", "pipe");
		return;
	}
	section_begin();
	for (int i = 0; i < 500; i++) {
		write(ends[1], page_buffer, PAGE);
		read(ends[0], page_buffer, PAGE);
	}
	section_end("pipe_page", 500);
	close(ends[0]);
	close(ends[1]);
}

static void poll_ready(void)
{
	int ends[2];

	if (pipe(ends) < 0 || write(ends[1], "", 1) != 1) {
		section_missing("poll", "pipe");
		return;
	}
	struct pollfd files[] = {{.fd = ends[0], .events = POLLIN},
				 {.fd = ends[1], .events = POLLOUT}};

	section_begin();
	for (int i = 0; i < 500; i++)
		poll(files, 2, -1);
	section_end("poll", 500);
	close(ends[0]);
	close(ends[1]);
}

/* The word is the number of turns taken; even: the parent's. */
static void take_turns(volatile char *at, unsigned own)
{
	unsigned *turn = (unsigned *)at;

	for (unsigned i = own; i < 1000; i += 2) {
		unsigned seen;

		while ((seen = __atomic_load_n(turn, __ATOMIC_SEQ_CST)) != i)
			syscall(SYS_futex, turn, FUTEX_WAIT, seen, NULL, NULL, 0);
		__atomic_store_n(turn, i + 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, turn, FUTEX_WAKE, 1, NULL, NULL, 0);
	}
}

static void take_odd_turns(volatile char *at)
{
	take_turns(at, 1);
}

/* Each turn is a wake, a wait and a switch. */
static void futex_switch(void)
{
	volatile char *at =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED) {
		section_missing("futex_switch", "shared memory");
		return;
	}
	pid_t pid = child(take_odd_turns, at);

	section_begin();
	take_turns(at, 0);
	section_end("futex_switch", 1000);
	wait_for(pid);
	unmap(at, 1);
}

static void *end_thread(void *argument)
{
	return argument;
}

static void thread(void)
{
	section_begin();
	for (int i = 0; i < 200; i++) {
		pthread_t id;

		if (pthread_create(&id, NULL, end_thread, NULL) != 0) {
			print("micro: pthread_create failed\n");
			_exit(1);
		}
		pthread_join(id, NULL);
	}
	section_end("thread", 200);
}

static volatile sig_atomic_t nr_handled;

static void handle(int number)
{
	(void)number;
	nr_handled++;
}

static void signal_self(void)
{
	const struct sigaction action = {.sa_handler = handle};
	pid_t pid = getpid();

	sigaction(SIGUSR1, &action, NULL);
	section_begin();
	for (int i = 0; i < 500; i++)
		kill(pid, SIGUSR1);
	section_end("signal", 500);
	if (nr_handled != 500) {
		print("micro: %d of 500 signals handled\n", (int)nr_handled);
		_exit(1);
	}
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
	section_begin();
	for (int i = 0; i < 500; i++)
		syscall(SYS_sched_yield);
	section_end("yield_switch", 1000);
	wait_for(pid);
}

/* ---- mappings ---- */

static void mmap_munmap(const char *name, bool touched)
{
	section_begin();
	for (int i = 0; i < 500; i++) {
		volatile char *at = map(16);
		if (touched)
			at[0] = 1;
		unmap(at, 16);
	}
	section_end(name, 500);
}

static void mprotect_toggle(void)
{
	volatile char *at = map(16);

	at[0] = 1;
	section_begin();
	for (int i = 0; i < 250; i++) {
		mprotect((void *)at, 16 * PAGE, PROT_READ);
		mprotect((void *)at, 16 * PAGE, PROT_READ | PROT_WRITE);
	}
	section_end("mprotect", 500);
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

	section_begin();
	for (size_t i = 0; i < count; i++)
		(void)at[(scattered ? (i * 77 + 13) % count : i) * stride * PAGE];
	section_end(name, count);
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
		section_missing("swap_out", "MADV_PAGEOUT");
		return;
	}
	settle();
	touch(at, SWAP_PAGES);
	section_begin();
	page_out(at, SWAP_PAGES);
	settle(); /* the writes end within the section */
	section_end("swap_out", SWAP_PAGES);
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
	files();
	cow_fault();
	fork_exit("fork_exit", 0, 50);
	fork_exit("fork_exit_8m", 2048, 20);
	fork_exec();
	thread();
	pipe_page();
	poll_ready();
	pipe_switch();
	futex_switch();
	yield_switch();
	signal_self();
	mmap_munmap("mmap_munmap", false);
	mmap_munmap("mmap_touch_munmap", true);
	mprotect_toggle();
	vdso_sections();
	swap();
	return 0;
}
