/* Which thread of several takes a signal, and what stops, ends and times them all. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

static volatile pid_t taker;
static volatile int nr_taken;

static void note(int sig)
{
	(void)sig;
	taker = (pid_t)syscall(SYS_gettid);
	__atomic_add_fetch(&nr_taken, 1, __ATOMIC_SEQ_CST);
}

static void handle(int sig, int flags)
{
	struct sigaction action = {.sa_handler = note, .sa_flags = flags};

	sigaction(sig, &action, NULL);
	nr_taken = 0;
	taker = 0;
}

static void mask(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(how, &set, NULL);
}

static void a_while(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&time, &time) != 0)
		;
}

struct worker {
	pthread_t thread;
	volatile pid_t tid;
	volatile bool stop;
	bool blocks;
	volatile long woken;
};

static void *work(void *context)
{
	struct worker *self = context;
	struct timespec time = {0, 5000000};

	if (self->blocks)
		mask(SIG_BLOCK, SIGUSR1);
	self->tid = (pid_t)syscall(SYS_gettid);
	while (!self->stop)
		if (nanosleep(&time, NULL) != 0)
			self->woken++;
	return NULL;
}

static void start(struct worker *worker, bool blocks)
{
	*worker = (struct worker){.blocks = blocks};
	pthread_create(&worker->thread, NULL, work, worker);
	while (!worker->tid)
		a_while(1);
	a_while(5);
}

static void stop(struct worker *worker)
{
	worker->stop = true;
	pthread_join(worker->thread, NULL);
}

static void wait_taken(int nr)
{
	for (int i = 0; i < 2000 && nr_taken < nr; i++)
		a_while(1);
}

static void directions(void)
{
	struct worker open, closed;

	handle(SIGUSR1, 0);
	start(&open, false);
	start(&closed, true);
	kill(getpid(), SIGUSR1);
	wait_taken(1);
	say("sent to the process: first thread takes it %d", taker == getpid());

	mask(SIG_BLOCK, SIGUSR1);
	kill(getpid(), SIGUSR1);
	wait_taken(2);
	say("blocked by the first: the other takes it %d", taker == open.tid);

	syscall(SYS_tgkill, getpid(), closed.tid, SIGUSR1);
	a_while(30);
	say("sent to one that blocks it: taken %d", nr_taken);
	syscall(SYS_tgkill, getpid(), open.tid, SIGUSR1);
	wait_taken(3);
	say("sent to one that does not: %d", taker == open.tid);
	stop(&open);
	kill(getpid(), SIGUSR1);
	a_while(20);
	say("blocked by all: taken %d", nr_taken);
	mask(SIG_UNBLOCK, SIGUSR1);
	say("unblocked by the first: taken %d by it %d", nr_taken, taker == getpid());
	say("tgkill of another process: %ld", syscall(SYS_tgkill, 1, closed.tid, 0));
	stop(&closed);
}

/* ---- waiting for signals ---- */

static void *wait_for_usr2(void *context)
{
	sigset_t set;
	siginfo_t info;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	*(int *)context = sigwaitinfo(&set, &info);
	return NULL;
}

static void waiting(void)
{
	pthread_t thread;
	int got = 0;

	mask(SIG_BLOCK, SIGUSR2);
	pthread_create(&thread, NULL, wait_for_usr2, &got);
	a_while(20);
	kill(getpid(), SIGUSR2);
	pthread_join(thread, NULL);
	say("sigwaitinfo in a thread: %d", got);
	mask(SIG_UNBLOCK, SIGUSR2);
}

/* A thread that ends leaves what the process got to the others. */
static void *end_with_pending(void *context)
{
	(void)context;
	a_while(20);
	return NULL;
}

static void ending(void)
{
	pthread_t thread;

	handle(SIGUSR1, 0);
	pthread_create(&thread, NULL, end_with_pending, NULL);
	mask(SIG_BLOCK, SIGUSR1);
	a_while(60);
	kill(getpid(), SIGUSR1);
	pthread_join(thread, NULL);
	mask(SIG_UNBLOCK, SIGUSR1);
	wait_taken(1);
	say("taken %d", nr_taken);
}

/* ---- all of them ---- */

static void *spin(void *context)
{
	(void)context;
	for (;;)
		;
	return NULL;
}

static void *sleep_for_ever(void *context)
{
	(void)context;
	for (;;)
		pause();
	return NULL;
}

static void start_some(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, spin, NULL);
	pthread_create(&thread, NULL, sleep_for_ever, NULL);
	pthread_create(&thread, NULL, spin, NULL);
}

static int killed_by_thread_signal(void *context)
{
	(void)context;
	start_some();
	a_while(10);
	syscall(SYS_tkill, (pid_t)syscall(SYS_gettid), SIGTERM);
	for (;;)
		pause();
	return 0;
}

static void *fault(void *context)
{
	__asm__ volatile("movb (%0), %%al" ::"r"(8l) : "rax");
	return context;
}

static int fault_in_thread(void *context)
{
	pthread_t thread;

	(void)context;
	start_some();
	pthread_create(&thread, NULL, fault, NULL);
	for (;;)
		pause();
	return 0;
}

static int exit_with_threads(void *context)
{
	(void)context;
	start_some();
	_exit(5);
}

static int alarm_with_threads(void *context)
{
	(void)context;
	start_some();
	alarm(1);
	for (;;)
		pause();
	return 0;
}

static void *exit_later(void *context)
{
	(void)context;
	a_while(30);
	_exit(6);
}

static int leader_ends_first(void *context)
{
	pthread_t thread;

	(void)context;
	pthread_create(&thread, NULL, exit_later, NULL);
	syscall(SYS_exit, 3);
	return 0;
}

/* ---- storms ---- */

static void *storm(void *context)
{
	pid_t target = *(pid_t *)context;

	for (int i = 0; i < 300; i++)
		syscall(SYS_tgkill, getpid(), target, SIGUSR1);
	return NULL;
}

static void storms(void)
{
	pthread_t threads[4];
	struct worker worker;

	handle(SIGUSR1, SA_RESTART);
	start(&worker, false);
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, storm, (void *)&worker.tid);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	wait_taken(1);
	stop(&worker);
	say("storm: taken some %d, all by one %d", nr_taken >= 1, taker == worker.tid);
}

int main(void)
{
	directions();
	waiting();
	ending();
	show_child("tkill ends all", killed_by_thread_signal, NULL);
	show_child("a thread's fault ends all", fault_in_thread, NULL);
	show_child("exit_group", exit_with_threads, NULL);
	show_child("alarm ends all", alarm_with_threads, NULL);
	show_child("the first thread ends first", leader_ends_first, NULL);
	storms();
	return 0;
}
