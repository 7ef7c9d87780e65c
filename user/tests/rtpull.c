/*
 * rtpull: a real-time task that waits on a CPU behind one before it goes to another CPU as soon as it would be first there: when
 * that one's task ends (pull), and when it is preempted itself (push). It has to say so each time; who prevents it spins until
 * then. Needs two CPUs and the right to real-time priorities.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "check.h"

#define PATIENCE_MS 5000

/* A thread that sleeps until it is told to go, and then spins until it is told to end; `asked`: to say that it runs. */
struct spinner {
	int cpu; /* -1: both */
	int priority;
	int go[2], says[2];
	atomic_bool asked, ends;
	pid_t tid;
	pthread_t thread;
};

static void place(pid_t tid, int cpu)
{
	unsigned long cpus = cpu < 0 ? 3 : 1ul << cpu;

	syscall(SYS_sched_setaffinity, tid, sizeof(cpus), &cpus);
}

static int make_fifo(pid_t tid, int priority)
{
	return (int)syscall(SYS_sched_setscheduler, tid, SCHED_FIFO, &priority);
}

static void say(struct spinner *self)
{
	if (write(self->says[1], "", 1) != 1)
		_exit(3);
}

static void *spin(void *context)
{
	struct spinner *self = context;
	char byte;

	self->tid = (pid_t)syscall(SYS_gettid);
	place(self->tid, self->cpu);
	if (self->priority == 0)
		syscall(SYS_sched_setscheduler, self->tid, SCHED_OTHER, &self->priority);
	else
		make_fifo(self->tid, self->priority);
	say(self);
	if (read(self->go[0], &byte, 1) != 1)
		_exit(3);
	while (!self->ends)
		if (atomic_exchange(&self->asked, 0))
			say(self);
	return NULL;
}

static bool hear(struct spinner *spinner)
{
	struct pollfd input = {.fd = spinner->says[0], .events = POLLIN};
	char byte;

	return poll(&input, 1, PATIENCE_MS) == 1 && read(spinner->says[0], &byte, 1) == 1;
}

/* It sleeps, or is about to. */
static bool start(struct spinner *spinner)
{
	return pipe(spinner->go) == 0 && pipe(spinner->says) == 0 &&
	       pthread_create(&spinner->thread, NULL, spin, spinner) == 0 && hear(spinner);
}

static void go(struct spinner *spinner)
{
	if (write(spinner->go[1], "", 1) != 1)
		_exit(3);
}

static bool runs(struct spinner *spinner)
{
	spinner->asked = 1;
	return hear(spinner);
}

static void end(struct spinner *spinner)
{
	spinner->ends = 1;
	pthread_join(spinner->thread, NULL);
}

/* On each CPU two without priority: then none of the CPUs ever looks for more to do. */
#define NR_PLAIN 4
static struct spinner plain[NR_PLAIN] = {{.cpu = 0}, {.cpu = 0}, {.cpu = 1}, {.cpu = 1}};
static struct spinner low = {.cpu = 1, .priority = 5}, middle = {.cpu = 1, .priority = 7};
static struct spinner high = {.cpu = 0, .priority = 9}, higher = {.cpu = 0, .priority = 11};

/* `low` waits behind `middle`, and could run on the other CPU but for `high`. */
static const char *pulled(void)
{
	CHECK(make_fifo(0, 20) == 0);
	CHECK(start(&low) && start(&middle) && start(&high) && start(&higher));
	for (int i = 0; i < NR_PLAIN; i++) {
		CHECK(start(&plain[i]));
		go(&plain[i]);
	}
	go(&middle);
	CHECK(runs(&middle));
	go(&high);
	CHECK(runs(&high));
	go(&low);
	place(low.tid, -1);
	end(&high);
	CHECK(runs(&low));
	return NULL;
}

/* `low` runs where it must not any more, and the other CPU does what is less urgent. */
static const char *pushed(void)
{
	end(&middle);
	CHECK(runs(&low));
	place(low.tid, 0);
	CHECK(runs(&low));
	place(low.tid, -1);
	go(&higher);
	CHECK(runs(&higher));
	CHECK(runs(&low));
	end(&higher);
	end(&low);
	for (int i = 0; i < NR_PLAIN; i++)
		end(&plain[i]);
	return NULL;
}

int main(void)
{
	static const struct check checks[] = {{"pulled", pulled}, {"pushed", pushed}};

	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
