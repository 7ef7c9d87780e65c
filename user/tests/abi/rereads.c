/* Several threads that read the same pages of a file, which may have been swapped out, at the same time: each read
 * finds all of its page. */
#define _GNU_SOURCE
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE       4096ul
#define NR_PAGES   128ul
#define NR_THREADS 4
#define NR_ROUNDS  24

static pthread_barrier_t round_begins;
static int file;
static unsigned char *memory;

static void write_all(void)
{
	for (unsigned long i = 0; i < NR_PAGES; i++)
		memory[i * PAGE + i] = (unsigned char)(i + 1);
}

static void *read_all(void *wrong)
{
	unsigned char page[PAGE];

	for (int round = 0; round < NR_ROUNDS; round++) {
		if (pthread_barrier_wait(&round_begins) == PTHREAD_BARRIER_SERIAL_THREAD) {
			write_all();
			madvise(memory, NR_PAGES * PAGE, MADV_PAGEOUT);
		}
		pthread_barrier_wait(&round_begins);
		for (unsigned long i = 0; i < NR_PAGES; i++)
			if (pread(file, page, PAGE, (off_t)(i * PAGE)) != PAGE || page[i] != i + 1)
				++*(long *)wrong;
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[NR_THREADS];
	long wrong[NR_THREADS] = {0}, sum = 0;

	file = memfd_create("rereads", 0);
	SHOW(ftruncate(file, NR_PAGES * PAGE));
	memory = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	write_all();
	pthread_barrier_init(&round_begins, NULL, NR_THREADS);
	for (int i = 0; i < NR_THREADS; i++)
		pthread_create(&threads[i], NULL, read_all, &wrong[i]);
	for (int i = 0; i < NR_THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum += wrong[i];
	}
	say("reads that found something else: %ld", sum);
	return 0;
}
