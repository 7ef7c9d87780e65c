/* mlock and its kin: what they refuse, what they keep in memory, what a child gets. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE         4096ul
#define PRIVATE_ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW           (PROT_READ | PROT_WRITE)

/* The calls themselves: libraries round addresses. */
static long lock(void *at, size_t size)
{
	return syscall(SYS_mlock, at, size);
}
static long lock2(void *at, size_t size, long flags)
{
	return syscall(SYS_mlock2, at, size, flags);
}
static long unlock(void *at, size_t size)
{
	return syscall(SYS_munlock, at, size);
}

static char *map(size_t nr, int prot)
{
	return mmap(NULL, nr * PAGE, prot, PRIVATE_ANON, -1, 0);
}

/* Which of the pages are in memory. */
static void show_resident(const char *what, char *at, size_t nr)
{
	unsigned char states[16];
	char text[17] = "";

	SHOW(mincore(at, nr * PAGE, states));
	for (size_t i = 0; i < nr; i++)
		text[i] = states[i] & 1 ? 'r' : '.';
	say("%s: %s", what, text);
}

static void errors(void)
{
	char *at = map(4, RW);

	munmap(at + 2 * PAGE, PAGE);
	SHOW(lock(at, 0));
	SHOW(lock((void *)0x10000, 0));
	SHOW(lock((void *)0x10000, PAGE));
	SHOW(lock(at, 3 * PAGE));
	show_resident("up to the hole", at, 2);
	SHOW(madvise(at, PAGE, MADV_DONTNEED)); /* locked all the same */
	SHOW(unlock(at, 3 * PAGE));
	SHOW(madvise(at, PAGE, MADV_DONTNEED));
	SHOW(lock(at, SIZE_MAX));
	SHOW(unlock(at, SIZE_MAX));
	SHOW(lock(at + 1, PAGE));
	SHOW(madvise(at + PAGE, PAGE, MADV_DONTNEED));
	SHOW(unlock(at, 2 * PAGE));
	SHOW(lock2(at, PAGE, 2));
	SHOW(syscall(SYS_mlockall, 0));
	SHOW(syscall(SYS_mlockall, MCL_ONFAULT));
	SHOW(syscall(SYS_mlockall, 8));
	SHOW(unlock(at, PAGE));
	munmap(at, 2 * PAGE);
	munmap(at + 3 * PAGE, PAGE);
}

static void populated(void)
{
	char *at = map(4, RW), *none = map(2, PROT_NONE), *readable = map(2, PROT_READ);

	SHOW(lock(at + PAGE, 2 * PAGE));
	show_resident("locked in the middle", at, 4);
	SHOW(lock2(at, 4 * PAGE, MLOCK_ONFAULT));
	show_resident("on fault", at, 4);
	at[0] = 1;
	show_resident("one more touched", at, 4);
	SHOW(lock(at, 4 * PAGE));
	show_resident("all", at, 4);
	SHOW(lock(none, 2 * PAGE));
	SHOW(lock(readable, 2 * PAGE));
	show_resident("only readable", readable, 2);
	SHOW(mprotect(readable, 2 * PAGE, RW));
	readable[PAGE] = 1;
	SHOW(madvise(readable, 2 * PAGE, MADV_DONTNEED));
	SHOW(madvise(readable, 2 * PAGE, MADV_PAGEOUT));
	SHOW(madvise(readable, 2 * PAGE, MADV_COLD));
	SHOW(madvise(readable, 2 * PAGE, MADV_FREE));
	SHOW(madvise(readable, 2 * PAGE, 24 /* DONTNEED_LOCKED */));
	SHOW(readable[PAGE]);
	SHOW(msync(readable, 2 * PAGE, MS_INVALIDATE));
	SHOW(unlock(readable, 2 * PAGE));
	SHOW(msync(readable, 2 * PAGE, MS_INVALIDATE));
	SHOW(munmap(at, 4 * PAGE));
	SHOW(munmap(none, 2 * PAGE));
	SHOW(munmap(readable, 2 * PAGE));
	at = mmap(NULL, 3 * PAGE, RW, PRIVATE_ANON | MAP_LOCKED, -1, 0);
	show_resident("MAP_LOCKED", at, 3);
	at = (char *)mremap(at, 3 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
	show_resident("grown", at, 5);
	munmap(at, 5 * PAGE);
	at = mmap(NULL, 3 * PAGE, RW, PRIVATE_ANON | MAP_POPULATE, -1, 0);
	show_resident("MAP_POPULATE", at, 3);
	SHOW(madvise(at, 3 * PAGE, MADV_DONTNEED));
	munmap(at, 3 * PAGE);
}

static int not_locked(void *at)
{
	SHOW(madvise(at, PAGE, MADV_DONTNEED));
	return *(char *)at;
}

static void inherited(void)
{
	char *at = map(2, RW);

	at[0] = 7;
	SHOW(lock(at, 2 * PAGE));
	show_child("a child's are not locked", not_locked, at);
	SHOW(at[0]);
	at[PAGE] = 9;
	SHOW(at[PAGE]);
	munmap(at, 2 * PAGE);
}

static void all(void)
{
	char *before = map(3, RW), *after;

	SHOW(syscall(SYS_mlockall, MCL_FUTURE));
	after = map(3, RW);
	show_resident("before MCL_FUTURE", before, 3);
	show_resident("after it", after, 3);
	SHOW(syscall(SYS_mlockall, MCL_CURRENT));
	show_resident("MCL_CURRENT", before, 3);
	munmap(after, 3 * PAGE);
	SHOW(syscall(SYS_mlockall, MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
	after = map(3, RW);
	show_resident("MCL_ONFAULT", after, 3);
	SHOW(madvise(after, PAGE, MADV_DONTNEED));
	SHOW(syscall(SYS_munlockall));
	SHOW(madvise(after, PAGE, MADV_DONTNEED));
	munmap(before, 3 * PAGE);
	munmap(after, 3 * PAGE);
}

int main(void)
{
	errors();
	populated();
	inherited();
	all();
	return 0;
}
