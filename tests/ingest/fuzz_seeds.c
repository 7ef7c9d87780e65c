/*
 * seeds CONTRACT_DIR SCRATCH_DIR CORPUS_DIR RECOVER_CORPUS_DIR [SESSION]: writes the inputs with which fuzzing begins: traces of
 * the toy guest, and what fits of a real session; and toy guests that crashed. Their forms are those of fuzz.c and fuzz_recover.c.
 */
#include <stdlib.h>

#include "tests/ingest/check.h"
#include "tests/ingest/guest.h"
#include "tests/ingest/rings.h"

/* Of each stream of a real session. */
#define REAL_BYTES (64 << 10)
#define SEPARATOR  "\nNEXTCPU"

static struct writer w;
static struct guest g;
static struct rings rings;

static void append(FILE *out, const char *dir, uint32_t cpu, size_t most)
{
	char name[32];
	FILE *in;
	int c;

	snprintf(name, sizeof(name), "ctf/cpu%u", cpu);
	in = open_in(dir, name, "r");
	while (most-- > 0 && (c = getc(in)) != EOF)
		putc(c, out);
	fclose(in);
}

static void write_seed(const char *corpus, const char *name, const char *dir, uint32_t nr_cpus)
{
	FILE *out = open_in(corpus, name, "w");

	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
		if (cpu > 0)
			fputs(SEPARATOR, out);
		append(out, dir, cpu, REAL_BYTES);
	}
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

/* What is used of a sub-buffer. */
static void append_subbuf(FILE *out, const uint64_t *subbuf)
{
	const struct trace_packet *packet = (const struct trace_packet *)subbuf;
	size_t size = packet->packet_size ? packet->packet_size / 8
					  : sizeof(*packet) - packet->content_size;

	fputs(SEPARATOR, out);
	if (fwrite(subbuf, 1, size, out) != size)
		die("a sub-buffer cannot be written");
}

static void crashed(const char *scratch, const char *corpus, unsigned int seed)
{
	char name[32];
	FILE *out;

	writer_open(&w, scratch, RINGS_CPUS);
	w.packet_size = 512 << seed % 3;
	guest_boot(&g, &w, seed);
	guest_run(&g, 20 + 2 * seed);
	writer_discard(&w, seed % 2, seed % 3);
	guest_end(&g);
	/* Enough packets on every CPU. */
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++)
		for (uint32_t i = 0; i < RINGS_SUBBUFS; i++) {
			EMIT(&w, cpu, trace_stall, .stalled_ns = 1);
			writer_flush(&w, cpu);
		}
	writer_close(&w);
	rings_read(&rings, scratch);
	snprintf(name, sizeof(name), "toy-%u", seed);
	out = open_in(corpus, name, "w");
	fwrite(&rings.descriptor, sizeof(rings.descriptor), 1, out);
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++) {
		fputs(SEPARATOR, out);
		append(out, scratch, cpu,
		       (size_t)rings_host_bytes(&rings, cpu) + seed % 4 / 3 * 50);
		for (uint32_t i = 0; i < RINGS_SUBBUFS; i++)
			append_subbuf(out, rings.memory[cpu][i]);
	}
	if (fclose(out) != 0)
		die("%s/%s: cannot be written", corpus, name);
}

int main(int argc, char **argv)
{
	if (argc < 5)
		die("usage: seeds CONTRACT_DIR SCRATCH_DIR CORPUS_DIR RECOVER_CORPUS_DIR "
		    "[SESSION]");
	contract_dir = argv[1];
	for (unsigned int seed = 1; seed <= 24; seed++)
		toy(argv[2], argv[3], seed, 1 + seed % 4, 8 * seed);
	for (unsigned int seed = 1; seed <= 12; seed++)
		crashed(argv[2], argv[4], seed);
	if (argc > 5)
		write_seed(argv[3], "real", argv[5], 3);
	return 0;
}
