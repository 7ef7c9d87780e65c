/* Which parts of a file are holes when pages were allocated, read, written, mapped and cut. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE 4096l
#define NR   10

static int fd;

/* D for a page of data, - for a hole, and how many pages the file has. */
static void show_map(const char *after)
{
	char map[NR + 1] = "";
	struct stat stat;

	for (off_t i = 0; i < NR; i++)
		map[i] = lseek(fd, i * PAGE, SEEK_DATA) == i * PAGE ? 'D' : '-';
	if (fstat(fd, &stat))
		say("fstat: %s", strerror(errno));
	say("%s: %s, %ld pages, size %ld", after, map, (long)stat.st_blocks / 8,
	    (long)stat.st_size);
}

int main(void)
{
	char buffer[2 * PAGE] = "x";
	char *p;

	fd = memfd_create("fallocated", MFD_ALLOW_SEALING);
	SHOW(fallocate(fd, 0, 0, 6 * PAGE));
	show_map("allocated");
	SHOW(pread(fd, buffer, sizeof(buffer), PAGE));
	show_map("read");
	SHOW(pwrite(fd, "y", 1, 2 * PAGE + 7));
	show_map("written");
	p = mmap(NULL, NR * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	say("mapped: %d %d", p[4 * PAGE], p[2 * PAGE + 7]);
	show_map("read through a mapping");
	p[0] = 1;
	show_map("written through a mapping");
	SHOW(fallocate(fd, 0, 0, 7 * PAGE));
	show_map("allocated again");
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 8 * PAGE, PAGE));
	show_map("allocated behind the end");
	SHOW(ftruncate(fd, NR * PAGE));
	show_map("made longer");
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, PAGE + 1, PAGE));
	show_map("punched in parts of pages");
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, 3 * PAGE));
	show_map("punched");
	SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SHOW(fallocate(fd, 0, 9 * PAGE, 2 * PAGE));
	show_map("sealed");
	SHOW(fallocate(fd, 0, 0, 0));
	SHOW(fallocate(fd, 0, -1, PAGE));
	SHOW(fallocate(fd, 0x100, 0, PAGE));
	return 0;
}
