/*
 * swapoff: swap is switched off and on while programs need it. A worker writes and checks its pages
 * over and over, another one takes memory away and gives it back; meanwhile swapoff brings everything
 * back, or says that memory does not suffice. The guest only: it switches the machine's swap disk.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/print.h"
#include "../workloads/options.h"
#include "check.h"

#define PAGE  4096ul
#define WORDS (PAGE / sizeof(uint64_t))
#define DISK  "/dev/sdb"

static uint64_t worker_size = 10u << 20, pressure_size = 14u << 20, rounds = 12;

static uint64_t *map(uint64_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Exits with 1 at a wrong word. */
static void work(void)
{
	uint64_t *pages = map(worker_size);

	for (uint64_t round = 1; round <= rounds; round++) {
		for (uint64_t i = 0; i < worker_size / PAGE; i++) {
			uint64_t *word = pages + i * WORDS;

			if (round > 1 &&
			    (word[0] != (i << 32 | (round - 1)) || word[7] != ~word[0]))
				_exit(1);
			word[0] = i << 32 | round;
			word[7] = ~word[0];
		}
	}
	_exit(0);
}

static void press(void)
{
	for (;;) {
		char *pages = (char *)map(pressure_size);

		if (pages == MAP_FAILED)
			_exit(1);
		for (uint64_t i = 0; i < pressure_size; i += PAGE)
			pages[i] = 1;
		munmap(pages, pressure_size);
	}
}

static pid_t start(void (*run)(void))
{
	pid_t pid = fork();

	if (pid == 0)
		run();
	return pid;
}

static const char *test_calls(void)
{
	CHECK(swapon(DISK, 0) == -1 && errno == EBUSY);
	CHECK(swapoff(DISK) == 0);
	CHECK(swapoff(DISK) == -1 && errno == EINVAL);
	CHECK(swapon(DISK, 0) == 0);
	return NULL;
}

static const char *test_under_load(void)
{
	unsigned int off = 0, refused = 0;
	pid_t worker = start(work), pressure = start(press);
	int status, error = 0;

	CHECK(worker > 0 && pressure > 0);
	while (wait4(worker, &status, WNOHANG, NULL) == 0) {
		if (swapoff(DISK) == 0) {
			off++;
			CHECK(swapon(DISK, 0) == 0);
		} else if (errno == ENOMEM) {
			refused++;
		} else {
			error = errno;
		}
	}
	CHECK(status == 0);
	CHECK(error == 0);
	kill(pressure, SIGKILL);
	CHECK(wait4(pressure, &status, 0, NULL) == pressure);
	CHECK(swapoff(DISK) == 0);
	CHECK(swapon(DISK, 0) == 0);
	print("swapoff.off %u times\n", off);
	print("swapoff.refused %u times\n", refused);
	return NULL;
}

/* More than memory holds: swapoff refuses and leaves everything as it was. */
static const char *test_too_much(void)
{
	uint64_t size = 3 * (worker_size + pressure_size) / 2;
	uint64_t *pages = map(size);

	CHECK(pages != MAP_FAILED);
	for (uint64_t i = 0; i < size / PAGE; i++)
		pages[i * WORDS] = i;
	CHECK(swapoff(DISK) == -1 && errno == ENOMEM);
	for (uint64_t i = 0; i < size / PAGE; i++)
		CHECK(pages[i * WORDS] == i);
	CHECK(munmap(pages, size) == 0);
	CHECK(swapoff(DISK) == 0);
	CHECK(swapon(DISK, 0) == 0);
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"swapoff_calls", test_calls},
		{"swapoff_too_much", test_too_much},
		{"swapoff_under_load", test_under_load},
	};
	const struct option options[] = {
		{"--worker", OPTION_SIZE, &worker_size, PAGE, 1ul << 30},
		{"--pressure", OPTION_SIZE, &pressure_size, PAGE, 1ul << 30},
		{"--rounds", OPTION_NUMBER, &rounds, 1, 1000},
	};

	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);
	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
