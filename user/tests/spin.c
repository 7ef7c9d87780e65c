/*
 * spin: keeps a processor busy. --ms N: for so long by the clock, 1000 by default. Exit status: 0; 2
 * for a wrong command line.
 */
#include <stdint.h>
#include <time.h>

#include "../workloads/options.h"

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	uint64_t ms = 1000;
	const struct option options[] = {{"--ms", OPTION_NUMBER, &ms, 1, 600000}};
	volatile uint64_t turns = 0;

	options_parse(options, 1, argc, argv);
	for (uint64_t end = now_ms() + ms; now_ms() < end;)
		for (uint64_t next = turns + 10000; turns < next;)
			turns++;
	return 0;
}
