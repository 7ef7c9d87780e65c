/*
 * step: process 1 of a measured machine, the same binary on both kernels. Carries out /steps, a line a step, its words
 * separated by TAB:
 *
 *   insmod FILE          load a module                     (Linux)
 *   mount TYPE DIR       mount a file system of the kernel (Linux)
 *   put FILE TEXT        write a line to a file            (Linux)
 *   show FILE            print a file                      (Linux)
 *   swapon DEVICE        swap there                        (Linux)
 *   memory               print "memory TOTAL FREE bytes", as the kernel counts them
 *   run PROGRAM ARGS...  run it to its end, between two marks; prints "exit PROGRAM STATUS"
 *   off                  switch the machine off            (Linux)
 *
 * First it prints "tsc N", the time-stamp counter at its beginning. A step that fails is printed with its error, and the machine ends with status 1. Behind the last line process 1 ends,
 * which ends the machine here; Linux wants "off".
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../user/lib/print.h"
#include "marker.h"

#define STEPS_SIZE 16384
#define MAX_WORDS  64

static char steps[STEPS_SIZE];
static char *const environment[] = {"PATH=/bin", "HOME=/", NULL};

static bool insmod(char **words)
{
	int fd = open(words[1], O_RDONLY | O_CLOEXEC);

	return fd >= 0 && syscall(SYS_finit_module, fd, "", 0) == 0 && close(fd) == 0;
}

static bool mount_kernel_fs(char **words)
{
	return mount(words[1], words[2], words[1], 0, NULL) == 0;
}

static bool put(char **words)
{
	int fd = open(words[1], O_WRONLY | O_CLOEXEC);
	size_t length = strlen(words[2]);

	return fd >= 0 && write(fd, words[2], length) == (ssize_t)length && close(fd) == 0;
}

static bool show(char **words)
{
	char buffer[4096];
	ssize_t n;
	int fd = open(words[1], O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		if (write(STDOUT_FILENO, buffer, (size_t)n) != n)
			return false;
	}
	close(fd);
	return n == 0;
}

/* The disk appears some time after its driver was loaded. */
static bool swap_on(char **words)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	for (int tries = 0; tries < 500; tries++) {
		if (swapon(words[1], 0) == 0)
			return true;
		if (errno != ENOENT && errno != ENXIO)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

static bool memory(char **words)
{
	struct sysinfo info;

	(void)words;
	if (sysinfo(&info) < 0)
		return false;
	print("memory %llu %llu bytes\n", (unsigned long long)info.totalram * info.mem_unit,
	      (unsigned long long)info.freeram * info.mem_unit);
	return true;
}

static bool run(char **words)
{
	int status;

	MARK(MARK_PROGRAM_BEGIN);
	pid_t pid = fork();
	if (pid == 0) {
		execve(words[1], words + 1, environment);
		print("step: %s: %s\n", words[1], strerror(errno));
		_exit(127);
	}
	bool waited = pid > 0 && wait4(pid, &status, 0, NULL) == pid;
	MARK(MARK_PROGRAM_END);
	if (waited)
		print("exit %s %d\n", words[1], status);
	return waited;
}

static bool off(char **words)
{
	(void)words;
	return reboot(RB_POWER_OFF) == 0;
}

static const struct step {
	const char *name;
	int nr_words; /* at least, its name included */
	bool (*carry_out)(char **words);
} known[] = {
	{"insmod", 2, insmod},  {"mount", 3, mount_kernel_fs}, {"put", 3, put}, {"show", 2, show},
	{"swapon", 2, swap_on}, {"memory", 1, memory},         {"run", 2, run}, {"off", 1, off},
};

static void carry_out(char *line)
{
	char *words[MAX_WORDS + 1] = {NULL};
	int nr_words = 0;

	for (char *word = strtok(line, "\t"); word && nr_words < MAX_WORDS;
	     word = strtok(NULL, "\t"))
		words[nr_words++] = word;
	for (size_t i = 0; nr_words > 0 && i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(words[0], known[i].name) != 0 || nr_words < known[i].nr_words)
			continue;
		errno = 0;
		if (known[i].carry_out(words))
			return;
		print("step: %s %s: %s\n", words[0], nr_words > 1 ? words[1] : "", strerror(errno));
		off(words);
		_exit(1);
	}
	print("step: no such step: %s\n", words[0]);
	off(words);
	_exit(1);
}

static void read_steps(void)
{
	size_t length = 0;
	ssize_t n;
	int fd = open("/steps", O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && length < sizeof(steps) - 1 &&
	       (n = read(fd, steps + length, sizeof(steps) - 1 - length)) > 0)
		length += (size_t)n;
	if (length == 0 || length == sizeof(steps) - 1) {
		print("step: /steps cannot be read, or is longer than 16,382 bytes\n");
		off(NULL);
		_exit(1);
	}
}

/* When process 1 began; the counter runs from the machine's start. */
static void tell_begin(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	MARK(MARK_INIT);
	print("tsc %llu\n", (unsigned long long)((uint64_t)high << 32 | low));
}

int main(void)
{
	tell_begin();
	read_steps();
	for (char *line = steps, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		carry_out(line);
	}
	return 0;
}
