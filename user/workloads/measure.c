/*
 * Owns nothing: asks the kernel.
 */
#include "measure.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../lib/print.h"

uint64_t measure_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct rusage usage_of(int who)
{
	struct rusage usage;

	if (getrusage(who, &usage) != 0) {
		print("getrusage: %s\n", strerror(errno));
		_exit(1);
	}
	return usage;
}

uint64_t measure_majflt(void)
{
	return (uint64_t)usage_of(RUSAGE_SELF).ru_majflt;
}

void measure_print_faults(const char *name)
{
	struct rusage self = usage_of(RUSAGE_SELF), children = usage_of(RUSAGE_CHILDREN);

	print("%s.majflt %ld faults\n", name, self.ru_majflt + children.ru_majflt);
	print("%s.minflt %ld faults\n", name, self.ru_minflt + children.ru_minflt);
}
