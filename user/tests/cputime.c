/* Processor time: the clocks, getrusage, times and wait4 agree with each other and with the wall. */
#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define MS 1000000ll

static int64_t now_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts))
		return -1;
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

static int64_t timeval_ns(struct timeval tv)
{
	return (tv.tv_sec * 1000000ll + tv.tv_usec) * 1000;
}

static int64_t rusage_ns(const struct rusage *usage)
{
	return timeval_ns(usage->ru_utime) + timeval_ns(usage->ru_stime);
}

/* Uses up that much processor time in user mode. */
static void burn_user(int64_t ns)
{
	int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ns;

	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (volatile int i = 0; i < 100000; i++)
			;
}

/* The same, nearly all of it in system calls. */
static void burn_system(int64_t ns)
{
	int64_t end = now_ns(CLOCK_PROCESS_CPUTIME_ID) + ns;
	char path[256];

	while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < end)
		for (int i = 0; i < 100; i++)
			if (getcwd(path, sizeof(path)) == NULL)
				return;
}

static const char *test_clocks_grow(void)
{
	int64_t last = now_ns(CLOCK_PROCESS_CPUTIME_ID), thread;

	CHECK(last > 0);
	for (int i = 0; i < 1000; i++) {
		int64_t now = now_ns(CLOCK_PROCESS_CPUTIME_ID);

		CHECK(now >= last);
		last = now;
	}
	thread = now_ns(CLOCK_THREAD_CPUTIME_ID);
	CHECK(thread > 0 && thread <= now_ns(CLOCK_PROCESS_CPUTIME_ID));
	return NULL;
}

static const char *test_not_more_than_the_wall(void)
{
	int64_t wall = now_ns(CLOCK_MONOTONIC), used = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	burn_user(30 * MS);
	used = now_ns(CLOCK_PROCESS_CPUTIME_ID) - used;
	wall = now_ns(CLOCK_MONOTONIC) - wall;
	CHECK(used >= 30 * MS);
	/* The clocks are read one after the other, and may differ in rate by what NTP allows. */
	CHECK(used <= wall + wall / 1000 + MS);
	return NULL;
}

static const char *test_sleep_uses_none(void)
{
	struct timespec pause = {.tv_nsec = 60 * MS};
	int64_t used = now_ns(CLOCK_PROCESS_CPUTIME_ID);

	CHECK(nanosleep(&pause, NULL) == 0);
	CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - used < 30 * MS);
	return NULL;
}

static const char *test_rusage_and_times(void)
{
	int64_t before = now_ns(CLOCK_PROCESS_CPUTIME_ID), after, reported;
	struct rusage usage;
	struct tms tms;

	CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
	CHECK(times(&tms) != (clock_t)-1);
	after = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	reported = rusage_ns(&usage);
	/* Two roundings to microseconds. */
	CHECK(reported >= before - 20 * MS && reported <= after + 20 * MS);
	reported = (tms.tms_utime + tms.tms_stime) * (1000 / sysconf(_SC_CLK_TCK)) * MS;
	CHECK(reported >= before - 40 * MS && reported <= after + 20 * MS);
	return NULL;
}

static const char *test_parts_grow(void)
{
	struct rusage last, usage;

	CHECK(getrusage(RUSAGE_SELF, &last) == 0);
	for (int i = 0; i < 20; i++) {
		if (i % 2)
			burn_system(3 * MS);
		else
			burn_user(3 * MS);
		CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
		CHECK(timeval_ns(usage.ru_utime) >= timeval_ns(last.ru_utime));
		CHECK(timeval_ns(usage.ru_stime) >= timeval_ns(last.ru_stime));
		last = usage;
	}
	return NULL;
}

static int child_user(void *context)
{
	(void)context;
	burn_user(150 * MS);
	return 0;
}

static int child_system(void *context)
{
	(void)context;
	burn_system(150 * MS);
	return 0;
}

/* What a child used, as wait4 tells it. */
static bool usage_of(int (*action)(void *context), struct rusage *usage)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(action(NULL));
	return wait4(pid, &status, 0, usage) == pid && status == CHECK_EXITED(0);
}

static const char *test_children(void)
{
	struct rusage before, user, system, after;

	CHECK(getrusage(RUSAGE_CHILDREN, &before) == 0);
	CHECK(usage_of(child_user, &user));
	CHECK(usage_of(child_system, &system));
	CHECK(getrusage(RUSAGE_CHILDREN, &after) == 0);
	CHECK(rusage_ns(&user) >= 140 * MS && rusage_ns(&system) >= 140 * MS);
	CHECK(timeval_ns(user.ru_utime) > timeval_ns(user.ru_stime));
	CHECK(timeval_ns(system.ru_stime) > timeval_ns(user.ru_stime));
	CHECK(rusage_ns(&after) - rusage_ns(&before) >= 280 * MS);
	return NULL;
}

static const struct check checks[] = {
	{"clocks_grow", test_clocks_grow},
	{"not_more_than_the_wall", test_not_more_than_the_wall},
	{"sleep_uses_none", test_sleep_uses_none},
	{"rusage_and_times", test_rusage_and_times},
	{"parts_grow", test_parts_grow},
	{"children", test_children},
};

int main(void)
{
	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
