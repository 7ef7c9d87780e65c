/* The shared library that the kernel maps into every program: found, read as ELF, and called. */
#define _GNU_SOURCE
#include <elf.h>
#include <sched.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE 4096ul

static const char *image;
static const Elf64_Sym *symbols;
static const char *strings;
static const Elf64_Half *versions;
static Elf64_Word nr_symbols;

static const void *in_image(Elf64_Addr offset)
{
	return image + offset;
}

/* Finds the tables by the dynamic section, as a C library does. */
static void read_tables(void)
{
	const Elf64_Ehdr *header = in_image(0);
	const Elf64_Phdr *segments = in_image(header->e_phoff);

	for (int i = 0; i < header->e_phnum; i++) {
		if (segments[i].p_type == PT_LOAD || segments[i].p_type == PT_DYNAMIC)
			say("segment type %u flags %x", segments[i].p_type, segments[i].p_flags);
		if (segments[i].p_type != PT_DYNAMIC)
			continue;
		const Elf64_Dyn *entry = in_image(segments[i].p_offset);

		for (; entry->d_tag != DT_NULL; entry++) {
			if (entry->d_tag == DT_SYMTAB)
				symbols = in_image(entry->d_un.d_ptr);
			if (entry->d_tag == DT_STRTAB)
				strings = in_image(entry->d_un.d_ptr);
			if (entry->d_tag == DT_VERSYM)
				versions = in_image(entry->d_un.d_ptr);
			if (entry->d_tag == DT_HASH)
				nr_symbols = ((const Elf64_Word *)in_image(entry->d_un.d_ptr))[1];
		}
	}
}

static const void *find(const char *name)
{
	for (Elf64_Word i = 0; i < nr_symbols; i++) {
		if (symbols[i].st_shndx != SHN_UNDEF &&
		    strcmp(strings + symbols[i].st_name, name) == 0)
			return in_image(symbols[i].st_value);
	}
	return NULL;
}

static long ns(const struct timespec *time)
{
	return time->tv_sec * 1000000000l + time->tv_nsec;
}

/* Whether the library's time lies between two of the kernel's. */
static void try_clock(const char *name, clockid_t clock)
{
	int (*gettime)(clockid_t, struct timespec *) = find("__vdso_clock_gettime");
	struct timespec before, there, after;

	syscall(SYS_clock_gettime, clock, &before);
	int result = gettime(clock, &there);
	syscall(SYS_clock_gettime, clock, &after);
	say("%s: result %d, in order %d, nanoseconds %d", name, result,
	    ns(&before) <= ns(&there) && ns(&there) <= ns(&after),
	    there.tv_nsec >= 0 && there.tv_nsec < 1000000000);
}

/* A thousand readings, one by the library and one by the kernel in turn, never go back. */
static void try_monotony(void)
{
	int (*gettime)(clockid_t, struct timespec *) = find("__vdso_clock_gettime");
	struct timespec last = {0}, now;
	int backwards = 0;

	for (int i = 0; i < 1000; i++) {
		if (i % 2)
			gettime(CLOCK_MONOTONIC, &now);
		else
			syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
		backwards += ns(&now) < ns(&last);
		last = now;
	}
	say("backwards: %d of 1000", backwards);
}

static void try_seconds(void)
{
	int (*timeofday)(struct timeval *, struct timezone *) = find("__vdso_gettimeofday");
	time_t (*seconds)(time_t *) = find("__vdso_time");
	struct timeval there, later;
	struct timezone zone = {77, 77};
	time_t stored = -1;

	SHOW(timeofday(&there, NULL));
	time_t returned = seconds(&stored);
	SHOW(timeofday(&later, &zone));
	say("zone %d %d", zone.tz_minuteswest, zone.tz_dsttime);
	/* time() may be that of the last tick. */
	say("time: stored %d, in order %d", stored == returned,
	    there.tv_sec - 1 <= returned && returned <= later.tv_sec);
	say("microseconds: %d", there.tv_usec >= 0 && there.tv_usec < 1000000);
	SHOW(timeofday(NULL, NULL));
}

static void try_getcpu(void)
{
	long (*getcpu)(unsigned *, unsigned *, void *) = find("__vdso_getcpu");
	unsigned cpu = 777, node = 777, from_kernel;
	int agreed = 0;

	/* Another CPU may take over between the two: not every time. */
	for (int i = 0; i < 1000 && !agreed; i++) {
		syscall(SYS_getcpu, &from_kernel, NULL, NULL);
		getcpu(&cpu, &node, NULL);
		agreed = cpu == from_kernel;
	}
	say("getcpu: agreed %d, node %u", agreed, node);
	SHOW(getcpu(NULL, NULL, NULL));
}

/* Linux has none. */
static int check_getpid(void *unused)
{
	int (*number)(void) = find("__vdso_getpid");

	(void)unused;
	return number && number() != syscall(SYS_getpid);
}

static int write_to(void *address)
{
	*(volatile char *)address = 0;
	return 0;
}

int main(void)
{
	image = (const char *)getauxval(AT_SYSINFO_EHDR);
	say("aligned %d, magic %d", ((unsigned long)image & (PAGE - 1)) == 0,
	    image && memcmp(image, ELFMAG, SELFMAG) == 0);
	read_tables();
	static const char *const names[] = {
		"__vdso_clock_gettime", "__vdso_gettimeofday", "__vdso_time", "__vdso_getcpu",
		"clock_gettime",        "gettimeofday",        "time",        "getcpu"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		say("%s: %s", names[i], find(names[i]) ? "found" : "missing");
	say("versions: %d", versions != NULL);
	try_clock("CLOCK_REALTIME", CLOCK_REALTIME);
	try_clock("CLOCK_MONOTONIC", CLOCK_MONOTONIC);
	try_clock("CLOCK_BOOTTIME", CLOCK_BOOTTIME);
	try_clock("CLOCK_MONOTONIC_RAW", CLOCK_MONOTONIC_RAW);
	try_clock("CLOCK_PROCESS_CPUTIME_ID", CLOCK_PROCESS_CPUTIME_ID);
	try_monotony();
	try_seconds();
	try_getcpu();
	show_child("getpid in a child", check_getpid, NULL);
	say("getpid: %d", check_getpid(NULL));
	/* Whether a program may make it writable differs from one Linux to the next. */
	show_child("write to the image", write_to, (void *)image);
	return 0;
}
