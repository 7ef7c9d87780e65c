/*
 * vdso: every function of the library that the kernel maps into programs, and its system call, with the same arguments in
 * the same loop. Sections vdso_NAME and call_NAME, and `nothing`: the loop with a function that only returns.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "section.h"

#define COUNT 1000

typedef long (*function)(long first, long second, long third);

static void just_return(void) {}

/* What a C library without the vDSO has. */
#define CALL(name, nr)                                                          \
	static long call_##name(long first, long second, long third)            \
	{                                                                       \
		long result;                                                    \
                                                                                \
		__asm__ volatile("syscall"                                      \
				 : "=a"(result)                                 \
				 : "a"(nr), "D"(first), "S"(second), "d"(third) \
				 : "rcx", "r11", "memory");                     \
		return result;                                                  \
	}
CALL(clock_gettime, SYS_clock_gettime)
CALL(gettimeofday, SYS_gettimeofday)
CALL(time, SYS_time)
CALL(getcpu, SYS_getcpu)
CALL(getpid, SYS_getpid)

static const void *in_image(const char *image, Elf64_Addr offset)
{
	return image + offset;
}

/* A function of the image by its name, as a C library finds it; NULL when there is none. */
static function find(const char *image, const char *name)
{
	const Elf64_Ehdr *header = in_image(image, 0);
	const Elf64_Phdr *segment = in_image(image, header->e_phoff);
	const Elf64_Sym *symbols = NULL;
	const Elf64_Word *hash = NULL;
	const char *strings = NULL;

	for (int i = 0; i < header->e_phnum; i++, segment++) {
		const Elf64_Dyn *entry = in_image(image, segment->p_offset);

		for (; segment->p_type == PT_DYNAMIC && entry->d_tag != DT_NULL; entry++) {
			const void *table = in_image(image, entry->d_un.d_ptr);

			symbols = entry->d_tag == DT_SYMTAB ? table : symbols;
			strings = entry->d_tag == DT_STRTAB ? table : strings;
			hash = entry->d_tag == DT_HASH ? table : hash;
		}
	}
	for (Elf64_Word i = 0; symbols && strings && hash && i < hash[1]; i++) {
		if (symbols[i].st_shndx != SHN_UNDEF &&
		    strcmp(strings + symbols[i].st_name, name) == 0)
			return (function)in_image(image, symbols[i].st_value);
	}
	return NULL;
}

static void repeat(const char *name, function call, void *first, void *second)
{
	volatile function each = call;

	section_begin();
	for (int i = 0; i < COUNT; i++)
		each((long)first, (long)second, 0);
	section_end(name, COUNT);
}

static void compare(const char *image, const char *vdso_name, function call, void *first,
		    void *second)
{
	const char *name = vdso_name + strlen("__");
	char call_name[32] = "call_";
	function found = image ? find(image, vdso_name) : NULL;

	strcat(call_name, vdso_name + strlen("__vdso_"));
	repeat(call_name, call, first, second);
	if (found) {
		repeat(name, found, first, second);
	} else {
		errno = ENOSYS;
		section_missing(name, "vDSO");
	}
}

void vdso_sections(void)
{
	const char *image = (const char *)getauxval(AT_SYSINFO_EHDR);
	struct timespec time;
	struct timeval of_day;
	unsigned cpu;

	/* It looks at no argument, and what it returns nobody looks at. */
	repeat("nothing", (function)(void *)just_return, NULL, NULL);
	compare(image, "__vdso_clock_gettime", call_clock_gettime, (void *)CLOCK_MONOTONIC, &time);
	compare(image, "__vdso_gettimeofday", call_gettimeofday, &of_day, NULL);
	compare(image, "__vdso_time", call_time, NULL, NULL);
	compare(image, "__vdso_getcpu", call_getcpu, &cpu, NULL);
	compare(image, "__vdso_getpid", call_getpid, NULL, NULL);
}
