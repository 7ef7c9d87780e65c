/* Clocks, usage, random numbers, and what else is asked of the machine. */
#define _GNU_SOURCE
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

static void clocks(void)
{
	static const int ids[] = {CLOCK_REALTIME,
				  CLOCK_MONOTONIC,
				  CLOCK_PROCESS_CPUTIME_ID,
				  CLOCK_THREAD_CPUTIME_ID,
				  CLOCK_MONOTONIC_RAW,
				  CLOCK_REALTIME_COARSE,
				  CLOCK_MONOTONIC_COARSE,
				  CLOCK_BOOTTIME,
				  CLOCK_TAI,
				  12,
				  100};
	struct timespec a = {0}, b = {0}, zero = {0, 1};
	clockid_t own;

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		say("clock %d", ids[i]);
		if (SHOW(syscall(SYS_clock_gettime, ids[i], &a)) == 0) {
			syscall(SYS_clock_gettime, ids[i], &b);
			say("goes forward: %d", b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec &&
									b.tv_nsec >= a.tv_nsec));
		}
		SHOW(syscall(SYS_clock_getres, ids[i], NULL));
		if (ids[i] != CLOCK_PROCESS_CPUTIME_ID)
			SHOW(syscall(SYS_clock_nanosleep, ids[i], 0, &zero, NULL));
	}
	SHOW(syscall(SYS_clock_gettime, 0, 1));
	SHOW(syscall(SYS_clock_getres, 1, 1));
	SHOW(syscall(SYS_clock_getres, 1, &a));
	say("resolution %ld %ld", (long)a.tv_sec, a.tv_nsec);
	SHOW(clock_getcpuclockid(getpid(), &own));
	SHOW(clock_gettime(own, &a));
	SHOW(clock_getcpuclockid(0x7fffff00, &own));
	zero.tv_nsec = 1000000000;
	SHOW(syscall(SYS_nanosleep, &zero, NULL));
	zero = (struct timespec){-1, 0};
	SHOW(syscall(SYS_nanosleep, &zero, NULL));
	SHOW(syscall(SYS_nanosleep, 1, NULL));
	zero = (struct timespec){0, 0};
	SHOW(syscall(SYS_nanosleep, &zero, (void *)1));
	SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &zero, NULL));

	struct timespec before, after, wish = {0, 30000000};
	clock_gettime(CLOCK_MONOTONIC, &before);
	SHOW(nanosleep(&wish, NULL));
	clock_gettime(CLOCK_MONOTONIC, &after);
	say("slept long enough: %d",
	    (after.tv_sec - before.tv_sec) * 1000000000 + after.tv_nsec - before.tv_nsec >=
		    30000000);
}

static int use_memory(void *context)
{
	size_t size = 8 << 20;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)context;
	for (size_t i = 0; i < size; i += 4096)
		memory[i] = 1;
	munmap(memory, size);
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	say("own maximum: %d", usage.ru_maxrss >= 8 << 10 && usage.ru_maxrss < 16 << 10);
	getrusage(RUSAGE_CHILDREN, &usage);
	return usage.ru_maxrss != 0;
}

static void usage(void)
{
	struct rusage self, thread, children;
	struct timespec some = {0, 1000000};
	struct tms tms;
	int status;

	SHOW(getrusage(2, &self));
	SHOW(syscall(SYS_getrusage, RUSAGE_SELF, 1));
	for (int i = 0; i < 5; i++)
		nanosleep(&some, NULL);
	SHOW(getrusage(RUSAGE_SELF, &self));
	SHOW(getrusage(RUSAGE_THREAD, &thread));
	say("switches: %d %d, faults %d %d, resident %d", self.ru_nvcsw >= 5, thread.ru_nvcsw >= 5,
	    self.ru_minflt > 0, thread.ru_minflt > 0, self.ru_maxrss > 0);
	getrusage(RUSAGE_CHILDREN, &children);
	show_child("8 MiB", use_memory, NULL);
	getrusage(RUSAGE_CHILDREN, &self);
	say("children: maximum %d faults %d",
	    self.ru_maxrss >= 8 << 10 && self.ru_maxrss < 16 << 10,
	    self.ru_minflt - children.ru_minflt >= 100);
	pid_t pid = fork();
	if (pid == 0)
		_exit(use_memory(NULL));
	SHOW(syscall(SYS_wait4, pid, &status, 0, &self) == pid);
	say("of one: maximum %d", self.ru_maxrss >= 8 << 10);
	SHOW(times(&tms) != -1);
	SHOW(syscall(SYS_times, 1));
}

static void machine(void)
{
	struct sysinfo info;
	struct utsname name;

	SHOW(sysinfo(&info));
	say("unit %u, memory %d, free %d, processes %d, uptime %d", info.mem_unit,
	    info.totalram > 1 << 20, info.freeram <= info.totalram, info.procs > 1,
	    info.uptime > 0);
	SHOW(syscall(SYS_sysinfo, 1));
	SHOW(uname(&name));
	say("%s %s", name.sysname, name.machine);
	SHOW(syscall(SYS_uname, 1));
}

static void randomness(void)
{
	uint8_t a[32] = {0}, b[32] = {0};

	SHOW(syscall(SYS_getrandom, a, 32, 0));
	SHOW(syscall(SYS_getrandom, b, 32, 1));
	say("differ: %d", memcmp(a, b, 32) != 0);
	SHOW(syscall(SYS_getrandom, a, 32, 2));
	SHOW(syscall(SYS_getrandom, a, 32, 4));
	SHOW(syscall(SYS_getrandom, a, 32, 6));
	SHOW(syscall(SYS_getrandom, a, 32, 8));
	SHOW(syscall(SYS_getrandom, a, 0, 0));
	SHOW(syscall(SYS_getrandom, 1, 32, 0));
}

static void barriers(void)
{
	long commands = syscall(SYS_membarrier, 0, 0, 0);

	say("commands: %d", (commands & 25) == 25);
	SHOW(syscall(SYS_membarrier, 8, 0, 0));
	SHOW(syscall(SYS_membarrier, 16, 0, 0));
	SHOW(syscall(SYS_membarrier, 8, 0, 0));
	SHOW(syscall(SYS_membarrier, 1, 0, 0));
	SHOW(syscall(SYS_membarrier, 1 << 20, 0, 0));
	SHOW(syscall(SYS_membarrier, 0, 4, 0));
}

int main(void)
{
	clocks();
	usage();
	machine();
	randomness();
	barriers();
	return 0;
}
