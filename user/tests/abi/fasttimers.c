/* Timers of all kinds that expire more often than anybody can look, and some that never do again. */
#define _GNU_SOURCE
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

#define WANTED 20

static volatile sig_atomic_t nr_taken;

static void count(int sig)
{
	(void)sig;
	nr_taken++;
}

static void wait_for_signals(int nr)
{
	sigset_t none;

	sigemptyset(&none);
	while (nr_taken < nr)
		sigsuspend(&none);
}

static void sleep_ms(long ms)
{
	struct timespec left = {0, ms * 1000000};

	while (nanosleep(&left, &left) != 0)
		;
}

/* Each runs while the others go on: none may keep them, or this program, from the CPU. */
static void run_fast(void)
{
	const struct itimerval often = {{0, 1}, {0, 1}};
	const struct itimerspec very_often = {{0, 1}, {0, 1}};
	timer_t timer;
	uint64_t expirations = 0;
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);

	SHOW(setitimer(ITIMER_REAL, &often, NULL));
	SHOW(timer_create(CLOCK_MONOTONIC, NULL, &timer));
	SHOW(timer_settime(timer, 0, &very_often, NULL));
	SHOW(timerfd_settime(fd, 0, &very_often, NULL));
	wait_for_signals(WANTED);
	SHOW(read(fd, &expirations, sizeof(expirations)));
	SHOW(expirations > WANTED);
	SHOW(timer_getoverrun(timer) > 0);
	SHOW(timer_delete(timer));
	SHOW(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL));
	SHOW(close(fd));
}

/* An interval that does not fit behind the first expiration is for ever. */
static void run_once(void)
{
	const struct itimerspec once = {{LONG_MAX, 0}, {0, 1000000}};
	const struct itimerval once_real = {{LONG_MAX, 0}, {0, 1000}};
	uint64_t expirations = 0;
	timer_t timer;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);

	nr_taken = 0;
	SHOW(timer_create(CLOCK_MONOTONIC, NULL, &timer));
	SHOW(timer_settime(timer, 0, &once, NULL));
	wait_for_signals(1);
	sleep_ms(50);
	SHOW(nr_taken);
	SHOW(timer_getoverrun(timer));
	SHOW(timer_delete(timer));

	nr_taken = 0;
	SHOW(setitimer(ITIMER_REAL, &once_real, NULL));
	wait_for_signals(1);
	sleep_ms(50);
	SHOW(nr_taken);
	SHOW(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL));

	SHOW(timerfd_settime(fd, 0, &once, NULL));
	sleep_ms(50);
	SHOW(read(fd, &expirations, sizeof(expirations)));
	SHOW(expirations);
	SHOW(read(fd, &expirations, sizeof(expirations)));
	SHOW(close(fd));
}

/* A time that does not fit is late, not early. */
static void run_never(void)
{
	const struct itimerval never = {{0, 0}, {LONG_MAX, 0}};

	nr_taken = 0;
	signal(SIGPROF, count);
	signal(SIGVTALRM, count);
	SHOW(setitimer(ITIMER_PROF, &never, NULL));
	SHOW(setitimer(ITIMER_VIRTUAL, &never, NULL));
	for (volatile long i = 0; i < 5000000; i++)
		;
	SHOW(nr_taken);
	SHOW(setitimer(ITIMER_PROF, &(struct itimerval){0}, NULL));
	SHOW(setitimer(ITIMER_VIRTUAL, &(struct itimerval){0}, NULL));
}

int main(void)
{
	sigset_t alarm_only;

	/* Taken in sigsuspend() alone: one handler after another would leave no time for the program. */
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm_only, NULL);
	signal(SIGALRM, count);
	run_fast();
	run_once();
	run_never();
	return 0;
}
