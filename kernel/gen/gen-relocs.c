/*
 * gen-relocs KERNEL.elf: prints, as assembler, where the image holds absolute addresses of itself,
 * for apply_relocs() in pvh.S. Runs on the host that builds. The kernel is linked with --emit-relocs.
 *
 * An address of the image is negative (it is linked in the highest 2 GiB); the same symbol minus
 * IMAGE_BASE is a physical address, which stays. What is relative to %rip moves with the image. Any
 * other relocation, and any other value, is an error: better no kernel than one that runs only
 * where it was linked.
 */
#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is linked here or above is the image; it is linked for 1 GiB of addresses. */
#define IMAGE_BASE 0xffffffff80000000u
#define IMAGE_SPAN 0x40000000u

/* A page-table entry may hold a physical address and this. */
#define PTE_NX (UINT64_C(1) << 63)

struct image {
	const char *path;
	char *bytes;
	size_t size;
	const Elf64_Ehdr *header;
	const Elf64_Shdr *sections;
};

/* Physical addresses of the words to which the offset is added. */
struct places {
	uint32_t *at;
	size_t nr, room;
};

static void fail(const struct image *image, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "gen-relocs: %s: ", image->path);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static void *allocate(const struct image *image, void *old, size_t size)
{
	void *p = realloc(old, size);

	if (!p)
		fail(image, "no memory for %zu bytes", size);
	return p;
}

static void read_file(struct image *image)
{
	FILE *file = fopen(image->path, "rb");
	size_t room = 1 << 20, n;

	if (!file)
		fail(image, "cannot be opened");
	image->bytes = allocate(image, NULL, room);
	while ((n = fread(image->bytes + image->size, 1, room - image->size, file)) > 0) {
		image->size += n;
		if (image->size == room)
			image->bytes = allocate(image, image->bytes, room *= 2);
	}
	if (ferror(file))
		fail(image, "cannot be read");
	fclose(file);
}

/* `nr` objects of `size` at `offset` of the file. */
static const void *part(const struct image *image, uint64_t offset, uint64_t nr, uint64_t size)
{
	if (offset > image->size || nr > (image->size - offset) / size)
		fail(image, "is cut short");
	return image->bytes + offset;
}

static void open_image(struct image *image)
{
	const Elf64_Ehdr *header;

	read_file(image);
	header = part(image, 0, 1, sizeof(*header));
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) || header->e_machine != EM_X86_64 ||
	    header->e_shentsize != sizeof(Elf64_Shdr))
		fail(image, "is no ELF file for x86-64");
	image->header = header;
	image->sections = part(image, header->e_shoff, header->e_shnum, sizeof(Elf64_Shdr));
}

static const Elf64_Shdr *section(const struct image *image, uint32_t index)
{
	if (index >= image->header->e_shnum)
		fail(image, "names section %u, and has %u", index, image->header->e_shnum);
	return &image->sections[index];
}

static void add(const struct image *image, struct places *places, uint64_t address)
{
	if (places->nr == places->room) {
		places->room = places->room ? 2 * places->room : 1024;
		places->at = allocate(image, places->at, places->room * sizeof(*places->at));
	}
	places->at[places->nr++] = address - IMAGE_BASE;
}

static bool in_image(uint64_t value)
{
	return value >= IMAGE_BASE && value - IMAGE_BASE < IMAGE_SPAN;
}

/* Sorts one relocation in; `value` is what the linker stored for it, or reached by it. */
static void classify(const struct image *image, const Elf64_Rela *rela, uint64_t value,
		     struct places *wide, struct places *narrow)
{
	uint32_t type = ELF64_R_TYPE(rela->r_info);
	bool physical = (value & ~PTE_NX) < IMAGE_SPAN;

	switch (type) {
	case R_X86_64_64:
	case R_X86_64_32S:
		if (in_image(value))
			add(image, type == R_X86_64_64 ? wide : narrow, rela->r_offset);
		else if (!physical)
			fail(image,
			     "%" PRIx64 " holds %" PRIx64 ", neither physical nor the image's",
			     (uint64_t)rela->r_offset, value);
		return;
	case R_X86_64_32:
		if (!physical)
			fail(image, "%" PRIx64 " holds %" PRIx64 " in 32 bits without sign",
			     (uint64_t)rela->r_offset, value);
		return;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
		if (!in_image(value))
			fail(image, "%" PRIx64 " reaches %" PRIx64 " relative to %%rip",
			     (uint64_t)rela->r_offset, value);
		return;
	case R_X86_64_NONE:
		return;
	default:
		fail(image, "%" PRIx64 " has a relocation of type %u, which is not known here",
		     (uint64_t)rela->r_offset, type);
	}
}

static void read_section(const struct image *image, const Elf64_Shdr *relas, struct places *wide,
			 struct places *narrow)
{
	uint64_t nr = relas->sh_size / sizeof(Elf64_Rela);
	const Elf64_Rela *rela = part(image, relas->sh_offset, nr, sizeof(*rela));
	const Elf64_Shdr *symbols = section(image, relas->sh_link);
	uint64_t nr_symbols = symbols->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *symbol = part(image, symbols->sh_offset, nr_symbols, sizeof(*symbol));

	for (uint64_t i = 0; i < nr; i++) {
		uint64_t which = ELF64_R_SYM(rela[i].r_info), value = rela[i].r_addend;
		uint32_t type = ELF64_R_TYPE(rela[i].r_info);

		if (which >= nr_symbols)
			fail(image,
			     "has a relocation of symbol %" PRIu64 ", and %" PRIu64 " symbols",
			     which, nr_symbols);
		value += symbol[which].st_value;
		/* The CPU adds the address behind the field: what is reached does not matter to the
		 * byte. */
		if (type == R_X86_64_PC32 || type == R_X86_64_PLT32)
			value = symbol[which].st_value;
		classify(image, &rela[i], value, wide, narrow);
	}
}

static int ascending(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return (left > right) - (left < right);
}

static void print(const char *name, struct places *places)
{
	if (places->nr)
		qsort(places->at, places->nr, sizeof(*places->at), ascending);
	printf("\t.globl %s_start, %s_end\n%s_start:\n", name, name, name);
	for (size_t i = 0; i < places->nr; i++)
		printf("\t.long 0x%" PRIx32 "\n", places->at[i]);
	printf("%s_end:\n", name);
}

int main(int argc, char **argv)
{
	struct image image = {.path = argc == 2 ? argv[1] : ""};
	struct places wide = {0}, narrow = {0};

	if (argc > 2) {
		fprintf(stderr, "usage: gen-relocs [KERNEL.elf]; without one the table is empty\n");
		return 2;
	}
	if (argc == 2) {
		open_image(&image);
		for (uint32_t i = 0; i < image.header->e_shnum; i++) {
			const Elf64_Shdr *relas = &image.sections[i];

			/* Those of debugging information are the debugger's affair. */
			if (relas->sh_type == SHT_RELA &&
			    section(&image, relas->sh_info)->sh_flags & SHF_ALLOC)
				read_section(&image, relas, &wide, &narrow);
		}
		if (!wide.nr || !narrow.nr)
			fail(&image, "has no relocations: it must be linked with --emit-relocs");
	}
	printf("\t.section .relocs, \"a\"\n\t.balign 4\n");
	print("relocs64", &wide);
	print("relocs32", &narrow);
	printf("\t.section .note.GNU-stack, \"\", @progbits\n");
	free(wide.at);
	free(narrow.at);
	free(image.bytes);
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}
