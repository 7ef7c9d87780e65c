/*
 * seeds CONTRACT_DIR SCRATCH_DIR CORPUS_DIR [SESSION]: writes the inputs with which fuzzing begins: traces of the toy guest, and
 * what fits of a real session. Their form is that of fuzz.c.
 */
#include <stdlib.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"

/* Of each stream of a real session. */
#define REAL_BYTES (64 << 10)

static struct writer w;
static struct guest g;

static void append(FILE *out, const char *dir, uint32_t cpu, size_t most)
{
	char name[32];
	FILE *in;
	int c;

	snprintf(name, sizeof(name), "ctf/cpu%u", cpu);
	in = open_in(dir, name, "r");
	if (cpu > 0)
		fputs("\nNEXTCPU", out);
	while (most-- > 0 && (c = getc(in)) != EOF)
		putc(c, out);
	fclose(in);
}

static void write_seed(const char *corpus, const char *name, const char *dir, uint32_t nr_cpus)
{
	FILE *out = open_in(corpus, name, "w");

	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++)
		append(out, dir, cpu, REAL_BYTES);
	if (fclose(out) != 0)
		die("%s/%s: cannot be written", corpus, name);
}

static void toy(const char *scratch, const char *corpus, unsigned int seed, uint32_t nr_cpus,
		uint32_t steps)
{
	char name[32];

	writer_open(&w, scratch, nr_cpus);
	w.packet_size = 1024 << seed % 4;
	guest_boot(&g, &w, seed);
	guest_run(&g, steps / 2);
	if (seed % 2)
		guest_baseline(&g);
	guest_run(&g, steps / 2);
	guest_end(&g);
	writer_close(&w);
	snprintf(name, sizeof(name), "toy-%u", seed);
	write_seed(corpus, name, scratch, nr_cpus);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		die("usage: seeds CONTRACT_DIR SCRATCH_DIR CORPUS_DIR [SESSION]");
	contract_dir = argv[1];
	for (unsigned int seed = 1; seed <= 24; seed++)
		toy(argv[2], argv[3], seed, 1 + seed % 4, 8 * seed);
	if (argc > 4)
		write_seed(argv[3], "real", argv[4], 3);
	return 0;
}
