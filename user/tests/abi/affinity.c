/* On which CPUs a task may run: set for itself, for others, inherited, and told by /proc. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define MAX_CPUS 64

/* By the calls themselves: the C libraries do not agree on what they return. */
static long get(pid_t tid, unsigned long *mask)
{
	unsigned long words[16] = {0};
	long done = syscall(SYS_sched_getaffinity, tid, sizeof(words), words);

	*mask = words[0];
	return done < 0 ? -1 : 0;
}

static long set(pid_t tid, unsigned long mask)
{
	return syscall(SYS_sched_setaffinity, tid, sizeof(mask), &mask);
}

static long cpu_now(void)
{
	unsigned cpu = ~0u;

	syscall(SYS_getcpu, &cpu, NULL, NULL);
	return cpu;
}

static unsigned long all;

/* The line of /proc/PID/status that begins with `label`, as a mask. */
static unsigned long told_mask(const char *path)
{
	static const char label[] = "\nCpus_allowed:\t";
	char text[8192], *line;
	unsigned long mask = 0;
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	if (size < 0)
		return 0;
	text[size] = '\0';
	line = strstr(text, label);
	if (!line)
		return 0;
	for (line += strlen(label); *line != '\n'; line++)
		if (*line != ',')
			mask = mask << 4 |
			       (unsigned long)(*line > '9' ? *line - 'a' + 10 : *line - '0');
	return mask;
}

/* Pins itself to each CPU in turn; it must be there at once, and stay. */
static int visit_all(void *unused)
{
	unsigned long now;
	int wrong = 0;

	(void)unused;
	for (int round = 0; round < 20; round++) {
		for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
			if (!(all & 1ul << cpu))
				continue;
			if (set(0, 1ul << cpu) != 0 || cpu_now() != cpu)
				wrong++;
			if (get(0, &now) != 0 || now != 1ul << cpu)
				wrong++;
			sched_yield();
			if (cpu_now() != cpu)
				wrong++;
		}
	}
	return wrong;
}

static int is_inherited(void *unused)
{
	unsigned long last = all, now;

	(void)unused;
	while (last & (last - 1))
		last &= last - 1;
	if (set(0, last) != 0)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		if (get(0, &now) != 0 || now != last || 1ul << cpu_now() != last)
			_exit(2);
		/* And by exec. */
		execl("/proc/self/exe", "affinity", "child", NULL);
		_exit(3);
	}
	int status;
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

static void *thread(void *mask)
{
	return (void *)(set(0, *(unsigned long *)mask) == 0 ? get(0, mask) : -1);
}

/* Another thread's is its own. */
static int threads_differ(void *unused)
{
	unsigned long first = all & -all, other = first, now;
	pthread_t id;
	void *result;

	(void)unused;
	if (pthread_create(&id, NULL, thread, &other) != 0 || pthread_join(id, &result) != 0)
		return 1;
	if (result || other != first)
		return 2;
	return get(0, &now) == 0 && now == all ? 0 : 3;
}

/* Sends a child that never sleeps from CPU to CPU. */
static int others_are_sent(void *unused)
{
	int wrong = 0;

	(void)unused;
	pid_t child = fork();
	if (child == 0) {
		for (;;)
			cpu_now();
	}
	for (int round = 0; round < 10; round++) {
		for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
			char path[40];

			if (!(all & 1ul << cpu))
				continue;
			if (set(child, 1ul << cpu) != 0)
				wrong++;
			snprintf(path, sizeof(path), "/proc/%d/status", (int)child);
			if (told_mask(path) != 1ul << cpu)
				wrong++;
		}
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return wrong;
}

/* A child that has ended and was not waited for yet still has one, though it runs nowhere. */
static int zombies_have_one(void *unused)
{
	unsigned long first = all & -all, now;
	int wrong = 0;

	(void)unused;
	for (int round = 0; round < 20; round++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		if (waitid(P_PID, child, NULL, WEXITED | WNOWAIT) != 0 || set(child, first) != 0 ||
		    get(child, &now) != 0 || now != first)
			wrong++;
		waitpid(child, NULL, 0);
	}
	return wrong;
}

static int strangers_may_not(void *unused)
{
	int error;

	(void)unused;
	if (setuid(1000) != 0)
		return 1;
	errno = 0;
	error = set(getppid(), all) == 0 ? 0 : errno;
	say("set that of a task of root: %s", errno_name(error));
	errno = 0;
	error = get(getppid(), &all) == 0 ? 0 : errno;
	say("get it: %s", errno_name(error));
	return set(0, all) != 0;
}

int main(int argc, char **argv)
{
	unsigned long mask, none = 0, far = 0;
	struct {
		unsigned long words[32];
	} large;

	get(0, &all);
	if (argc > 1 && !strcmp(argv[1], "child"))
		return all & (all - 1) || 1ul << cpu_now() != all;
	SHOW(set(0, all));
	SHOW(get(0, &mask) == 0 && mask == all);
	SHOW(set(0, ~0ul));
	SHOW(get(0, &mask) == 0 && mask == all);
	SHOW(set(0, none));
	SHOW(syscall(SYS_sched_setaffinity, 0, 0, &mask));
	SHOW(syscall(SYS_sched_setaffinity, 0, 0, NULL));
	SHOW(syscall(SYS_sched_setaffinity, 0, 8, NULL));
	SHOW(syscall(SYS_sched_setaffinity, -1, 8, &all));
	SHOW(syscall(SYS_sched_setaffinity, -1, 8, &far));
	SHOW(syscall(SYS_sched_setaffinity, 0x3fffffff, 8, &none));
	memset(&large, 0, sizeof(large));
	large.words[31] = 1;
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof(large), &large));
	large.words[0] = all;
	SHOW(syscall(SYS_sched_setaffinity, 0, sizeof(large), &large));
	SHOW(get(0, &mask) == 0 && mask == all);
	show_child("every CPU in turn", visit_all, NULL);
	show_child("inherited", is_inherited, NULL);
	show_child("threads", threads_differ, NULL);
	show_child("another task", others_are_sent, NULL);
	show_child("zombies", zombies_have_one, NULL);
	show_child("not root", strangers_may_not, NULL);
	return 0;
}
