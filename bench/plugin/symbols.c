#include "symbols.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
	const uint8_t *bytes;
	size_t size;
};

static const char *map_file(struct image *image, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return strerror(errno);
	image->size = (size_t)st.st_size;
	image->bytes = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	return image->bytes == MAP_FAILED ? strerror(errno) : NULL;
}

static bool holds(const struct image *image, uint64_t offset, uint64_t size)
{
	return offset <= image->size && size <= image->size - offset;
}

/* The section header of the symbol table, or of the table it names; NULL when there is none. */
static const Elf64_Shdr *section(const struct image *image, const Elf64_Ehdr *elf, uint32_t type,
				 uint32_t index)
{
	const Elf64_Shdr *headers = (const void *)(image->bytes + elf->e_shoff);

	for (uint32_t i = 0; i < elf->e_shnum; i++) {
		if ((index ? i == index : headers[i].sh_type == type) &&
		    holds(image, headers[i].sh_offset, headers[i].sh_size))
			return &headers[i];
	}
	return NULL;
}

static int by_address(const void *left, const void *right)
{
	const struct symbol *a = left, *b = right;

	return a->address < b->address ? -1 : a->address > b->address;
}

/* Labels in assembly code have no type: whatever lies in a section of code counts as a function. */
static bool is_code(const struct image *image, const Elf64_Ehdr *elf, const Elf64_Sym *sym)
{
	const Elf64_Shdr *headers = (const void *)(image->bytes + elf->e_shoff);
	unsigned int type = ELF64_ST_TYPE(sym->st_info);

	return (type == STT_FUNC || type == STT_NOTYPE) && sym->st_shndx < elf->e_shnum &&
	       sym->st_shndx != SHN_UNDEF && headers[sym->st_shndx].sh_flags & SHF_EXECINSTR;
}

static void sort_out(struct symbols *symbols)
{
	size_t kept = 0;

	qsort(symbols->list, symbols->nr, sizeof(*symbols->list), by_address);
	for (size_t i = 0; i < symbols->nr; i++) {
		if (kept == 0 || symbols->list[kept - 1].address != symbols->list[i].address)
			symbols->list[kept++] = symbols->list[i];
	}
	symbols->nr = kept;
	for (size_t i = 0; i + 1 < kept; i++) {
		if (symbols->list[i].end == symbols->list[i].address)
			symbols->list[i].end = symbols->list[i + 1].address;
	}
}

const char *symbols_load(struct symbols *symbols, const char *path)
{
	struct image image;
	const char *error = map_file(&image, path);

	if (error)
		return error;

	const Elf64_Ehdr *elf = (const void *)image.bytes;
	if (image.size < sizeof(*elf) || memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf->e_ident[EI_CLASS] != ELFCLASS64 ||
	    !holds(&image, elf->e_shoff, (uint64_t)elf->e_shnum * sizeof(Elf64_Shdr)))
		return "not an ELF64 file with sections";

	const Elf64_Shdr *table = section(&image, elf, SHT_SYMTAB, 0);
	const Elf64_Shdr *strings = table ? section(&image, elf, 0, table->sh_link) : NULL;
	if (!strings || strings->sh_size == 0 ||
	    image.bytes[strings->sh_offset + strings->sh_size - 1] != '\0')
		return "no symbol table";

	const Elf64_Sym *entries = (const void *)(image.bytes + table->sh_offset);
	size_t nr_entries = table->sh_size / sizeof(*entries);
	symbols->list = calloc(nr_entries, sizeof(*symbols->list));
	if (!symbols->list)
		return strerror(ENOMEM);
	for (size_t i = 0; i < nr_entries; i++) {
		if (!is_code(&image, elf, &entries[i]) || entries[i].st_name >= strings->sh_size)
			continue;
		symbols->list[symbols->nr++] = (struct symbol){
			.address = entries[i].st_value,
			.end = entries[i].st_value + entries[i].st_size,
			.name = (const char *)image.bytes + strings->sh_offset + entries[i].st_name,
		};
	}
	sort_out(symbols);
	return NULL;
}

size_t symbols_find(const struct symbols *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->nr; /* the answer is the last that begins at or before it */

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->list[middle].address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || address >= symbols->list[low - 1].end)
		return symbols->nr;
	return low - 1;
}
