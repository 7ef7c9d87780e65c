/* epoll: what it watches and refuses, level and edge, one shot, epolls that watch epolls, what goes with the last
 * reference, waiting. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

#define MAX_EVENTS 8

static struct epoll_event events[MAX_EVENTS];
static uint64_t value = 1;

static int control(int epoll, int op, int fd, unsigned int wanted)
{
	struct epoll_event event = {.events = wanted, .data.u64 = fd + 1000};

	return epoll_ctl(epoll, op, fd, &event);
}

static int add(int epoll, int fd, unsigned int wanted)
{
	return control(epoll, EPOLL_CTL_ADD, fd, wanted);
}

/* What is ready now: how many, and the events of all of them in the order of their descriptors. */
static int by_fd(const void *a, const void *b)
{
	const struct epoll_event *x = a, *y = b;

	return (int)x->data.u64 - (int)y->data.u64;
}

static void show_ready(const char *when, int epoll)
{
	int nr = epoll_wait(epoll, events, MAX_EVENTS, 0);

	say("%s: %d ready", when, nr);
	if (nr < 0)
		return;
	qsort(events, nr, sizeof(events[0]), by_fd);
	for (int i = 0; i < nr; i++)
		say("  %x", events[i].events);
}

static void refusals(void)
{
	int ends[2], epoll, file;

	SHOW(syscall(SYS_epoll_create1, 0x12345));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	SHOW(fcntl(epoll, F_GETFD));
	SHOW(fcntl(epoll, F_GETFL));
	SHOW(pipe(ends));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], NULL));
	SHOW(epoll_ctl(99, EPOLL_CTL_ADD, ends[0], NULL));
	SHOW(add(99, ends[0], EPOLLIN));
	SHOW(add(epoll, 99, EPOLLIN));
	SHOW(add(epoll, epoll, EPOLLIN));
	SHOW(add(ends[1], ends[0], EPOLLIN));
	SHOW(control(epoll, 7, ends[0], EPOLLIN));
	SHOW(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL));
	SHOW(add(epoll, ends[0], EPOLLIN));
	SHOW(add(epoll, ends[0], EPOLLIN));
	SHOW(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLOUT));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL));
	SHOW(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN));
	file = open("file", O_CREAT | O_RDWR, 0600);
	SHOW(add(epoll, file, EPOLLIN));
	close(file);
	unlink("file");
	file = open(".", O_RDONLY);
	SHOW(add(epoll, file, EPOLLIN));
	close(file);
	file = open(".", O_PATH);
	SHOW(add(epoll, file, EPOLLIN));
	close(file);
	file = open("/dev/null", O_RDONLY);
	SHOW(add(epoll, file, EPOLLIN));
	close(file);
	SHOW(add(epoll, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT));
	SHOW(add(epoll, ends[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLET));
	SHOW(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | EPOLLEXCLUSIVE));
	SHOW(control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN));
	SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, ends[0], NULL));
	SHOW(epoll_wait(epoll, events, 0, 0));
	SHOW(syscall(SYS_epoll_wait, epoll, events, -1, 0));
	SHOW(syscall(SYS_epoll_wait, epoll, events, 178956971, 0));
	SHOW(epoll_wait(ends[0], events, 1, 0));
	SHOW(epoll_wait(99, events, 1, 0));
	SHOW(syscall(SYS_epoll_wait, epoll, (void *)0xffffffff81000000, 1, 0));
	SHOW(syscall(SYS_epoll_pwait, epoll, events, 1, 0, events, 4));
	struct timespec bad = {0, -1}, zero = {0, 0};
	SHOW(syscall(SYS_epoll_pwait2, epoll, events, 1, &bad, NULL, 8));
	SHOW(syscall(SYS_epoll_pwait2, epoll, events, 1, &zero, NULL, 8));
	SHOW(read(epoll, &value, 8));
	SHOW(write(epoll, &value, 8));
	close(epoll);
	close(ends[0]);
	close(ends[1]);
}

static void levels(unsigned int how)
{
	int ends[2], epoll = epoll_create(1);
	char byte;

	say("levels %x", how);
	pipe(ends);
	add(epoll, ends[0], EPOLLIN | how);
	add(epoll, ends[1], EPOLLOUT | how);
	show_ready("empty", epoll);
	show_ready("again", epoll);
	write(ends[1], "ab", 2);
	show_ready("written", epoll);
	show_ready("again", epoll);
	read(ends[0], &byte, 1);
	show_ready("half read", epoll);
	write(ends[1], "c", 1);
	show_ready("more written", epoll);
	control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | how);
	show_ready("armed again", epoll);
	control(epoll, EPOLL_CTL_MOD, ends[0], how);
	show_ready("asks for nothing", epoll);
	close(ends[1]);
	show_ready("no writer", epoll);
	control(epoll, EPOLL_CTL_MOD, ends[0], EPOLLIN | how);
	show_ready("armed again", epoll);
	close(ends[0]);
	show_ready("closed", epoll);
	close(epoll);
}

/* An entry goes with the last reference of its file, not with its descriptor. */
static void references(void)
{
	int event = eventfd(1, 0), epoll = epoll_create1(0), copy = dup(event), second;

	add(epoll, event, EPOLLIN);
	add(epoll, copy, EPOLLIN | EPOLLOUT);
	show_ready("two descriptors", epoll);
	close(event);
	show_ready("one closed", epoll);
	SHOW(control(epoll, EPOLL_CTL_MOD, event, EPOLLIN));
	SHOW(add(epoll, copy, EPOLLIN));
	second = dup2(copy, event);
	SHOW(control(epoll, EPOLL_CTL_MOD, second, EPOLLOUT) == 0);
	show_ready("modified", epoll);
	close(second);
	close(copy);
	show_ready("both closed", epoll);
	event = eventfd(0, 0);
	SHOW(add(epoll, event, EPOLLIN));
	show_ready("another file", epoll);
	close(event);
	close(epoll);
}

static void event_edges(unsigned int wanted)
{
	int event = eventfd(0, 0), epoll = epoll_create1(0);

	say("edges %x", wanted);
	add(epoll, event, wanted | EPOLLET);
	show_ready("added", epoll);
	write(event, &value, 8);
	show_ready("written", epoll);
	write(event, &value, 8);
	show_ready("written again", epoll);
	show_ready("nothing", epoll);
	read(event, &value, 8);
	value = 1;
	show_ready("read", epoll);
	close(event);
	close(epoll);
}

static int poll_in(int fd)
{
	struct pollfd poller = {fd, POLLIN | POLLOUT, 0};

	poll(&poller, 1, 0);
	return poller.revents;
}

static void nesting(void)
{
	int event = eventfd(0, 0), inner = epoll_create1(0), outer = epoll_create1(0), chain[8];

	SHOW(add(inner, event, EPOLLIN));
	SHOW(add(outer, inner, EPOLLIN));
	SHOW(add(inner, outer, EPOLLIN));
	show_ready("outer", outer);
	SHOW(poll_in(inner));
	write(event, &value, 8);
	SHOW(poll_in(inner));
	SHOW(poll_in(outer));
	show_ready("outer", outer);
	show_ready("inner", inner);
	read(event, &value, 8);
	value = 1;
	SHOW(poll_in(outer));
	show_ready("outer", outer);
	SHOW(control(outer, EPOLL_CTL_MOD, inner, EPOLLIN | EPOLLET));
	write(event, &value, 8);
	show_ready("outer, edge", outer);
	show_ready("outer, edge", outer);
	write(event, &value, 8);
	show_ready("outer, edge", outer);
	close(inner);
	show_ready("inner closed", outer);
	SHOW(add(outer, event, EPOLLIN));
	show_ready("outer", outer);
	close(outer);
	for (int i = 0; i < 8; i++)
		chain[i] = epoll_create1(0);
	for (int i = 1; i < 8; i++)
		SHOW(add(chain[i], chain[i - 1], EPOLLIN));
	SHOW(add(chain[0], event, EPOLLIN));
	SHOW(poll_in(chain[4]));
	for (int i = 0; i < 8; i++)
		close(chain[i]);
	close(event);
}

/* Closing the watcher first, or what it watches, from any depth. */
static void closing(void)
{
	for (int order = 0; order < 6; order++) {
		int fds[3] = {eventfd(1, 0), epoll_create1(0), epoll_create1(0)};
		static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
						 {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

		add(fds[1], fds[0], EPOLLIN);
		add(fds[2], fds[1], EPOLLIN);
		add(fds[2], fds[0], EPOLLIN | EPOLLET);
		for (int i = 0; i < 3; i++) {
			if (orders[order][2] == 2 || (orders[order][1] == 2 && i < 1))
				show_ready("outer", fds[2]);
			close(fds[orders[order][i]]);
		}
	}
}

static volatile int handled;
static void handler(int sig)
{
	handled = sig;
}

static void waiting(void)
{
	int there[2], back[2], epoll = epoll_create1(0), nr = 0, status;
	struct itimerval soon = {{0, 0}, {0, 2000}};
	sigset_t none;
	char byte;

	pipe(there);
	pipe(back);
	add(epoll, there[0], EPOLLIN | EPOLLET);
	pid_t pid = fork();
	if (pid == 0) {
		for (int i = 0; i < 100; i++) {
			if (write(there[1], "x", 1) != 1 || read(back[0], &byte, 1) != 1)
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 100; i++) {
		nr += epoll_wait(epoll, events, MAX_EVENTS, -1);
		read(there[0], &byte, 1);
		write(back[1], "y", 1);
	}
	SHOW(nr);
	waitpid(pid, &status, 0);
	show_status("echo", status);
	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &soon, NULL);
	SHOW(epoll_wait(epoll, events, 1, -1));
	SHOW(handled == SIGALRM);
	SHOW(epoll_wait(epoll, events, 1, 5));
	struct timespec ms = {0, 1000000};
	SHOW(syscall(SYS_epoll_pwait2, epoll, events, 1, &ms, NULL, 8));
	sigset_t alarm;
	handled = 0;
	sigemptyset(&none);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, NULL);
	raise(SIGALRM);
	SHOW(epoll_wait(epoll, events, 1, 0));
	SHOW(handled);
	SHOW(epoll_pwait(epoll, events, 1, -1, &none));
	SHOW(handled == SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm, NULL);
	for (int i = 0; i < 2; i++) {
		close(there[i]);
		close(back[i]);
	}
	close(epoll);
}

static void timers(void)
{
	int timer = timerfd_create(CLOCK_MONOTONIC, 0), epoll = epoll_create1(0);
	struct itimerspec soon = {{0, 0}, {0, 1000000}};

	add(epoll, timer, EPOLLIN);
	show_ready("not armed", epoll);
	timerfd_settime(timer, 0, &soon, NULL);
	SHOW(epoll_wait(epoll, events, 1, -1));
	SHOW(read(timer, &value, 8));
	show_ready("read", epoll);
	close(timer);
	close(epoll);
}

/* A page that cannot be written: an event is not lost. */
static void faults(void)
{
	int event = eventfd(1, 0), epoll = epoll_create1(0);

	add(epoll, event, EPOLLIN | EPOLLET);
	SHOW(syscall(SYS_epoll_wait, epoll, (void *)4096, 1, 0));
	show_ready("behind a fault", epoll);
	close(event);
	close(epoll);
}

int main(void)
{
	refusals();
	levels(0);
	levels(EPOLLET);
	levels(EPOLLONESHOT);
	levels(EPOLLET | EPOLLONESHOT);
	references();
	event_edges(EPOLLIN);
	event_edges(EPOLLOUT);
	event_edges(EPOLLIN | EPOLLOUT);
	nesting();
	closing();
	waiting();
	timers();
	faults();
	return 0;
}
