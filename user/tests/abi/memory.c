/* What the memory calls refuse, and the heap. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE         4096ul
#define PRIVATE_ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW           (PROT_READ | PROT_WRITE)

static void mmap_errors(char *page)
{
	SHOW_OK(mmap(NULL, 0, RW, PRIVATE_ANON, -1, 0));
	SHOW_OK(mmap(NULL, PAGE, RW, MAP_ANONYMOUS, -1, 0));
	SHOW_OK(mmap(NULL, SIZE_MAX, RW, PRIVATE_ANON, -1, 0));
	SHOW_OK(mmap(NULL, SIZE_MAX - PAGE + 1, RW, PRIVATE_ANON, -1, 0));
	SHOW_OK(mmap(NULL, 1ul << 47, RW, PRIVATE_ANON, -1, 0));
	SHOW_OK(mmap(page + 1, PAGE, RW, PRIVATE_ANON | MAP_FIXED, -1, 0));
	SHOW_OK(mmap((void *)0x7fffffffffff, PAGE, RW, PRIVATE_ANON | MAP_FIXED, -1, 0));
	SHOW_OK(mmap((void *)0x7ffffffff000, PAGE, RW, PRIVATE_ANON | MAP_FIXED, -1, 0));
	SHOW_OK(mmap((void *)0x800000000000, PAGE, RW, PRIVATE_ANON | MAP_FIXED, -1, 0));
	SHOW_OK(mmap((void *)-PAGE, PAGE, RW, PRIVATE_ANON | MAP_FIXED, -1, 0));
	SHOW_OK(syscall(SYS_mmap, NULL, PAGE, RW, PRIVATE_ANON, -1, 1));
}

static void munmap_errors(char *page)
{
	SHOW(munmap(page, 0));
	SHOW(munmap(page + 1, PAGE));
	SHOW(munmap(page, SIZE_MAX));
	SHOW(munmap((void *)0x7ffffffff000, PAGE));
	SHOW(munmap((void *)0x800000000000, PAGE));
	SHOW(munmap((void *)0x7fffffffe000, PAGE));
	SHOW(munmap((void *)0x10000, PAGE));
}

/* The call itself: musl's function rounds the address. */
static long protect(void *address, size_t size, long prot)
{
	return syscall(SYS_mprotect, address, size, prot);
}

static void mprotect_errors(char *page)
{
	SHOW(protect(page, 0, PROT_NONE));
	SHOW(protect(page + 1, PAGE, PROT_NONE));
	SHOW(protect(page, 3 * PAGE, RW));
	SHOW(protect(page, SIZE_MAX - PAGE + 1, RW));
	SHOW(protect((void *)0x10000, PAGE, RW));
	SHOW(protect((void *)0x10000, 0, RW));
	SHOW(protect(page, PAGE, 0x40));
	SHOW(protect(page, PAGE, PROT_READ | PROT_GROWSDOWN));
}

static void madvise_errors(char *page)
{
	SHOW(madvise(page, PAGE, 9999));
	SHOW(madvise(page + 1, PAGE, MADV_DONTNEED));
	SHOW(madvise(page, 0, MADV_DONTNEED));
	SHOW(madvise(page, SIZE_MAX, MADV_DONTNEED));
	SHOW(madvise(page, SIZE_MAX - PAGE + 1, MADV_DONTNEED));
	SHOW(madvise((void *)0x10000, PAGE, MADV_DONTNEED));
	SHOW(madvise(page, PAGE, MADV_DONTNEED));
	SHOW(page[0]);
}

static void mincore_errors(char *page)
{
	unsigned char state = 0xee;

	SHOW(mincore(page + 1, PAGE, &state));
	SHOW(mincore(page, 0, &state));
	SHOW(mincore((void *)0x10000, PAGE, &state));
	SHOW(mincore(page, SIZE_MAX - PAGE + 1, &state));
	SHOW(mincore(page, PAGE, (unsigned char *)8));
	page[0] = 1;
	SHOW(mincore(page, PAGE, &state));
	SHOW(state);
}

static void heap(void)
{
	char *end = (char *)syscall(SYS_brk, 0);

	SHOW(syscall(SYS_brk, 0) == (long)end);
	SHOW(syscall(SYS_brk, 1) == (long)end);
	SHOW(syscall(SYS_brk, -1l) == (long)end);
	SHOW(syscall(SYS_brk, end + 3 * PAGE) == (long)end + 3 * (long)PAGE);
	memset(end, 'x', 3 * PAGE);
	SHOW(syscall(SYS_brk, end + 1) == (long)end + 1);
	SHOW(syscall(SYS_brk, end + 3 * PAGE) == (long)end + 3 * (long)PAGE);
	SHOW(end[2 * PAGE]);
	SHOW(syscall(SYS_brk, end) == (long)end);
}

static int write_to(void *address)
{
	*(volatile char *)address = 1;
	return 0;
}

static void protections(char *page)
{
	SHOW(protect(page, PAGE, PROT_READ));
	show_child("write to a read-only page", write_to, page);
	SHOW(protect(page, PAGE, PROT_NONE));
	show_child("write to PROT_NONE", write_to, page);
	SHOW(protect(page, PAGE, RW));
	show_child("write to a writable page", write_to, page);
	SHOW(page[0]);
	show_child("write where nothing is", write_to, page + PAGE);
}

int main(void)
{
	/* The second page is a hole. */
	char *page = mmap(NULL, 3 * PAGE, RW, PRIVATE_ANON, -1, 0);

	munmap(page + PAGE, PAGE);
	mmap_errors(page);
	munmap_errors(page);
	mprotect_errors(page);
	madvise_errors(page);
	mincore_errors(page);
	heap();
	protections(page);
	return 0;
}
