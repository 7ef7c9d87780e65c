/*
 * bomb: a fork bomb, or one of threads, each with some memory of its own, until so many tasks were killed
 * for memory; then all of it is killed. Who lights it is not to be killed for memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../lib/print.h"
#include "../workloads/options.h"

#define PAGE 4096ul

static uint64_t kills = 1, size = 1u << 20, threads;

static void take_memory(void)
{
	char *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (uint64_t i = 0; pages != MAP_FAILED && i < size; i += PAGE)
		pages[i] = 1;
}

static void fork_on(void)
{
	for (;;) {
		take_memory();
		while (fork() < 0)
			sched_yield();
	}
}

static void *thread_on(void *context)
{
	take_memory();
	pause();
	return context;
}

static void start_threads(void)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 4 * PAGE);
	for (;;)
		if (pthread_create(&thread, &attributes, thread_on, NULL))
			sched_yield();
}

static int set_adjustment(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	return fd < 0 || write(fd, text, strlen(text)) < 0 || close(fd);
}

/* Tasks that the kernel has killed for memory since it booted. */
static uint64_t killed(void)
{
	static char text[16384];
	int fd = open("/proc/vmstat", O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *line;

	if (length < 0 || close(fd))
		return 0;
	text[length] = 0;
	line = strstr(text, "oom_kill ");
	return line ? strtoull(line + strlen("oom_kill "), NULL, 10) : 0;
}

int main(int argc, char **argv)
{
	const struct option options[] = {
		{"--kills", OPTION_NUMBER, &kills, 1, 1000},
		{"--size", OPTION_SIZE, &size, PAGE, 1ul << 30},
		{"--threads", OPTION_NUMBER, &threads, 0, 1},
	};
	unsigned int ended = 0;
	pid_t bomb;

	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);
	bomb = fork();
	if (bomb == 0) {
		setpgid(0, 0);
		if (threads)
			start_threads();
		fork_on();
	}
	if (bomb < 0 || set_adjustment("-1000")) {
		print("bomb: %s\n", strerror(errno));
		return 1;
	}
	while (killed() < kills)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	/* Those that are being made may be missed; a dead one is in the group until it is waited for, by us
	 * or by init. */
	while (kill(-bomb, SIGKILL) == 0) {
		while (wait4(-1, NULL, WNOHANG, NULL) > 0)
			ended++;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	while (wait4(-1, NULL, 0, NULL) > 0)
		ended++;
	print("bomb.over %u children\n", ended);
	return 0;
}
