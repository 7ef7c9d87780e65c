/*
 * fpu: the state of the vector and x87 units belongs to one process: it survives preemption, fork
 * copies it, exec resets it.
 *
 * The code between loading the registers and storing them is one assembly block each, system calls
 * included, so that the compiler and libc have no chance to use a register in between.
 */
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define NR_PROCESSES 4
#define NR_ROUNDS    200
#define YIELDS       10
/* With YIELDS and NR_ROUNDS: long enough for several ticks of preemption. */
#define SPINS         20000
#define DEFAULT_MXCSR 0x1f80u
#define DEFAULT_X87   0x037fu

#define FOR_EACH_XMM(op)                                                                        \
	op(0) op(1) op(2) op(3) op(4) op(5) op(6) op(7) op(8) op(9) op(10) op(11) op(12) op(13) \
		op(14) op(15)
#define LOAD_XMM(n)  "movdqu 16*" #n "(%[in]), %%xmm" #n "\n\t"
#define STORE_XMM(n) "movdqu %%xmm" #n ", 16*" #n "(%[out])\n\t"
#define SPIN_AND_YIELD                  \
	"1:\tmov %[spins], %%edx\n"     \
	"2:\tdec %%edx\n\t"             \
	"jnz 2b\n\t"                    \
	"mov %[sched_yield], %%eax\n\t" \
	"syscall\n\t"                   \
	"dec %[yields]\n\t"             \
	"jnz 1b\n\t"
#define ALL_XMM                                                                                  \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
		"xmm11", "xmm12", "xmm13", "xmm14", "xmm15"

struct vectors {
	uint64_t words[32]; /* xmm0 to xmm15 */
};

static char *program_path;

static void set_control(uint32_t mxcsr, uint16_t x87)
{
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(x87));
}

static bool control_is(uint32_t want_mxcsr, uint16_t want_x87)
{
	uint32_t mxcsr;
	uint16_t x87;

	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
	return mxcsr == want_mxcsr && x87 == want_x87;
}

static struct vectors pattern(uint64_t owner)
{
	struct vectors v;

	for (uint64_t i = 0; i < 32; i++)
		v.words[i] = (owner + 1) * 0x0101010101010101u ^ i << 32 ^ i;
	return v;
}

/* Loads, then YIELDS times spins and yields, then stores. */
static void hold_vectors(const struct vectors *in, struct vectors *out)
{
	uint64_t yields = YIELDS;

	__asm__ volatile(FOR_EACH_XMM(LOAD_XMM) SPIN_AND_YIELD FOR_EACH_XMM(STORE_XMM)
			 : [yields] "+r"(yields)
			 : [in] "r"(in), [out] "r"(out), [spins] "i"(SPINS),
			   [sched_yield] "i"(SYS_sched_yield)
			 : "rax", "rcx", "rdx", "r11", "memory", "cc", ALL_XMM);
}

/* Loads, forks, stores in both; returns what fork returned. */
static long fork_with_vectors(const struct vectors *in, struct vectors *out)
{
	long pid = SYS_fork;

	__asm__ volatile(FOR_EACH_XMM(LOAD_XMM) "syscall\n\t" FOR_EACH_XMM(STORE_XMM)
			 : "+a"(pid)
			 : [in] "r"(in), [out] "r"(out)
			 : "rcx", "r11", "memory", "cc", ALL_XMM);
	return pid;
}

/* Each process rounds in another direction; all exceptions stay masked. */
static int hold_state(void *context)
{
	uint64_t owner = *(uint64_t *)context;
	uint32_t mxcsr = DEFAULT_MXCSR | (uint32_t)(owner % 4) << 13;
	uint16_t x87 = (uint16_t)(DEFAULT_X87 | (owner % 4) << 10);
	struct vectors in = pattern(owner), out;

	set_control(mxcsr, x87);
	for (int round = 0; round < NR_ROUNDS; round++) {
		hold_vectors(&in, &out);
		if (memcmp(&in, &out, sizeof(in)) != 0 || !control_is(mxcsr, x87))
			return 1;
	}
	return 0;
}

static const char *test_preemption(void)
{
	bool all_kept = true;
	int nr_started = 0;

	for (uint64_t owner = 0; owner < NR_PROCESSES; owner++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(hold_state(&owner));
		nr_started += pid > 0;
	}
	for (int i = 0; i < nr_started; i++) {
		int status;

		if (wait4(-1, &status, 0, NULL) < 0 || status != 0)
			all_kept = false;
	}
	CHECK(nr_started == NR_PROCESSES);
	CHECK(all_kept);
	return NULL;
}

static const char *test_fork_copies(void)
{
	struct vectors in = pattern(77), out;
	uint32_t mxcsr = DEFAULT_MXCSR | 2u << 13;
	uint16_t x87 = DEFAULT_X87 | 2u << 10;
	int status;

	set_control(mxcsr, x87);
	long pid = fork_with_vectors(&in, &out);
	bool kept = memcmp(&in, &out, sizeof(in)) == 0 && control_is(mxcsr, x87);
	if (pid == 0)
		_exit(!kept);
	set_control(DEFAULT_MXCSR, DEFAULT_X87);

	CHECK(pid > 0);
	CHECK(wait4((pid_t)pid, &status, 0, NULL) == pid);
	bool parent_kept = kept, child_kept = status == 0;
	CHECK(parent_kept);
	CHECK(child_kept);
	return NULL;
}

/* Both processes after a fork hold their own upper halves while they yield to each other. */
static const char *test_avx(void)
{
	uint64_t in[4] = {1, 2, 3, 4}, out[4];
	uint64_t own[4] = {5, 6, 7, 8}, out_own[4];
	int status;

	if (!__builtin_cpu_supports("avx"))
		return NULL;
	long pid = SYS_fork;
	__asm__ volatile("vmovdqu %[in], %%ymm7\n\tsyscall\n\tvmovdqu %%ymm7, %[out]\n\t"
			 : "+a"(pid), [out] "=m"(out)
			 : [in] "m"(in)
			 : "rcx", "r11", "memory", "cc", "xmm7");
	for (int i = 0; i < 4; i++)
		own[i] += (uint64_t)pid;
	for (uint64_t yields = 100; yields > 0; yields--) {
		long call = SYS_sched_yield;

		__asm__ volatile("vmovdqu %[in], %%ymm7\n\tsyscall\n\tvmovdqu %%ymm7, %[out]\n\t"
				 : "+a"(call), [out] "=m"(out_own)
				 : [in] "m"(own)
				 : "rcx", "r11", "memory", "cc", "xmm7");
		if (memcmp(own, out_own, sizeof(own)) != 0)
			break;
	}
	bool kept = memcmp(in, out, sizeof(in)) == 0 && memcmp(own, out_own, sizeof(own)) == 0;
	if (pid == 0)
		_exit(!kept);
	CHECK(wait4((pid_t)pid, &status, 0, NULL) == pid);
	bool parent_kept = kept, child_kept = status == 0;
	CHECK(parent_kept);
	CHECK(child_kept);
	return NULL;
}

static int exec_with_changed_control(void *unused)
{
	char *argv[] = {program_path, "check-defaults", NULL};
	char *envp[] = {NULL};

	(void)unused;
	set_control(DEFAULT_MXCSR | 3u << 13, DEFAULT_X87 | 3u << 10);
	execve(program_path, argv, envp);
	return 127;
}

static const char *test_exec_resets(void)
{
	int status = check_in_child(exec_with_changed_control, NULL);

	CHECK(status != CHECK_EXITED(127)); /* argv[0] must be a path */
	bool control_words_are_default = status == 0;
	CHECK(control_words_are_default);
	return NULL;
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"fpu_preemption", test_preemption},
		{"fpu_fork_copies", test_fork_copies},
		{"fpu_avx", test_avx},
		{"fpu_exec_resets", test_exec_resets},
	};

	program_path = argv[0];
	if (argc == 2 && strcmp(argv[1], "check-defaults") == 0)
		return !control_is(DEFAULT_MXCSR, DEFAULT_X87);
	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
