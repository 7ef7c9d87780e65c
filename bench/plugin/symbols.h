/* The functions of an ELF64 file, by address. */
#ifndef BENCH_PLUGIN_SYMBOLS_H
#define BENCH_PLUGIN_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbol {
	uint64_t address, end;
	const char *name;
};

struct symbols {
	struct symbol *list; /* by address; without duplicates */
	size_t nr;
};

/* Reads the symbol table of a file, which stays in memory. Returns NULL, or why it could not. A
 * symbol without a size extends to the next one. */
const char *symbols_load(struct symbols *symbols, const char *path);

/* The index of the function that holds the address; symbols->nr when none does. */
size_t symbols_find(const struct symbols *symbols, uint64_t address);

#endif
