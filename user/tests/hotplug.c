/*
 * CPU hotplug: CPUs are taken off and brought back, and everything that tells of CPUs follows. What other programs do meanwhile is
 * up to who starts them. The guest only: it switches the machine's CPUs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/print.h"
#include "../workloads/options.h"
#include "check.h"

#define DIRECTORY "/sys/devices/system/cpu/"

static uint64_t rounds = 50;
static unsigned long possible;

static const char *read_text(const char *path, char text[8192])
{
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, text, 8191);

	close(fd);
	text[size < 0 ? 0 : size] = '\0';
	return text;
}

/* A list as "0-2,5\n". */
static unsigned long listed(const char *name)
{
	char text[8192], path[80];
	const char *next = text;
	unsigned long mask = 0;
	unsigned first, last;
	int length;

	snprintf(path, sizeof(path), DIRECTORY "%s", name);
	read_text(path, text);
	while (sscanf(next, "%u%n", &first, &length) == 1) {
		next += length;
		last = first;
		if (sscanf(next, "-%u%n", &last, &length) == 1)
			next += length;
		for (; first <= last; first++)
			mask |= 1ul << first;
		next += *next == ',';
	}
	return mask;
}

static bool switch_cpu(unsigned cpu, const char *word)
{
	char path[80];
	int fd;
	ssize_t done;

	snprintf(path, sizeof(path), DIRECTORY "cpu%u/online", cpu);
	fd = open(path, O_WRONLY);
	done = write(fd, word, strlen(word));
	close(fd);
	return done == (ssize_t)strlen(word);
}

static unsigned long affinity(pid_t tid)
{
	unsigned long mask = 0;

	return syscall(SYS_sched_getaffinity, tid, sizeof(mask), &mask) < 0 ? 0 : mask;
}

static bool set_affinity(pid_t tid, unsigned long mask)
{
	return syscall(SYS_sched_setaffinity, tid, sizeof(mask), &mask) == 0;
}

/* How often a line of the file begins so. */
static int count_lines(const char *path, const char *begin)
{
	char text[8192];
	int count = 0;

	for (const char *line = read_text(path, text); line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		count += !strncmp(line, begin, strlen(begin));
	}
	return count;
}

/* Whether all agree that just these CPUs are there. */
static const char *check_online(unsigned long mask)
{
	unsigned cpu;

	CHECK(listed("online") == mask);
	CHECK(listed("offline") == (possible & ~mask));
	CHECK(listed("possible") == possible && listed("present") == possible);
	CHECK(affinity(0) == mask);
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) == __builtin_popcountl(mask));
	CHECK(count_lines("/proc/cpuinfo", "processor\t") == __builtin_popcountl(mask));
	CHECK(count_lines("/proc/stat", "cpu") == 1 + __builtin_popcountl(mask));
	CHECK(syscall(SYS_getcpu, &cpu, NULL, NULL) == 0 && (mask & 1ul << cpu));
	return NULL;
}

/* One, or all but the first, go and come back. */
static const char *come_and_go(void)
{
	unsigned nr = (unsigned)__builtin_popcountl(possible);

	for (uint64_t round = 0; round < rounds; round++) {
		unsigned first = 1 + (unsigned)round % (nr - 1),
			 last = round % 8 == 7 ? first + nr - 2 : first;
		unsigned long online = possible;
		const char *error;

		for (unsigned i = first; i <= last; i++) {
			unsigned cpu = 1 + (i - 1) % (nr - 1);

			online &= ~(1ul << cpu);
			CHECK(switch_cpu(cpu, "0\n"));
		}
		if ((error = check_online(online)))
			return error;
		for (unsigned i = first; i <= last; i++)
			CHECK(switch_cpu(1 + (i - 1) % (nr - 1), "1"));
		if ((error = check_online(possible)))
			return error;
	}
	return NULL;
}

static const char *words(void)
{
	CHECK(switch_cpu(1, "1"));
	CHECK(switch_cpu(1, "off"));
	CHECK(switch_cpu(1, "0"));
	CHECK(switch_cpu(1, "on"));
	errno = 0;
	CHECK(!switch_cpu(1, "2") && errno == EINVAL);
	CHECK(!switch_cpu(0, "0")); /* there is no such file */
	CHECK(!set_affinity(0, 0));
	CHECK(switch_cpu(1, "0"));
	errno = 0;
	CHECK(!set_affinity(0, 2) && errno == EINVAL);
	CHECK(switch_cpu(1, "1"));
	return NULL;
}

static pid_t fork_pinned(unsigned cpu, bool sleeps)
{
	int ends[2];
	char byte = 0;
	pid_t child;

	if (pipe(ends) != 0)
		return -1;
	child = fork();
	if (child == 0) {
		if (!set_affinity(0, 1ul << cpu) || write(ends[1], &byte, 1) != 1)
			_exit(1);
		while (sleeps)
			pause();
		for (;;)
			syscall(SYS_getppid);
	}
	if (read(ends[0], &byte, 1) != 1)
		child = -1;
	close(ends[0]);
	close(ends[1]);
	return child;
}

/* Returns when a child that is about to pause() does. */
static void await_sleep(pid_t child)
{
	char path[40], text[8192];
	const char *name_end;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
	do {
		sched_yield();
		name_end = strrchr(read_text(path, text), ')');
	} while (name_end && name_end[2] != 'S');
}

/* Who runs loses its affinity with its last CPU; who sleeps keeps it, for the CPU may be back in time. */
static const char *last_cpu_goes(void)
{
	pid_t runs = fork_pinned(1, false), sleeps = fork_pinned(1, true);

	CHECK(runs > 0 && sleeps > 0);
	await_sleep(sleeps);
	CHECK(affinity(runs) == 2 && affinity(sleeps) == 2);
	CHECK(switch_cpu(1, "0"));
	CHECK(affinity(runs) == (possible & ~2ul));
	CHECK(affinity(sleeps) == 0);
	CHECK(switch_cpu(1, "1"));
	CHECK(affinity(runs) == possible && affinity(sleeps) == 2);
	kill(runs, SIGKILL);
	kill(sleeps, SIGKILL);
	CHECK(waitpid(runs, NULL, 0) == runs && waitpid(sleeps, NULL, 0) == sleeps);
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"--rounds", OPTION_NUMBER, &rounds, 1, 1000000},
	};
	static const struct check checks[] = {
		{"hotplug_words", words},
		{"hotplug_last_cpu", last_cpu_goes},
		{"hotplug_rounds", come_and_go},
	};

	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);
	possible = listed("possible");
	if (!(possible & 2)) {
		print("FAIL hotplug: one CPU is not enough\n");
		return 1;
	}
	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
