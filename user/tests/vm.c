/*
 * vm: address spaces as programs see them: mappings, protections, the heap, the stack, and copies
 * after a fork.
 */
#define _DEFAULT_SOURCE /* mincore */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096ul

static char *map(size_t nr_pages)
{
	return mmap(NULL, nr_pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
}

static bool all_bytes_are(const char *p, size_t size, char byte)
{
	for (size_t i = 0; i < size; i++) {
		if (p[i] != byte)
			return false;
	}
	return true;
}

static const char *test_mmap_zeroed(void)
{
	char *p = map(16);

	CHECK(p != MAP_FAILED);
	CHECK(all_bytes_are(p, 16 * PAGE, 0));
	memset(p, 'x', 16 * PAGE);
	CHECK(all_bytes_are(p, 16 * PAGE, 'x'));
	CHECK(munmap(p, 16 * PAGE) == 0);
	CHECK(check_segfaults(p, CHECK_READ));
	return NULL;
}

static const char *test_mmap_errors(void)
{
	char *p = map(1);

	CHECK(p != MAP_FAILED);
	CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	CHECK(errno == EINVAL);
	CHECK(munmap(p + 1, PAGE) == -1 && errno == EINVAL);
	CHECK(munmap(p, 0) == -1 && errno == EINVAL);
	CHECK(munmap(p, PAGE) == 0);
	CHECK(munmap(p, PAGE) == 0); /* nothing there is no error */
	CHECK(mprotect(p, PAGE, PROT_READ) == -1 && errno == ENOMEM);
	return NULL;
}

static const char *test_mmap_fixed_replaces(void)
{
	char *p = map(3);

	CHECK(p != MAP_FAILED);
	memset(p, 'x', 3 * PAGE);
	CHECK(mmap(p + PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		   -1, 0) == p + PAGE);
	CHECK(all_bytes_are(p, PAGE, 'x'));
	CHECK(all_bytes_are(p + PAGE, PAGE, 0));
	CHECK(all_bytes_are(p + 2 * PAGE, PAGE, 'x'));
	CHECK(munmap(p, 3 * PAGE) == 0);
	return NULL;
}

static const char *test_zero_page_then_write(void)
{
	char *p = map(8);

	CHECK(p != MAP_FAILED);
	CHECK(all_bytes_are(p, 8 * PAGE, 0)); /* read first: all may share one frame of zeroes */
	p[3 * PAGE + 5] = 'x';
	CHECK(p[3 * PAGE + 5] == 'x');
	p[3 * PAGE + 5] = 0;
	CHECK(all_bytes_are(p, 8 * PAGE, 0));
	CHECK(munmap(p, 8 * PAGE) == 0);
	return NULL;
}

static const char *test_munmap_splits(void)
{
	char *p = map(5);

	CHECK(p != MAP_FAILED);
	memset(p, 'x', 5 * PAGE);
	CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
	CHECK(check_segfaults(p + 2 * PAGE, CHECK_READ));
	CHECK(check_segfaults(p + 3 * PAGE - 1, CHECK_WRITE));
	CHECK(all_bytes_are(p, 2 * PAGE, 'x'));
	CHECK(all_bytes_are(p + 3 * PAGE, 2 * PAGE, 'x'));
	CHECK(munmap(p, 5 * PAGE) == 0); /* across the hole */
	CHECK(check_segfaults(p + 4 * PAGE, CHECK_READ));
	return NULL;
}

static const char *test_mprotect_splits_and_merges(void)
{
	char *p = map(5);

	CHECK(p != MAP_FAILED);
	memset(p, 'x', 5 * PAGE);
	CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_READ) == 0);
	CHECK(check_segfaults(p + 2 * PAGE, CHECK_WRITE));
	CHECK(all_bytes_are(p, 5 * PAGE, 'x'));
	p[2 * PAGE - 1] = 'x';
	p[3 * PAGE] = 'x';
	CHECK(mprotect(p + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	memset(p, 'y', 5 * PAGE);
	CHECK(all_bytes_are(p, 5 * PAGE, 'y'));
	CHECK(munmap(p + PAGE, 3 * PAGE) == 0); /* spans all the parts it had been cut into */
	CHECK(p[0] == 'y' && p[4 * PAGE] == 'y');
	CHECK(munmap(p, 5 * PAGE) == 0);
	return NULL;
}

static const char *test_mprotect_across_hole(void)
{
	char *p = map(3);

	CHECK(p != MAP_FAILED);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	CHECK(mprotect(p, 3 * PAGE, PROT_READ) == -1 && errno == ENOMEM);
	CHECK(munmap(p, 3 * PAGE) == 0);
	return NULL;
}

static const char *test_prot_none(void)
{
	char *p = map(2);

	CHECK(p != MAP_FAILED);
	p[0] = 'x';
	CHECK(mprotect(p, 2 * PAGE, PROT_NONE) == 0);
	CHECK(check_segfaults(p, CHECK_READ));
	CHECK(check_segfaults(p, CHECK_WRITE));
	CHECK(check_segfaults(p + PAGE, CHECK_READ)); /* a page that was never touched */
	CHECK(mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE) == 0);
	CHECK(p[0] == 'x');
	CHECK(p[PAGE] == 0);
	CHECK(munmap(p, 2 * PAGE) == 0);
	return NULL;
}

static const char *test_read_only(void)
{
	static const char constant[] = "lies in a read-only segment";
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	CHECK(check_segfaults(p, CHECK_WRITE)); /* before the first touch */
	CHECK(all_bytes_are(p, PAGE, 0));
	CHECK(check_segfaults(p, CHECK_WRITE)); /* and with the zero page in place */
	CHECK(check_segfaults((void *)constant, CHECK_WRITE));
	CHECK(munmap(p, PAGE) == 0);
	return NULL;
}

static const char *test_null_page(void)
{
	CHECK(check_segfaults(NULL, CHECK_READ));
	CHECK(check_segfaults((void *)0xffff800000000000ul, CHECK_READ));
	return NULL;
}

/* musl's own brk() always fails, on purpose; the system call returns the new or the unchanged end.
 */
static char *raw_brk(char *end)
{
	return (char *)syscall(SYS_brk, end);
}

static const char *test_brk(void)
{
	char *begin = raw_brk(NULL);
	char *page = (char *)(((uintptr_t)begin + PAGE - 1) & ~(PAGE - 1));
	char *end = page + 8 * PAGE;

	CHECK(raw_brk(end) == end);
	CHECK(all_bytes_are(page, 8 * PAGE, 0));
	memset(page, 'x', 8 * PAGE);
	CHECK(raw_brk(page + 2 * PAGE) == page + 2 * PAGE);
	CHECK(all_bytes_are(page, 2 * PAGE, 'x'));
	CHECK(check_segfaults(page + 2 * PAGE, CHECK_READ));
	CHECK(raw_brk(end) == end);
	CHECK(all_bytes_are(page, 2 * PAGE, 'x'));
	CHECK(all_bytes_are(page + 2 * PAGE, 6 * PAGE, 0));
	CHECK(raw_brk((char *)0xffff800000000000ul) == end); /* refused: unchanged */
	CHECK(raw_brk(begin) == begin);
	return NULL;
}

static const char *test_madvise_dontneed(void)
{
	char *p = map(4);

	CHECK(p != MAP_FAILED);
	memset(p, 'x', 4 * PAGE);
	CHECK(madvise(p + PAGE, 2 * PAGE, MADV_DONTNEED) == 0);
	CHECK(all_bytes_are(p, PAGE, 'x'));
	CHECK(all_bytes_are(p + PAGE, 2 * PAGE, 0));
	CHECK(all_bytes_are(p + 3 * PAGE, PAGE, 'x'));
	p[PAGE] = 'y';
	CHECK(p[PAGE] == 'y');
	CHECK(munmap(p, 4 * PAGE) == 0);
	return NULL;
}

/* Each frame of the recursion takes a quarter of a page, written on the way down and checked on the
 * way up. */
__attribute__((noinline)) static bool descend(unsigned int depth)
{
	volatile char frame[1024];

	for (size_t i = 0; i < sizeof(frame); i += 128)
		frame[i] = (char)depth;
	if (depth > 0 && !descend(depth - 1))
		return false;
	for (size_t i = 0; i < sizeof(frame); i += 128) {
		if (frame[i] != (char)depth)
			return false;
	}
	return true;
}

static const char *test_mincore(void)
{
	unsigned char states[5] = {9, 9, 9, 9, 9};
	char *p = map(4);

	CHECK(p != MAP_FAILED);
	p[PAGE] = 'x';
	CHECK(p[3 * PAGE] == 0); /* the page of zeroes is in memory too */
	CHECK(mincore(p, 4 * PAGE, states) == 0);
	CHECK(!(states[0] & 1) && (states[1] & 1) && !(states[2] & 1) && (states[3] & 1));
	CHECK(states[4] == 9);
	CHECK(mincore(p + 1, PAGE, states) == -1 && errno == EINVAL);
	CHECK(mincore(p, 0, states) == 0);
	CHECK(mincore(p, PAGE, (unsigned char *)16) == -1 && errno == EFAULT);
	CHECK(munmap(p + 2 * PAGE, PAGE) == 0);
	CHECK(mincore(p, 4 * PAGE, states) == -1 && errno == ENOMEM);
	CHECK(munmap(p, 4 * PAGE) == 0);
	return NULL;
}

static int touch_16_pages(void *context)
{
	char *p = map(16);

	(void)context;
	for (int i = 0; i < 16; i++)
		p[i * PAGE] = 'x';
	return 0;
}

static const char *test_rusage_counts_faults(void)
{
	struct rusage before, after;

	CHECK(getrusage(RUSAGE_SELF, &before) == 0);
	touch_16_pages(NULL);
	CHECK(getrusage(RUSAGE_SELF, &after) == 0);
	CHECK(after.ru_minflt >= before.ru_minflt + 16 && after.ru_minflt < before.ru_minflt + 64);
	CHECK(getrusage(RUSAGE_CHILDREN, &before) == 0);
	CHECK(check_in_child(touch_16_pages, NULL) == 0);
	CHECK(getrusage(RUSAGE_CHILDREN, &after) == 0);
	CHECK(after.ru_minflt >= before.ru_minflt + 16);
	return NULL;
}

static const char *test_stack_grows(void)
{
	bool one_mebibyte_of_stack_kept = descend(1024);

	CHECK(one_mebibyte_of_stack_kept);
	return NULL;
}

static int overwrite(void *p)
{
	memset(p, 'c', 4 * PAGE);
	return !all_bytes_are(p, 4 * PAGE, 'c');
}

static const char *test_child_write_stays_private(void)
{
	char *p = map(4);

	CHECK(p != MAP_FAILED);
	memset(p, 'p', 3 * PAGE); /* the last page is copied by fork before it exists */
	CHECK(check_in_child(overwrite, p) == 0);
	CHECK(all_bytes_are(p, 3 * PAGE, 'p'));
	CHECK(all_bytes_are(p + 3 * PAGE, PAGE, 0));
	memset(p, 'q', 4 * PAGE);
	CHECK(all_bytes_are(p, 4 * PAGE, 'q'));
	CHECK(munmap(p, 4 * PAGE) == 0);
	return NULL;
}

/*
 * The child must look only after the parent has written, and there is no pipe and no shared memory
 * to say so. A second process is the flag: the parent writes, then kills and reaps it, and the
 * child waits until that pid is gone.
 */
static const char *test_parent_write_stays_private(void)
{
	char *p = map(4);
	int status;

	CHECK(p != MAP_FAILED);
	memset(p, 'p', 4 * PAGE);
	pid_t flag = fork();
	while (flag == 0)
		syscall(SYS_sched_yield);
	pid_t child = fork();
	if (child == 0) {
		while (kill(flag, 0) == 0)
			syscall(SYS_sched_yield);
		_exit(!all_bytes_are(p, 4 * PAGE, 'p'));
	}
	memset(p, 'q', 4 * PAGE);
	CHECK(flag > 0 && kill(flag, SIGKILL) == 0);
	CHECK(wait4(flag, &status, 0, NULL) == flag);
	CHECK(child > 0 && wait4(child, &status, 0, NULL) == child);
	bool child_saw_its_own_copy = status == 0;
	CHECK(child_saw_its_own_copy);
	CHECK(all_bytes_are(p, 4 * PAGE, 'q'));
	CHECK(munmap(p, 4 * PAGE) == 0);
	return NULL;
}

static int fork_and_overwrite(void *p)
{
	return check_in_child(overwrite, p) != 0 || !all_bytes_are(p, 4 * PAGE, 'p');
}

static const char *test_grandchild_write_stays_private(void)
{
	char *p = map(4);

	CHECK(p != MAP_FAILED);
	memset(p, 'p', 4 * PAGE);
	CHECK(check_in_child(fork_and_overwrite, p) == 0);
	CHECK(all_bytes_are(p, 4 * PAGE, 'p'));
	CHECK(munmap(p, 4 * PAGE) == 0);
	return NULL;
}

int main(void)
{
	static const struct check checks[] = {
		{"vm_mmap_zeroed", test_mmap_zeroed},
		{"vm_mmap_errors", test_mmap_errors},
		{"vm_mmap_fixed_replaces", test_mmap_fixed_replaces},
		{"vm_zero_page_then_write", test_zero_page_then_write},
		{"vm_munmap_splits", test_munmap_splits},
		{"vm_mprotect_splits_and_merges", test_mprotect_splits_and_merges},
		{"vm_mprotect_across_hole", test_mprotect_across_hole},
		{"vm_prot_none", test_prot_none},
		{"vm_read_only", test_read_only},
		{"vm_null_page", test_null_page},
		{"vm_brk", test_brk},
		{"vm_madvise_dontneed", test_madvise_dontneed},
		{"vm_mincore", test_mincore},
		{"vm_rusage_counts_faults", test_rusage_counts_faults},
		{"vm_stack_grows", test_stack_grows},
		{"vm_child_write_stays_private", test_child_write_stays_private},
		{"vm_parent_write_stays_private", test_parent_write_stays_private},
		{"vm_grandchild_write_stays_private", test_grandchild_write_stays_private},
	};

	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
