/* Policies, nice values and real-time priorities: set, got, inherited, refused, and told by /proc. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define FIFO          1
#define RR            2
#define BATCH         3
#define IDLE          5
#define DEADLINE      6
#define RESET_ON_FORK 0x40000000

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
	uint64_t more;
};

static long set(pid_t tid, int policy, int priority)
{
	return syscall(SYS_sched_setscheduler, tid, policy, &priority);
}

static long set_priority(pid_t tid, int priority)
{
	return syscall(SYS_sched_setparam, tid, &priority);
}

static void tell(const char *what)
{
	int priority = -1;
	long policy = syscall(SYS_sched_getscheduler, 0);

	syscall(SYS_sched_getparam, 0, &priority);
	say("%s: policy %lx, priority %d, nice %ld", what, policy, priority,
	    20 - syscall(SYS_getpriority, PRIO_PROCESS, 0));
}

/* Fields of /proc/PID/stat, by their numbers in proc(5). */
static void tell_stat(const char *what)
{
	char text[2048], *next;
	int fd = open("/proc/self/stat", O_RDONLY);
	ssize_t size = read(fd, text, sizeof(text) - 1);
	long fields[53] = {0};

	close(fd);
	text[size < 0 ? 0 : size] = '\0';
	next = strrchr(text, ')');
	if (!next)
		return;
	next += 4;
	for (int i = 4; i <= 52; i++)
		fields[i] = strtol(next, &next, 10);
	say("%s: priority %ld, nice %ld, rt_priority %ld, policy %ld", what, fields[18], fields[19],
	    fields[40], fields[41]);
}

static long set_attr(struct attr attr)
{
	return syscall(SYS_sched_setattr, 0, &attr, 0);
}

static void tell_attr(const char *what)
{
	struct attr attr = {0};

	if (syscall(SYS_sched_getattr, 0, &attr, 48, 0) != 0)
		say("%s: no attributes", what);
	else
		say("%s: size %u, policy %u, flags %lx, nice %d, priority %u", what, attr.size,
		    attr.policy, (unsigned long)attr.flags, attr.nice, attr.priority);
}

static int policies(void *unused)
{
	static const int all[] = {0, FIFO, RR, BATCH, 4, IDLE, 7, 100, -1, -2};

	(void)unused;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		say("policy %d", all[i]);
		SHOW(set(0, all[i], 0));
		SHOW(set(0, all[i], 1));
		SHOW(set(0, all[i], 99));
		SHOW(set(0, all[i], 100));
		SHOW(set(0, all[i], -1));
		tell("now");
		tell_stat("stat");
		tell_attr("attributes");
	}
	SHOW(set(0, DEADLINE, 0));
	SHOW(set(0x3fffffff, FIFO, 1));
	SHOW(set(-1, FIFO, 1));
	SHOW(syscall(SYS_sched_setscheduler, 0, FIFO, NULL));
	SHOW(syscall(SYS_sched_setscheduler, 0, FIFO, (void *)8));
	SHOW(set(0, FIFO, 7));
	SHOW(set_priority(0, 8));
	SHOW(set_priority(0, 0));
	SHOW(set_priority(-1, 1));
	SHOW(set_priority(0x3fffffff, 1));
	SHOW(syscall(SYS_sched_setparam, 0, NULL));
	tell("after setparam");
	SHOW(set(0, 0, 0));
	SHOW(set_priority(0, 0));
	SHOW(set_priority(0, 1));
	return 0;
}

static int child_tells(void *what)
{
	tell(what);
	return 0;
}

static int inheritance(void *unused)
{
	(void)unused;
	set(0, RR, 5);
	show_child("of RR", child_tells, "child of RR");
	set(0, RR | RESET_ON_FORK, 5);
	tell("with reset");
	show_child("of RR with reset", child_tells, "child with reset");
	set(0, BATCH | RESET_ON_FORK, 0);
	setpriority(PRIO_PROCESS, 0, -5);
	show_child("of nice -5 with reset", child_tells, "child of -5");
	setpriority(PRIO_PROCESS, 0, 5);
	show_child("of nice 5 with reset", child_tells, "child of 5");
	set(0, BATCH, 0);
	show_child("of BATCH", child_tells, "child of BATCH");
	return 0;
}

static int nices(void *unused)
{
	static const int values[] = {0, 5, 19, 20, 100, -1, -20, -21, -1000};

	(void)unused;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		say("value %d", values[i]);
		SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, values[i]));
		tell("now");
		tell_stat("stat");
	}
	SHOW(syscall(SYS_setpriority, 3, 0, 0));
	SHOW(syscall(SYS_setpriority, -1, 0, 0));
	SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0x3fffffff, 0));
	SHOW(syscall(SYS_setpriority, PRIO_PROCESS, -1, 0));
	SHOW(syscall(SYS_setpriority, PRIO_PGRP, 0x3fffffff, 0));
	SHOW(syscall(SYS_setpriority, PRIO_USER, 54321, 0));
	SHOW(syscall(SYS_getpriority, 3, 0));
	SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0x3fffffff));
	SHOW(syscall(SYS_getpriority, PRIO_PGRP, 0x3fffffff));
	SHOW(syscall(SYS_getpriority, PRIO_USER, 54321));
	/* A group of its own, with a child in it. */
	setpgid(0, 0);
	int ends[2];
	char byte;
	if (pipe(ends) != 0)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	SHOW(setpriority(PRIO_PGRP, 0, 7));
	SHOW(getpriority(PRIO_PROCESS, child));
	SHOW(setpriority(PRIO_PROCESS, child, 9));
	SHOW(getpriority(PRIO_PGRP, 0));
	SHOW(setpriority(PRIO_PROCESS, 0, 11));
	SHOW(getpriority(PRIO_PGRP, getpgid(0)));
	close(ends[1]);
	waitpid(child, NULL, 0);
	return 0;
}

static int attributes(void *unused)
{
	struct attr attr = {.size = 48, .policy = 0, .nice = 3};

	(void)unused;
	SHOW(set_attr(attr));
	tell_attr("nice 3");
	attr.nice = 50;
	SHOW(set_attr(attr));
	tell_attr("nice 50");
	attr = (struct attr){.size = 48, .policy = FIFO, .priority = 3, .flags = 1, .nice = 9};
	SHOW(set_attr(attr));
	tell_attr("FIFO 3");
	tell("FIFO 3");
	attr = (struct attr){.size = 48, .policy = BATCH, .flags = 8, .priority = 4};
	SHOW(set_attr(attr));
	tell_attr("policy kept");
	attr = (struct attr){.size = 0, .policy = 0};
	SHOW(set_attr(attr));
	tell_attr("size 0");
	attr.size = 47;
	SHOW(set_attr(attr));
	attr.size = 4097;
	SHOW(set_attr(attr));
	attr.size = 64;
	SHOW(set_attr(attr));
	attr.more = 1;
	SHOW(set_attr(attr));
	attr = (struct attr){.size = 48, .policy = 99};
	SHOW(set_attr(attr));
	attr = (struct attr){.size = 48, .policy = 0, .flags = 1u << 20};
	SHOW(set_attr(attr));
	attr = (struct attr){.size = 48, .policy = 0, .priority = 1};
	SHOW(set_attr(attr));
	attr = (struct attr){.size = 48, .policy = -1u};
	SHOW(set_attr(attr));
	SHOW(syscall(SYS_sched_setattr, 0, NULL, 0));
	SHOW(syscall(SYS_sched_setattr, 0, (void *)8, 0));
	SHOW(syscall(SYS_sched_setattr, 0, &attr, 1));
	SHOW(syscall(SYS_sched_setattr, -1, &attr, 0));
	SHOW(syscall(SYS_sched_getattr, 0, NULL, 48, 0));
	SHOW(syscall(SYS_sched_getattr, 0, (void *)8, 48, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &attr, 47, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &attr, 4097, 0));
	SHOW(syscall(SYS_sched_getattr, 0, &attr, 48, 1));
	SHOW(syscall(SYS_sched_getattr, -1, &attr, 48, 0));
	SHOW(syscall(SYS_sched_getattr, 0x3fffffff, &attr, 48, 0));
	return 0;
}

static int intervals(void *unused)
{
	struct timespec interval = {-1, -1};

	(void)unused;
	SHOW(syscall(SYS_sched_rr_get_interval, 0, &interval));
	SHOW(set(0, RR, 1));
	SHOW(syscall(SYS_sched_rr_get_interval, 0, &interval));
	say("of RR: %ld.%09ld", (long)interval.tv_sec, interval.tv_nsec);
	SHOW(set(0, FIFO, 1));
	SHOW(syscall(SYS_sched_rr_get_interval, 0, &interval));
	say("of FIFO: %ld.%09ld", (long)interval.tv_sec, interval.tv_nsec);
	SHOW(syscall(SYS_sched_rr_get_interval, -1, &interval));
	SHOW(syscall(SYS_sched_rr_get_interval, 0x3fffffff, &interval));
	SHOW(syscall(SYS_sched_rr_get_interval, 0, NULL));
	return 0;
}

static int without_privilege(void *unused)
{
	struct rlimit limit = {0, 0};

	(void)unused;
	if (setrlimit(RLIMIT_NICE, &limit) != 0 || setrlimit(RLIMIT_RTPRIO, &limit) != 0 ||
	    setpriority(PRIO_PROCESS, 0, 5) != 0)
		return 1;
	if (setuid(1000) != 0)
		return 2;
	SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 4));
	SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 5));
	SHOW(syscall(SYS_setpriority, PRIO_PROCESS, 0, 6));
	SHOW(syscall(SYS_setpriority, PRIO_PROCESS, getppid(), 10));
	SHOW(set(0, FIFO, 1));
	SHOW(set(0, RR, 1));
	SHOW(set(0, BATCH, 0));
	SHOW(set(0, IDLE, 0));
	SHOW(set(0, 0, 0));
	SHOW(set(getppid(), BATCH, 0));
	tell("at last");
	return 0;
}

int main(void)
{
	show_child("policies", policies, NULL);
	show_child("inheritance", inheritance, NULL);
	show_child("nices", nices, NULL);
	show_child("attributes", attributes, NULL);
	show_child("intervals", intervals, NULL);
	show_child("without privilege", without_privilege, NULL);
	return 0;
}
