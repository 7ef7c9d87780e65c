/*
 * What programs call in place of entering the kernel. Names, versions and results are those of
 * Linux's vDSO; getpid is one more. Runs in user mode, in any program, at any address.
 */
#include "arch/x86_64/asm.h"
#include "arch/x86_64/vdso.h"

/* Placed by vdso.ld. */
extern const struct vvar vvar __attribute__((visibility("hidden")));

#define NR_GETPID        39
#define NR_GETTIMEOFDAY  96
#define NR_CLOCK_GETTIME 228
#define CLOCK_SHIFT      32
#define NSEC_PER_SEC     1000000000ul

/* CLOCK_REALTIME and MONOTONIC, the first two; MONOTONIC_RAW, both _COARSE and BOOTTIME, which are
 * the same clock (syscall/time.c). */
#define CLOCK_MONOTONIC 1
#define CLOCK_BOOTTIME  7
#define SAME_CLOCKS     0xf3u

struct timespec {
	s64 sec, nsec;
};

struct timeval {
	s64 sec, usec;
};

static inline u64 now_ns(void)
{
	u64 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	u64 tsc = lo | hi << 32;
	return (unsigned __int128)(tsc - vvar.tsc_boot) * vvar.mult >> CLOCK_SHIFT;
}

static inline u32 segment_limit(u32 selector)
{
	u32 limit;

	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "r"(selector));
	return limit;
}

static long call(long nr, long first, long second)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(nr), "D"(first), "S"(second)
			 : "rcx", "r11", "memory");
	return result;
}

int __vdso_clock_gettime(u32 clock, struct timespec *time);
int __vdso_gettimeofday(struct timeval *time, void *zone);
s64 __vdso_time(s64 *time);
long __vdso_getcpu(u32 *cpu, u32 *node, void *unused);
s32 __vdso_getpid(void);

int __vdso_clock_gettime(u32 clock, struct timespec *time)
{
	if (__builtin_expect(clock > CLOCK_MONOTONIC, 0) &&
	    (clock > CLOCK_BOOTTIME || !(SAME_CLOCKS >> clock & 1)))
		return call(NR_CLOCK_GETTIME, clock, (long)time);
	u64 ns = now_ns();
	time->sec = ns / NSEC_PER_SEC;
	time->nsec = ns % NSEC_PER_SEC;
	return 0;
}

/* The zone is the kernel's to tell. */
int __vdso_gettimeofday(struct timeval *time, void *zone)
{
	if (__builtin_expect(!time || zone, 0))
		return call(NR_GETTIMEOFDAY, (long)time, (long)zone);
	u64 ns = now_ns();
	time->sec = ns / NSEC_PER_SEC;
	time->usec = ns % NSEC_PER_SEC / 1000;
	return 0;
}

s64 __vdso_time(s64 *time)
{
	s64 sec = now_ns() / NSEC_PER_SEC;

	if (time)
		*time = sec;
	return sec;
}

/* One node: number 0. */
long __vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
	(void)unused;
	if (cpu)
		*cpu = segment_limit(CPU_NUMBER_SELECTOR);
	if (node)
		*node = 0;
	return 0;
}

s32 __vdso_getpid(void)
{
	u32 number = segment_limit(PROCESS_NUMBER_SELECTOR);

	return __builtin_expect(number == NUMBER_UNKNOWN, 0) ? call(NR_GETPID, 0, 0) : (long)number;
}

/* The names without prefix give way to a program's own. */
#define ALIAS(name) __attribute__((weak, alias("__vdso_" #name)))
int clock_gettime(u32 clock, struct timespec *time) ALIAS(clock_gettime);
int gettimeofday(struct timeval *time, void *zone) ALIAS(gettimeofday);
s64 time(s64 *time) ALIAS(time);
long getcpu(u32 *cpu, u32 *node, void *unused) ALIAS(getcpu);
