/*
 * random_calls: system calls with random arguments, by processes that come and go. What they return
 * does not matter; the kernel has to live, and to give everything back.
 *
 *   random_calls --seed N --rounds N --processes N --calls N
 *
 * A round runs the processes at once, and ends when all have ended. One that waits in a call is sent a signal, which
 * ends most such calls; one that hangs is killed after two seconds. After each the memory that is free is printed in kB: `free
 * ROUND KB`; at the end how many calls returned: `calls N`. Arguments are drawn by their kind
 * (kernel/syscall/arguments.def), often such as a careful program would give. Left out are the calls that would end
 * the session or stop others, see below.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/print.h"
#include "arguments.h"

#define DIRECTORY     "/tmp/random_calls"
#define PAGE          4096ul
#define MAX_PROCESSES 64
#define PATIENCE_NS   2000000000l
#define LOOK_NS       10000000l

/* Ends the session or the process, makes others, stops or kills others, changes what they all use. */
static const char *const left_out[] = {
	"reboot",          "exit",
	"exit_group",      "fork",
	"vfork",           "clone",
	"clone3",          "kill",
	"tkill",           "tgkill",
	"rt_sigqueueinfo", "rt_tgsigqueueinfo",
	"mount",           "umount2",
	"swapon",          "swapoff",
	"rt_sigreturn",    "pidfd_send_signal",
	"chroot",          "sethostname",
	"setdomainname",   "clock_settime",
	"syslog",          "shmget", /* a segment outlives who made it */
};

static uint64_t state;
static char *scratch; /* pages that calls may read and write */

static uint64_t draw(uint64_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % below;
}

static long odd_number(void)
{
	static const long odd[] = {0,     1,         -1,        2,        4095,      4096,
				   4097,  INT32_MAX, INT32_MIN, 1l << 32, INT64_MAX, INT64_MIN,
				   -4096, 64,        8,         1024};

	return odd[draw(sizeof(odd) / sizeof(odd[0]))];
}

static long odd_pointer(void)
{
	switch (draw(8)) {
	case 0:
		return 0;
	case 1:
		return (long)0xffff888000100000;
	case 2:
		return (long)0x8000000000000000;
	case 3:
		return odd_number();
	default:
		return (long)(scratch + draw(4 * PAGE));
	}
}

static long good_value(const struct argument *argument)
{
	static const char *const paths[] = {"file",      ".",    "/proc/self/maps",
					    "/dev/null", "gone", "dir"};

	switch (argument->kind) {
	case ARGUMENT_FD:
		return (long)draw(12) + 3;
	case ARGUMENT_DIRFD:
		return AT_FDCWD;
	case ARGUMENT_PID:
		return draw(2) ? 0 : getpid();
	case ARGUMENT_SIZE:
		return (long)draw(3 * PAGE);
	case ARGUMENT_ADDRESS:
		return (long)(scratch + draw(8) * PAGE);
	case ARGUMENT_PATH:
		return (long)paths[draw(sizeof(paths) / sizeof(paths[0]))];
	case ARGUMENT_NUM:
		return (long)draw(1ul << draw(20));
	default:
		return (long)(scratch + draw(4) * PAGE + draw(64) * 8);
	}
}

static long value(const struct argument *argument)
{
	if (draw(4))
		return good_value(argument);
	return is_pointer(argument) ? odd_pointer() : odd_number();
}

static bool is_left_out(const char *name)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
		if (strcmp(left_out[i], name) == 0)
			return true;
	}
	return false;
}

static void poked(int sig)
{
	(void)sig;
}

/* In a process of its own. *made: how many calls returned. */
static void __attribute__((noreturn))
make_calls(uint64_t seed, long nr_calls, int null, volatile long *made)
{
	/* The console is for those who report. */
	for (int fd = 0; fd <= 2; fd++)
		dup2(null, fd);
	state = seed * 0x9e3779b97f4a7c15ul | 1;
	/* What calls take away behind the scratch memory is nothing of use. */
	mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	scratch = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (scratch == MAP_FAILED)
		_exit(0); /* no memory now */
	for (size_t i = 0; i < 8 * PAGE / sizeof(uint64_t); i += 16)
		((uint64_t *)scratch)[i] = draw(4);
	for (long i = 0; i < nr_calls; i++) {
		const struct call *call = &calls[draw(NR_CALLS)];
		long a[MAX_ARGUMENTS] = {0};

		if (is_left_out(call->name))
			continue;
		for (int k = 0; k < MAX_ARGUMENTS && call->arguments[k].kind != ARGUMENT_NONE; k++)
			a[k] = value(&call->arguments[k]);
		syscall(call->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		++*made;
	}
	_exit(0);
}

static long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000l + now.tv_nsec;
}

/* Waits for all children, and pokes them; kills what is left when patience ends. */
static void collect(pid_t *pids, int nr)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	long deadline = now_ns() + PATIENCE_NS;

	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);

		if (pid < 0 && errno == ECHILD)
			return;
		for (int i = 0; pid > 0 && i < nr; i++)
			if (pids[i] == pid)
				pids[i] = -1;
		if (pid > 0)
			continue;
		for (int i = 0; i < nr; i++)
			if (pids[i] > 0)
				kill(pids[i], now_ns() > deadline ? SIGKILL : SIGALRM);
		nanosleep(&pause, NULL);
	}
}

/* MemFree of /proc/meminfo. */
static long free_kb(void)
{
	char text[2048] = {0};
	int fd = open("/proc/meminfo", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *found = n > 0 ? strstr(text, "MemFree:") : NULL;

	close(fd);
	return found ? strtol(found + strlen("MemFree:"), NULL, 10) : -1;
}

/* Removes what the calls have left in the working directory. */
static void tidy(void)
{
	DIR *directory = opendir(".");
	struct dirent *entry;

	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		if (unlink(entry->d_name) != 0)
			rmdir(entry->d_name);
	}
	closedir(directory);
}

static long option(int argc, char **argv, const char *name, long otherwise)
{
	for (int i = 1; i + 1 < argc; i++) {
		if (strcmp(argv[i], name) == 0)
			return strtol(argv[i + 1], NULL, 10);
	}
	return otherwise;
}

int main(int argc, char **argv)
{
	long seed = option(argc, argv, "--seed", 1), rounds = option(argc, argv, "--rounds", 4);
	long processes = option(argc, argv, "--processes", 8);
	long nr_calls = option(argc, argv, "--calls", 2000);
	pid_t pids[MAX_PROCESSES];
	/* Of each process, for all its rounds. */
	volatile long *made = mmap(NULL, MAX_PROCESSES * sizeof(*made), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const struct sigaction action = {.sa_handler = poked}; /* no SA_RESTART */
	int null = open("/dev/null", O_RDWR);                  /* before the calls remove it */
	long sum = 0;

	sigaction(SIGALRM, &action, NULL);
	if (processes < 1 || processes > MAX_PROCESSES)
		return 2;
	if (made == MAP_FAILED || null < 0)
		return 1;
	if (mkdir(DIRECTORY, 0777) != 0 || chdir(DIRECTORY) != 0)
		return 1;
	for (long round = 0; round < rounds; round++) {
		for (long i = 0; i < processes; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				make_calls((uint64_t)(seed * 1000000 + round * 1000 + i), nr_calls,
					   null, &made[i]);
		}
		collect(pids, (int)processes);
		tidy();
		print("free %ld %ld\n", round, free_kb());
	}
	for (long i = 0; i < processes; i++)
		sum += made[i];
	print("calls %ld\n", sum);
	return 0;
}
