/*
 * spin: keeps a processor busy. --ms N: for so long by the clock, 1000 by default; --nice N, from 0 to 19;
 * --fifo N: with that real-time priority. Exit status: 0; 1 when it may not have those; 2 for a wrong command line.
 */
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
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
	uint64_t ms = 1000, nice = 0, fifo = 0;
	const struct option options[] = {
		{"--ms", OPTION_NUMBER, &ms, 1, 600000},
		{"--nice", OPTION_NUMBER, &nice, 0, 19},
		{"--fifo", OPTION_NUMBER, &fifo, 1, 99},
	};
	volatile uint64_t turns = 0;

	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);
	if (nice && setpriority(PRIO_PROCESS, 0, (int)nice) != 0)
		return 1;
	/* By the call itself: musl's function refuses. */
	if (fifo && syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &(int){(int)fifo}) != 0)
		return 1;
	for (uint64_t end = now_ms() + ms; now_ms() < end;)
		for (uint64_t next = turns + 10000; turns < next;)
			turns++;
	return 0;
}
