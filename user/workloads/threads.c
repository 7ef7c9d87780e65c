/*
 * threads: many threads of one process that allocate, check and free memory at once.
 *
 * In each round `--threads` threads begin together, and each takes `--steps` steps and ends. A step
 * allocates a block with malloc() or mmap() and fills it, or checks and frees one, so that a thread
 * holds at most its share of `--size`. Now and then a thread exchanges a block with whoever comes by,
 * so that blocks are freed by other threads than those that made them, or starts a thread that checks
 * a block, and waits for it. The content of a block follows from its serial number and its address.
 * Exit status: 0; 1 when content was lost or a call failed; 2 for a wrong command line.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"
#include "random.h"

#define MAX_THREADS      256u
#define MAX_BLOCKS       512u /* of one thread */
#define MAX_MALLOC_BYTES 16384u
#define MAX_MAP_PAGES    64u
#define NR_SLOTS         4u
#define HELPER_STACK     (64u << 10) /* bytes; musl and glibc both allow it */

enum block_kind {
	BLOCK_MALLOC,
	BLOCK_MAPPED,
};

struct block {
	enum block_kind kind;
	void *base; /* NULL: no block */
	size_t size_bytes;
	uint64_t serial; /* never used again */
};

struct worker {
	pthread_t thread;
	uint64_t random; /* its state */
	uint64_t next_serial;
	uint64_t allocated_bytes; /* so far */
	uint64_t held_bytes;
	uint32_t nr_blocks;
	uint32_t nr_helpers; /* threads it has started */
	struct block blocks[MAX_BLOCKS];
};

static uint64_t size = 24u << 20, nr_threads = 16, rounds = 2, steps = 200, seed = 1;
static struct worker workers[MAX_THREADS];
static pthread_barrier_t start;

/* Blocks on their way from one thread to another. */
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;
static struct block slots[NR_SLOTS];

static void check_call(const char *what, int error)
{
	if (error != 0) {
		print("threads: %s: %s\n", what, strerror(error));
		_exit(1);
	}
}

static uint64_t next_random(struct worker *worker)
{
	return random_mix(worker->random++);
}

/* ---- blocks ---- */

static uint64_t *word_of(const struct block *block, size_t i)
{
	return (uint64_t *)block->base + i;
}

static uint64_t content_of(const struct block *block, size_t i)
{
	return random_mix(block->serial) ^ (uint64_t)word_of(block, i);
}

static struct pagecheck pages_of(const struct block *block)
{
	return (struct pagecheck){.base = block->base,
				  .nr_pages = block->size_bytes / PAGE_SIZE,
				  .seed = block->serial};
}

static void fill(const struct block *block)
{
	const struct generation first = {.writer = 0, .round = 0};
	struct pagecheck pages = pages_of(block);

	switch (block->kind) {
	case BLOCK_MALLOC:
		for (size_t i = 0; i < block->size_bytes / sizeof(uint64_t); i++)
			*word_of(block, i) = content_of(block, i);
		break;
	case BLOCK_MAPPED:
		for (uint64_t page = 0; page < pages.nr_pages; page++)
			pagecheck_write(&pages, page, first);
		break;
	}
}

static void check(const struct block *block)
{
	const struct generation first = {.writer = 0, .round = 0};
	struct pagecheck pages = pages_of(block);

	switch (block->kind) {
	case BLOCK_MALLOC:
		for (size_t i = 0; i < block->size_bytes / sizeof(uint64_t); i++) {
			if (*word_of(block, i) == content_of(block, i))
				continue;
			print("LOST word %p (block %#llx): expected %#llx, found %#llx\n",
			      (void *)word_of(block, i), (unsigned long long)block->serial,
			      (unsigned long long)content_of(block, i),
			      (unsigned long long)*word_of(block, i));
			_exit(1);
		}
		break;
	case BLOCK_MAPPED:
		for (uint64_t page = 0; page < pages.nr_pages; page++)
			pagecheck_verify(&pages, page, first);
		break;
	}
}

static struct block make_block(struct worker *worker)
{
	uint64_t random = next_random(worker);
	struct block block = {.kind = random % 2 ? BLOCK_MALLOC : BLOCK_MAPPED,
			      .serial = worker->next_serial++};

	random /= 2;
	if (block.kind == BLOCK_MALLOC) {
		block.size_bytes = (1 + random % (MAX_MALLOC_BYTES / 8)) * 8;
		block.base = malloc(block.size_bytes);
		check_call("malloc", block.base ? 0 : errno);
	} else {
		block.size_bytes = (1 + random % MAX_MAP_PAGES) * PAGE_SIZE;
		block.base = mmap(NULL, block.size_bytes, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		check_call("mmap", block.base != MAP_FAILED ? 0 : errno);
	}
	return block;
}

static void free_block(const struct block *block)
{
	check(block);
	if (block->kind == BLOCK_MALLOC)
		free(block->base);
	else
		check_call("munmap", munmap(block->base, block->size_bytes) ? errno : 0);
}

/* ---- steps of a thread ---- */

static void add_block(struct worker *worker, struct block block)
{
	worker->held_bytes += block.size_bytes;
	worker->blocks[worker->nr_blocks++] = block;
}

/* Takes one of its blocks away from it. */
static struct block remove_block(struct worker *worker)
{
	struct block *place = &worker->blocks[next_random(worker) % worker->nr_blocks];
	struct block block = *place;

	*place = worker->blocks[--worker->nr_blocks];
	worker->held_bytes -= block.size_bytes;
	return block;
}

static void exchange_block(struct worker *worker)
{
	struct block mine = remove_block(worker);
	struct block *slot = &slots[next_random(worker) % NR_SLOTS];

	check_call("pthread_mutex_lock", pthread_mutex_lock(&slots_lock));
	struct block theirs = *slot;
	*slot = mine;
	check_call("pthread_mutex_unlock", pthread_mutex_unlock(&slots_lock));
	if (theirs.base) {
		check(&theirs);
		add_block(worker, theirs);
	}
}

static void *run_helper(void *argument)
{
	const struct block *block = argument;

	check(block);
	return (void *)(uintptr_t)block->serial;
}

static void check_in_helper(struct worker *worker, struct block *block)
{
	pthread_attr_t attributes;
	pthread_t helper;
	void *result;

	check_call("pthread_attr_init", pthread_attr_init(&attributes));
	check_call("pthread_attr_setstacksize",
		   pthread_attr_setstacksize(&attributes, HELPER_STACK));
	check_call("pthread_create", pthread_create(&helper, &attributes, run_helper, block));
	check_call("pthread_join", pthread_join(helper, &result));
	check_call("pthread_attr_destroy", pthread_attr_destroy(&attributes));
	if ((uintptr_t)result != block->serial) {
		print("threads: pthread_join gave %p, not %#llx\n", result,
		      (unsigned long long)block->serial);
		_exit(1);
	}
	worker->nr_helpers++;
}

static void take_step(struct worker *worker)
{
	uint64_t random = next_random(worker), share = size / nr_threads;

	if (worker->nr_blocks > 0 && random % 16 == 0) {
		exchange_block(worker);
	} else if (worker->nr_blocks > 0 && random % 16 == 1) {
		check_in_helper(worker, &worker->blocks[next_random(worker) % worker->nr_blocks]);
	} else if (worker->nr_blocks < MAX_BLOCKS && worker->held_bytes < share &&
		   random % 16 < 13) {
		struct block block = make_block(worker);

		fill(&block);
		worker->allocated_bytes += block.size_bytes;
		add_block(worker, block);
	} else if (worker->nr_blocks > 0) {
		struct block block = remove_block(worker);

		free_block(&block);
	}
}

static void *run_worker(void *argument)
{
	struct worker *worker = argument;
	int error = pthread_barrier_wait(&start);

	check_call("pthread_barrier_wait", error == PTHREAD_BARRIER_SERIAL_THREAD ? 0 : error);
	for (uint64_t step = 0; step < steps; step++)
		take_step(worker);
	while (worker->nr_blocks > 0) {
		struct block block = remove_block(worker);

		free_block(&block);
	}
	return worker;
}

/* ---- rounds ---- */

static void run_round(uint32_t round)
{
	check_call("pthread_barrier_init",
		   pthread_barrier_init(&start, NULL, (unsigned)nr_threads));
	for (uint32_t i = 0; i < nr_threads; i++) {
		struct worker *worker = &workers[i];

		worker->random = random_mix(seed << 32 | round << 16 | i);
		worker->next_serial = (uint64_t)round << 48 | (uint64_t)i << 32;
		check_call("pthread_create",
			   pthread_create(&worker->thread, NULL, run_worker, worker));
	}
	for (uint32_t i = 0; i < nr_threads; i++) {
		void *result;

		check_call("pthread_join", pthread_join(workers[i].thread, &result));
		check_call("pthread_join's result", result == &workers[i] ? 0 : EINVAL);
	}
	check_call("pthread_barrier_destroy", pthread_barrier_destroy(&start));
}

int main(int argc, char **argv)
{
	uint64_t allocated_bytes = 0, nr_created = 0;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, PAGE_SIZE, UINT64_C(1) << 40},
		{"--threads", OPTION_NUMBER, &nr_threads, 1, MAX_THREADS},
		{"--rounds", OPTION_NUMBER, &rounds, 1, 30000},
		{"--steps", OPTION_NUMBER, &steps, 1, UINT32_MAX},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	for (uint32_t round = 1; round <= rounds; round++)
		run_round(round);
	for (uint32_t i = 0; i < NR_SLOTS; i++) {
		if (slots[i].base)
			free_block(&slots[i]);
	}
	for (uint32_t i = 0; i < nr_threads; i++) {
		allocated_bytes += workers[i].allocated_bytes;
		nr_created += rounds + workers[i].nr_helpers;
	}
	print("threads.created %llu threads\n", (unsigned long long)nr_created);
	print("threads.allocated %llu bytes\n", (unsigned long long)allocated_bytes);
	measure_print_faults("threads");
	return 0;
}
