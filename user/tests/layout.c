/*
 * layout [fixed] [ROUNDS]: prints where things lie in the running program, then executes itself,
 * ROUNDS times in all. With `fixed` it asks for no randomisation before the first exec, which a
 * program keeps through exec and passes on by fork.
 *
 *   layout ROUND stack ADDRESS mmap ADDRESS brk ADDRESS text ADDRESS random WORD
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/print.h"

#define PAGE_SIZE 4096

static void print_layout(int round)
{
	const char *stack = (const char *)getauxval(AT_EXECFN);
	void *mapped = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t random;

	memcpy(&random, (const void *)getauxval(AT_RANDOM), sizeof(random));
	/* The raw call: a C library may have moved the end already, and then mapped below nothing. */
	print("layout %d stack %lx mmap %lx brk %lx text %lx random %lx\n", round,
	      (unsigned long)stack & -PAGE_SIZE, (unsigned long)mapped,
	      (unsigned long)syscall(SYS_brk, 0) & -PAGE_SIZE,
	      (unsigned long)getauxval(AT_PHDR) & -PAGE_SIZE, (unsigned long)random);
}

int main(int argc, char **argv)
{
	int fixed = argc > 1 && !strcmp(argv[1], "fixed");
	int rounds = argc > 1 + fixed ? atoi(argv[1 + fixed]) : 1;
	char left[16] = "1";
	char *again[] = {argv[0], left, NULL};

	print_layout(rounds);
	if (fixed && personality(ADDR_NO_RANDOMIZE) < 0)
		return 1;
	if (fixed && personality(0xffffffff) != ADDR_NO_RANDOMIZE)
		return 2;
	if (rounds < 2 || rounds > 9)
		return 0;
	left[0] = '0' + rounds - 1;
	execv(argv[0], again);
	return 127;
}
