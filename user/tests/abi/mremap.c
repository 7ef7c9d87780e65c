/* mremap: what it refuses, and that pages come along: after a fork, in part, and back again. */
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

static long remap(void *at, size_t old_size, size_t new_size, long flags, void *to)
{
	return syscall(SYS_mremap, at, old_size, new_size, flags, to);
}

/* Pages whose first byte is 'a', 'b', … with a hole behind them; room for moves lies in between. */
static char *pages(size_t nr)
{
	char *at = mmap(NULL, (nr + 16) * PAGE, RW, PRIVATE_ANON, -1, 0);

	munmap(at + nr * PAGE, 16 * PAGE);
	for (size_t i = 0; i < nr; i++)
		at[i * PAGE] = (char)('a' + i);
	return at;
}

static void show_pages(const char *what, const char *at, size_t nr)
{
	char text[32];

	for (size_t i = 0; i < nr; i++)
		text[i] = at[i * PAGE] ? at[i * PAGE] : '.';
	text[nr] = 0;
	say("%s: %s", what, text);
}

static void errors(void)
{
	char *at = pages(4), *to = mmap(NULL, 8 * PAGE, RW, PRIVATE_ANON, -1, 0);

	SHOW(remap(at, PAGE, PAGE, 8, NULL));
	SHOW(remap(at, PAGE, PAGE, MREMAP_FIXED, to));
	SHOW(remap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	SHOW(remap(at, PAGE, PAGE, MREMAP_DONTUNMAP, NULL));
	SHOW(remap(at + 1, PAGE, PAGE, 0, NULL));
	SHOW(remap(at, PAGE, 0, 0, NULL));
	SHOW(remap(at, PAGE, SIZE_MAX, 0, NULL));
	SHOW(remap(at, PAGE, 1ul << 47, MREMAP_MAYMOVE, NULL));
	SHOW(remap(at, 0, PAGE, 0, NULL));
	SHOW(remap(at, 0, PAGE, MREMAP_MAYMOVE, NULL));
	SHOW(remap(at, 5 * PAGE, 6 * PAGE, MREMAP_MAYMOVE, NULL));
	SHOW(remap((void *)0x10000, PAGE, 2 * PAGE, MREMAP_MAYMOVE, NULL));
	SHOW(remap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to + 1));
	SHOW(remap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)0x7ffffffff000));
	SHOW(remap(at, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE));
	SHOW(remap(at, 4 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at));
	SHOW(remap(at, 2 * PAGE, 3 * PAGE, 0, NULL));
	show_pages("after all of these", at, 4);
	munmap(to, 8 * PAGE);
}

static void sizes(void)
{
	char *at = pages(4), *moved;

	SHOW(remap(at, 4 * PAGE, 2 * PAGE, 0, NULL) == (long)at);
	SHOW(madvise(at + 2 * PAGE, PAGE, MADV_NORMAL));
	SHOW(remap(at, 2 * PAGE, 6 * PAGE, 0, NULL) == (long)at);
	show_pages("smaller, then larger", at, 6);
	moved = mmap(at + 6 * PAGE, PAGE, PROT_READ, PRIVATE_ANON | MAP_FIXED, -1, 0);
	SHOW(moved == at + 6 * PAGE);
	SHOW(remap(at, 6 * PAGE, 7 * PAGE, 0, NULL));
	moved = (char *)remap(at, 6 * PAGE, 9 * PAGE, MREMAP_MAYMOVE, NULL);
	SHOW(moved != at);
	show_pages("moved to grow", moved, 9);
	SHOW(madvise(at, PAGE, MADV_NORMAL));
	moved[8 * PAGE] = 'z';
	SHOW(remap(moved, 9 * PAGE, 9 * PAGE, 0, NULL) == (long)moved);
	show_pages("the same size", moved, 9);
	munmap(moved, 9 * PAGE);
	munmap(at + 6 * PAGE, PAGE);
}

static void places(void)
{
	char *at = pages(6), *to = mmap(NULL, 16 * PAGE, RW, PRIVATE_ANON, -1, 0);
	const long fixed = MREMAP_MAYMOVE | MREMAP_FIXED;

	memset(to, '-', 16 * PAGE);
	SHOW(remap(at + PAGE, 2 * PAGE, 2 * PAGE, fixed, to + PAGE) == (long)(to + PAGE));
	show_pages("a part moved over others", to, 6);
	SHOW(madvise(at + PAGE, 2 * PAGE, MADV_NORMAL));
	SHOW(remap(to + PAGE, 2 * PAGE, 2 * PAGE, fixed, at + PAGE) == (long)(at + PAGE));
	show_pages("and back", at, 6);
	SHOW(madvise(to + PAGE, 2 * PAGE, MADV_NORMAL));
	SHOW(remap(at, 6 * PAGE, 3 * PAGE, fixed, to) == (long)to);
	show_pages("moved and cut", to, 3);
	SHOW(remap(to, 3 * PAGE, 5 * PAGE, fixed, at) == (long)at);
	show_pages("moved and grown", at, 5);
	SHOW(remap(at, 5 * PAGE, 5 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, to + 3 * PAGE) > 0);
	show_pages("what stays behind", at, 5);
	munmap(at, 5 * PAGE);
	munmap(to, 16 * PAGE);
}

static char *shared;

/* Moves, writes and looks, while the parent has the same pages elsewhere. */
static int child(void *context)
{
	char *to = mmap(NULL, 4 * PAGE, RW, PRIVATE_ANON, -1, 0);

	(void)context;
	SHOW(remap(shared, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
	show_pages("the child's", to, 4);
	to[0] = 'A';
	to[3 * PAGE] = 'D';
	show_pages("the child's, written", to, 4);
	return 0;
}

static void forks(void)
{
	char *to = mmap(NULL, 4 * PAGE, RW, PRIVATE_ANON, -1, 0);

	shared = pages(4);
	show_child("a child that moves", child, NULL);
	show_pages("the parent's", shared, 4);
	SHOW(remap(shared, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
	shared = to;
	to[PAGE] = 'B';
	show_child("a child of one that moved", child, NULL);
	show_pages("the parent's, moved", shared, 4);
	munmap(to, 4 * PAGE);
}

static void rights(void)
{
	char *at = pages(2), *to = mmap(NULL, 2 * PAGE, RW, PRIVATE_ANON, -1, 0);

	mprotect(at, 2 * PAGE, PROT_NONE);
	SHOW(remap(at, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to);
	mprotect(to, 2 * PAGE, PROT_READ);
	show_pages("moved without rights", to, 2);
	munmap(to, 2 * PAGE);
}

int main(void)
{
	errors();
	sizes();
	places();
	forks();
	rights();
	return 0;
}
