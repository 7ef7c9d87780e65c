/* Lookup in the table that symbols.awk makes from the first link; in that link itself the table is
 * empty. */
#include "cpu/symbols.h"

struct symbol {
	u64 address;
	u64 name; /* offset in symbol_names */
};

extern const u64 symbol_base; /* kernel_start as it was linked */
extern const u64 symbol_count;
extern const struct symbol symbol_table[]; /* ascending, as linked */
extern const char symbol_names[];

extern char kernel_start[], kernel_text_end[];

u64 kernel_offset(void)
{
	return (u64)kernel_start - symbol_base;
}

const char *symbol_find(u64 address, u64 *offset, u64 *size)
{
	u64 low = 0, high = symbol_count, end;

	if (address < (u64)kernel_start || address >= (u64)kernel_text_end)
		return NULL;
	address -= kernel_offset();
	/* The last symbol that is not above the address is at low - 1. */
	while (low < high) {
		u64 middle = (low + high) / 2;

		if (symbol_table[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	end = low < symbol_count ? symbol_table[low].address
				 : (u64)kernel_text_end - kernel_offset();
	*offset = address - symbol_table[low - 1].address;
	*size = end - symbol_table[low - 1].address;
	return symbol_names + symbol_table[low - 1].name;
}
