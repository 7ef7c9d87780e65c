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

/* Seconds since boot, and their fraction in 2^-64. */
static inline u64 now(u64 *fraction)
{
	u64 lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	unsigned __int128 now =
		(unsigned __int128)((lo | hi << 32) - vvar.tsc_boot) * vvar.sec_mult;

	*fraction = now;
	return now >> 64;
}

static inline u64 multiply(u64 fraction, u64 units)
{
	return (unsigned __int128)fraction * units >> 64;
}

/* Whether one address is given and another is not, in one test; then *nothing is 0. Where the other is the
 * highest address and the one is not given it says yes: whoever uses that faults, at either. */
static inline bool is_first_only(const void *first, const void *second, long *nothing)
{
	bool other;

	__asm__("cmp $1, %[first]\n\tadc $0, %[second]"
		: [second] "=r"(*nothing), "=@ccnz"(other)
		: [first] "r"(first), "0"(second));
	return !other;
}

/* In memory, from where LSL takes them. */
static const u16 cpu_selector = CPU_NUMBER_SELECTOR, process_selector = PROCESS_NUMBER_SELECTOR;

static inline u32 segment_limit(const u16 *selector)
{
	u32 limit;

	__asm__ volatile("lsl %1, %0" : "=r"(limit) : "m"(*selector));
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
	u64 fraction;
	time->sec = now(&fraction);
	time->nsec = multiply(fraction, vvar.nsec_per_sec);
	return 0;
}

/* The zone is the kernel's to tell. */
int __vdso_gettimeofday(struct timeval *time, void *zone)
{
	long nothing;
	u64 fraction;

	if (__builtin_expect(!is_first_only(time, zone, &nothing), 0))
		return call(NR_GETTIMEOFDAY, (long)time, (long)zone);
	time->sec = now(&fraction);
	time->usec = multiply(fraction, vvar.usec_per_sec);
	return nothing;
}

s64 __vdso_time(s64 *time)
{
	s64 sec = vvar.seconds;

	if (__builtin_expect(!!time, 0))
		*time = sec;
	return sec;
}

static long __attribute__((noinline)) getcpu_and_node(u32 *cpu, u32 *node)
{
	if (cpu)
		*cpu = segment_limit(&cpu_selector);
	if (node)
		*node = 0;
	return 0;
}

/* One node: number 0. */
long __vdso_getcpu(u32 *cpu, u32 *node, void *unused)
{
	long nothing;

	(void)unused;
	if (__builtin_expect(!is_first_only(cpu, node, &nothing), 0))
		return getcpu_and_node(cpu, node);
	*cpu = segment_limit(&cpu_selector);
	return nothing;
}

s32 __vdso_getpid(void)
{
	u32 number = segment_limit(&process_selector);

	return __builtin_expect(number == NUMBER_UNKNOWN, 0) ? call(NR_GETPID, 0, 0) : (long)number;
}

/* The names without prefix give way to a program's own. */
#define ALIAS(name) __attribute__((weak, alias("__vdso_" #name)))
int clock_gettime(u32 clock, struct timespec *time) ALIAS(clock_gettime);
int gettimeofday(struct timeval *time, void *zone) ALIAS(gettimeofday);
s64 time(s64 *time) ALIAS(time);
long getcpu(u32 *cpu, u32 *node, void *unused) ALIAS(getcpu);
