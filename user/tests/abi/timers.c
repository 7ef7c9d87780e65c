/* alarm, setitimer, timer_create: what they refuse, what they tell, when they come. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

static volatile int nr_seen, last_code, last_value, last_overrun;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	nr_seen++;
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
	last_overrun = info->si_overrun;
}

static void handle(int sig)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};

	sigaction(sig, &action, NULL);
	nr_seen = 0;
}

/* Not pause(): it may have come already. */
static void wait_seen(int nr)
{
	while (nr_seen < nr)
		nanosleep(&(struct timespec){0, 5000000}, NULL);
}

static void alarms(void)
{
	struct itimerval value = {{0, 0}, {0, 300000}}, old;

	handle(SIGALRM);
	SHOW(alarm(100));
	SHOW(alarm(50) >= 99);
	SHOW(alarm(0) >= 49);
	SHOW(alarm(0));
	SHOW(setitimer(ITIMER_REAL, &value, &old));
	SHOW(getitimer(ITIMER_REAL, &old));
	say("left: %d",
	    old.it_value.tv_sec == 0 && old.it_value.tv_usec > 0 && old.it_value.tv_usec <= 300000);
	wait_seen(1);
	say("seen %d code %d", nr_seen, last_code);
	SHOW(getitimer(ITIMER_REAL, &old));
	say("left: %d %d", (int)old.it_value.tv_sec, (int)old.it_value.tv_usec);
	nr_seen = 0;
	value.it_value.tv_usec = value.it_interval.tv_usec = 30000;
	SHOW(setitimer(ITIMER_REAL, &value, NULL));
	wait_seen(3);
	say("interval: %d", nr_seen >= 3);
	SHOW(syscall(SYS_setitimer, ITIMER_REAL, NULL, &old));
	say("interval told: %d", (int)old.it_interval.tv_usec);
	SHOW(syscall(SYS_setitimer, 3, &value, NULL));
	SHOW(syscall(SYS_getitimer, -1, &old));
	SHOW(syscall(SYS_getitimer, 0, (void *)1));
	SHOW(syscall(SYS_setitimer, 0, (void *)1, NULL));
	value.it_value.tv_usec = 1000000;
	SHOW(setitimer(ITIMER_REAL, &value, NULL));
	value.it_value.tv_usec = -1;
	SHOW(setitimer(ITIMER_REAL, &value, NULL));
}

static void spin_until_seen(void)
{
	for (volatile long i = 0; i < 2000000000 && nr_seen == 0; i++)
		;
}

static void cpu_timers(void)
{
	struct itimerval value = {{0, 0}, {0, 30000}}, old;

	handle(SIGVTALRM);
	SHOW(setitimer(ITIMER_VIRTUAL, &value, NULL));
	spin_until_seen();
	say("virtual: %d code %d", nr_seen, last_code);
	SHOW(getitimer(ITIMER_VIRTUAL, &old));
	say("left: %d", (int)old.it_value.tv_usec);
	handle(SIGPROF);
	SHOW(setitimer(ITIMER_PROF, &value, NULL));
	spin_until_seen();
	say("prof: %d", nr_seen);
}

/* ---- timer_create ---- */

static int create(int clock, int notify, int sig, int value)
{
	struct {
		uint64_t value;
		int sig, notify, tid;
		int pad[11];
	} event = {.value = (uint64_t)value, .sig = sig, .notify = notify, .tid = getpid()};
	int id = -1;
	long result = syscall(SYS_timer_create, clock, &event, &id);

	if (result != 0)
		say("timer_create(%d, notify %d, signal %d) = %s", clock, notify, sig,
		    errno_name(errno));
	return id;
}

static void set(int id, int flags, long value_ns, long interval_ns)
{
	struct itimerspec spec = {{interval_ns / 1000000000, interval_ns % 1000000000},
				  {value_ns / 1000000000, value_ns % 1000000000}};

	SHOW(syscall(SYS_timer_settime, id, flags, &spec, NULL));
}

static void posix_timers(void)
{
	static const int clocks[] = {CLOCK_REALTIME,          CLOCK_MONOTONIC,       CLOCK_BOOTTIME,
				     CLOCK_MONOTONIC_RAW,     CLOCK_REALTIME_COARSE, 99,
				     CLOCK_PROCESS_CPUTIME_ID};
	struct itimerspec spec;
	struct timespec now, some = {0, 120000000};
	sigset_t mask;
	int id;

	handle(SIGUSR1);
	for (size_t i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		id = create(clocks[i], SIGEV_SIGNAL, SIGUSR1, 1);
		if (id >= 0)
			SHOW(syscall(SYS_timer_delete, id));
	}
	create(CLOCK_MONOTONIC, 3, SIGUSR1, 0);
	create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 0, 0);
	create(CLOCK_MONOTONIC, SIGEV_SIGNAL, 65, 0);
	SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, (void *)1, &id));
	SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, (void *)1));
	SHOW(syscall(SYS_timer_delete, 12345));
	SHOW(syscall(SYS_timer_gettime, 12345, &spec));
	SHOW(syscall(SYS_timer_getoverrun, 12345));

	id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 42);
	SHOW(syscall(SYS_timer_settime, id, 0, NULL, NULL));
	SHOW(syscall(SYS_timer_settime, id, 0, (void *)1, NULL));
	set(id, 0, 1000000000 - 1, -1);
	set(id, 0, 300000000, 0);
	SHOW(syscall(SYS_timer_gettime, id, &spec));
	say("left: %d", spec.it_value.tv_nsec > 0 && spec.it_value.tv_nsec <= 300000000);
	wait_seen(1);
	say("seen %d code %d value %d overrun %d", nr_seen, last_code, last_value, last_overrun);
	SHOW(syscall(SYS_timer_gettime, id, &spec));
	say("left: %ld", spec.it_value.tv_nsec);

	clock_gettime(CLOCK_MONOTONIC, &now);
	nr_seen = 0;
	set(id, TIMER_ABSTIME, now.tv_sec * 1000000000 + now.tv_nsec + 20000000, 0);
	wait_seen(1);
	say("absolute: seen %d", nr_seen);

	/* Blocked, it comes once, and tells how often it would have come. */
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR1);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	nr_seen = 0;
	set(id, 0, 10000000, 10000000);
	sigset_t pending;
	do {
		nanosleep(&some, NULL);
		sigpending(&pending);
	} while (!sigismember(&pending, SIGUSR1));
	nanosleep(&some, NULL);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	say("overrun: seen at least once %d, at least 5 overruns %d, as told %d", nr_seen >= 1,
	    last_overrun >= 5 || nr_seen > 1, syscall(SYS_timer_getoverrun, id) >= 0);
	SHOW(syscall(SYS_timer_delete, id));

	id = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);
	set(id, 0, 5000000000, 0);
	SHOW(syscall(SYS_timer_gettime, id, &spec));
	say("none: %d", spec.it_value.tv_sec == 4 || spec.it_value.tv_sec == 5);
	nr_seen = 0;
	id = create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, 5);
	set(id, 0, 10000000, 0);
	wait_seen(1);
	say("thread: seen %d value %d", nr_seen, last_value);
	nr_seen = 0;
	id = create(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 6);
	set(id, 0, 20000000, 0);
	spin_until_seen();
	say("process time: seen %d value %d", nr_seen, last_value);
	nr_seen = 0;
	id = create(CLOCK_THREAD_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 7);
	set(id, 0, 20000000, 0);
	spin_until_seen();
	say("thread time: seen %d value %d", nr_seen, last_value);
}

/* ---- timerfd ---- */

static void descriptors(void)
{
	struct itimerspec spec = {{0, 0}, {0, 300000000}}, old;
	struct pollfd pollfd = {.events = POLLIN};
	uint64_t nr = 0;

	SHOW(timerfd_create(99, 0));
	SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	SHOW(read(fd, &nr, 8));
	SHOW(read(fd, &nr, 7));
	SHOW(write(fd, &nr, 8));
	SHOW(timerfd_settime(0, 0, &spec, NULL));
	SHOW(timerfd_settime(fd, 4, &spec, NULL));
	SHOW(syscall(SYS_timerfd_settime, fd, 0, 1, NULL));
	SHOW(timerfd_gettime(12345, &old));
	SHOW(timerfd_settime(fd, 0, &spec, &old));
	say("before: %ld", old.it_value.tv_nsec);
	SHOW(timerfd_gettime(fd, &old));
	say("left: %d", old.it_value.tv_nsec > 0);
	pollfd.fd = fd;
	SHOW(poll(&pollfd, 1, 5000));
	say("events %x", pollfd.revents);
	SHOW(read(fd, &nr, 8));
	say("expired %d", (int)nr);
	SHOW(poll(&pollfd, 1, 0));
	close(fd);

	fd = timerfd_create(CLOCK_REALTIME, 0);
	spec.it_value.tv_nsec = spec.it_interval.tv_nsec = 10000000;
	SHOW(timerfd_settime(fd, 0, &spec, NULL));
	nanosleep(&(struct timespec){0, 100000000}, NULL);
	SHOW(read(fd, &nr, 16));
	say("expired often: %d", nr >= 5);
	SHOW(read(fd, &nr, 8));
	close(fd);
}

static int child_has_none(void *context)
{
	struct itimerval value;

	getitimer(ITIMER_REAL, &value);
	return value.it_value.tv_sec != 0 ||
	       syscall(SYS_timer_gettime, *(int *)context, &value) != -1;
}

static void inheritance(void)
{
	struct itimerval value = {{0, 0}, {100, 0}};
	int id = create(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);

	setitimer(ITIMER_REAL, &value, NULL);
	show_child("a child has no timers", child_has_none, &id);
}

static int alarmed(void *context)
{
	(void)context;
	signal(SIGALRM, SIG_DFL);
	alarm(1);
	pause();
	return 0;
}

int main(void)
{
	alarms();
	cpu_timers();
	posix_timers();
	descriptors();
	inheritance();
	show_child("alarm kills", alarmed, NULL);
	return 0;
}
