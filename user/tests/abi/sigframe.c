/*
 * The frame of a signal handler: what lies where, what survives it, and what a handler may not give
 * back. Frames are made wrong in children, which say how they end.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "../abi.h"

#define SS_AUTODISARM_ (1u << 31)

struct raw_action {
	void (*handler)(int, siginfo_t *, void *);
	uint64_t flags;
	void (*restorer)(void);
	uint64_t mask;
};

void restorer(void);
__asm__(".text\nrestorer: movl $15, %eax\n\tsyscall\n");

#define RESTORER 0x04000000

static void set_raw(int sig, void (*handler)(int, siginfo_t *, void *), uint64_t flags)
{
	struct raw_action action = {handler, flags | RESTORER, restorer, 0};

	syscall(SYS_rt_sigaction, sig, &action, NULL, 8);
}

/* struct sigcontext and what is around it, by offset from the ucontext. */
struct context {
	uint64_t flags, link;
	stack_t stack;
	uint64_t gregs[18]; /* r8 ... rip, rflags */
	uint16_t cs, gs, fs, ss;
	uint64_t err, trapno, oldmask, cr2;
	uint8_t *fpu;
	uint64_t reserved[8];
	uint64_t mask;
};

enum { R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP, RIP, RFLAGS };

static void look(int sig, siginfo_t *info, void *context)
{
	struct context *uc = context;
	uint8_t *frame = (uint8_t *)context - 8;
	uint32_t software[6];

	say("signal %d: info at %td, uc_flags %lx link %d", sig, (uint8_t *)info - frame,
	    (long)uc->flags, (int)uc->link);
	say("return address is the restorer: %d", *(void **)frame == (void *)restorer);
	say("frame %% 16 = %d, fpu %% 64 = %d, fpu above info: %d", (int)((uintptr_t)frame % 16),
	    (int)((uintptr_t)uc->fpu % 64), uc->fpu >= (uint8_t *)info + 128);
	say("red zone is free: %d", uc->fpu < (uint8_t *)uc->gregs[RSP] - 128);
	say("cs %x gs %x fs %x ss %x if %d", uc->cs, uc->gs, uc->fs, uc->ss,
	    (int)(uc->gregs[RFLAGS] >> 9 & 1));
	say("stack %d flags %d size %d", uc->stack.ss_sp != NULL, uc->stack.ss_flags,
	    (int)uc->stack.ss_size);
	say("mask %lx old mask %lx", (long)uc->mask, (long)uc->oldmask);
	memcpy(software, uc->fpu + 464, sizeof(software));
	say("magic %x, size differs by %d, components hold x87 and SSE: %d", software[0],
	    (int)(software[1] - software[4]), (software[2] & 3) == 3);
	uint32_t magic2;
	memcpy(&magic2, uc->fpu + software[4], sizeof(magic2));
	say("second magic %x", magic2);
}

static void layout(void)
{
	sigset_t set;

	set_raw(SIGUSR1, look, SA_SIGINFO);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_SETMASK, &set, NULL);
	raise(SIGUSR1);
	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	syscall(SYS_tkill, getpid(), SIGUSR1);
}

/* ---- what survives ---- */

static uint64_t handler_sees[4];

static void clobber(int sig, siginfo_t *info, void *context)
{
	uint16_t fcw;
	uint32_t mxcsr;

	(void)sig;
	(void)info;
	(void)context;
	__asm__ volatile("fnstcw %0\n\tstmxcsr %1" : "=m"(fcw), "=m"(mxcsr));
	__asm__ volatile("movdqu %%xmm5, %0" : "=m"(*(uint64_t(*)[2])handler_sees));
	handler_sees[2] = fcw;
	handler_sees[3] = mxcsr;
	__asm__ volatile("pcmpeqd %%xmm5, %%xmm5\n\tmovq %%rsp, %%r15\n\tfld1\n\t"
			 "pcmpeqd %%xmm15, %%xmm15" ::
				 : "xmm5", "xmm15", "r15", "memory");
}

static void survival(void)
{
	uint64_t in[2] = {0x1122334455667788, 0x99aabbccddeeff00}, out[2], r15 = 1234567;
	uint64_t upper[4] = {1, 2, 3, 4}, upper_out[4] = {1, 2, 3, 4};
	uint32_t mxcsr = 0x1f80 | 2 << 13, mxcsr_out;
	uint16_t fcw = 0x37f | 3 << 10, fcw_out;
	long nr = SYS_tkill;

	set_raw(SIGUSR1, clobber, 0);
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(mxcsr), "m"(fcw));
	__asm__ volatile("movdqu %[in], %%xmm5\n\tsyscall\n\tmovdqu %%xmm5, %[out]"
			 : "+a"(nr), [out] "=m"(out)
			 : [in] "m"(in), "D"((long)getpid()), "S"((long)SIGUSR1)
			 : "rcx", "r11", "xmm5", "memory");
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr_out), "=m"(fcw_out));
	if (__builtin_cpu_supports("avx")) {
		nr = SYS_tkill;
		__asm__ volatile("vmovdqu %[in], %%ymm15\n\tmovq %[value], %%r15\n\tsyscall\n\t"
				 "vmovdqu %%ymm15, %[out]\n\tmovq %%r15, %[value]\n\tvzeroupper"
				 : "+a"(nr), [out] "=m"(upper_out), [value] "+r"(r15)
				 : [in] "m"(upper), "D"((long)getpid()), "S"((long)SIGUSR1)
				 : "rcx", "r11", "r15", "xmm15", "memory");
	}
	say("xmm %d, ymm %d, mxcsr %x, fcw %x, result %ld, r15 %lu",
	    memcmp(in, out, sizeof(in)) == 0, memcmp(upper, upper_out, sizeof(upper)) == 0,
	    mxcsr_out, fcw_out, nr, (unsigned long)r15);
	say("handler begins with fcw %lx mxcsr %lx", (long)handler_sees[2], (long)handler_sees[3]);
	mxcsr = 0x1f80;
	fcw = 0x37f;
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(mxcsr), "m"(fcw));
}

/* A leaf's red zone: 128 bytes below %rsp that no push has claimed. */
static void red_zone(void)
{
	uint64_t kept = 0;
	long nr = SYS_tkill;

	set_raw(SIGUSR1, clobber, 0);
	__asm__ volatile("movq $0x5a5a, -120(%%rsp)\n\tsyscall\n\tmovq -120(%%rsp), %[kept]"
			 : "+a"(nr), [kept] "=&r"(kept)
			 : "D"((long)getpid()), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory");
	say("red zone %lx", (long)kept);
}

/* ---- what a handler may change ---- */

static void change(int sig, siginfo_t *info, void *context)
{
	struct context *uc = context;

	(void)sig;
	(void)info;
	/* All flags, of which only the harmless ones count. */
	uc->gregs[RAX] = 4711;
	uc->gregs[RFLAGS] |= 0x3000 | 0x8d5 | 1 << 17 | 1 << 19;
	sigset_t *mask = (sigset_t *)&uc->mask;
	sigaddset(mask, SIGUSR2);
	sigaddset(mask, SIGKILL);
	uint32_t mxcsr = 0x1f80 | 1 << 13;
	memcpy(uc->fpu + 24, &mxcsr, sizeof(mxcsr));
}

static void changes(void)
{
	uint64_t flags, mask;
	uint32_t mxcsr;
	long nr = SYS_tkill;

	set_raw(SIGUSR1, change, SA_SIGINFO);
	__asm__ volatile("syscall\n\tpushfq\n\tpopq %[flags]\n\tpushq $2\n\tpopfq"
			 : "+a"(nr), [flags] "=r"(flags)
			 : "D"((long)getpid()), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory", "cc");
	__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
	syscall(SYS_rt_sigprocmask, 0, NULL, &mask, 8);
	say("result %ld flags %lx mask %lx mxcsr %x", nr, (long)flags, (long)mask, mxcsr);
	mask = 0;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8);
	mxcsr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
}

enum wrong {
	CS_KERNEL,
	CS_NULL,
	SS_KERNEL,
	SS_CODE,
	RIP_NON_CANONICAL,
	RIP_KERNEL,
	RIP_END,
	FPU_UNMAPPED,
	FPU_KERNEL,
	FPU_NULL,
	MXCSR_RESERVED,
	HEADER_RESERVED,
	HEADER_COMPACTED,
	COMPONENT_UNKNOWN,
	MAGIC1_GONE,
	MAGIC2_GONE,
	SIZE_HUGE,
	SIZE_TINY,
	NR_WRONG
};

static const char *const wrong_names[] = {
	"cs of the kernel",  "cs 0",
	"ss of the kernel",  "ss of code",
	"rip not canonical", "rip of the kernel",
	"rip at the end",    "fpu unmapped",
	"fpu in the kernel", "fpu NULL",
	"mxcsr reserved",    "header reserved",
	"header compacted",  "component unknown",
	"magic gone",        "second magic gone",
	"size huge",         "size tiny",
};

static enum wrong wrong;

static void break_it(int sig, siginfo_t *info, void *context)
{
	struct context *uc = context;
	uint32_t all = ~0u, zero = 0, size;

	(void)sig;
	(void)info;
	memcpy(&size, uc->fpu + 464 + 16, sizeof(size));
	switch (wrong) {
	case CS_KERNEL:
		uc->cs = 0x10;
		break;
	case CS_NULL:
		uc->cs = 0;
		break;
	case SS_KERNEL:
		uc->ss = 0x18;
		break;
	case SS_CODE:
		uc->ss = 0x33;
		break;
	case RIP_NON_CANONICAL:
		uc->gregs[RIP] = 0x8000000000000000;
		break;
	case RIP_KERNEL:
		uc->gregs[RIP] = 0xffffffff81000000;
		break;
	case RIP_END:
		uc->gregs[RIP] = 0x00007ffffffff000;
		break;
	case FPU_UNMAPPED:
		uc->fpu = (uint8_t *)0x1000;
		break;
	case FPU_KERNEL:
		uc->fpu = (uint8_t *)0xffff888000000000;
		break;
	case FPU_NULL:
		uc->fpu = NULL;
		break;
	case MXCSR_RESERVED:
		memcpy(uc->fpu + 24, &all, 4);
		break;
	case HEADER_RESERVED:
		memcpy(uc->fpu + 512 + 40, &all, 4);
		break;
	case HEADER_COMPACTED:
		uc->fpu[512 + 15] |= 0x80;
		break;
	case COMPONENT_UNKNOWN:
		uc->fpu[512 + 7] |= 0x40;
		break;
	case MAGIC1_GONE:
		memcpy(uc->fpu + 464, &zero, 4);
		break;
	case MAGIC2_GONE:
		memcpy(uc->fpu + size, &zero, 4);
		break;
	case SIZE_HUGE:
		memcpy(uc->fpu + 464 + 16, &all, 4);
		break;
	case SIZE_TINY:
		memcpy(uc->fpu + 464 + 16, &zero, 4);
		break;
	case NR_WRONG:
		break;
	}
}

static void told(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("handler: signal %d code %d", sig, info->si_code);
	_exit(9);
}

static int with_wrong_frame(void *context)
{
	uint64_t in[4] = {1, 2, 3, 4}, out[4] = {9, 9, 9, 9};
	long nr = SYS_tkill;
	bool avx = __builtin_cpu_supports("avx");

	if (context)
		set_raw(SIGSEGV, told, SA_SIGINFO | SA_ONSTACK);
	set_raw(SIGUSR1, break_it, SA_SIGINFO);
	if (avx)
		__asm__ volatile("vmovdqu %[in], %%ymm15\n\tsyscall\n\tvmovdqu %%ymm15, %[out]"
				 : "+a"(nr), [out] "=m"(out)
				 : [in] "m"(in), "D"((long)getpid()), "S"((long)SIGUSR1)
				 : "rcx", "r11", "xmm15", "memory");
	say("goes on: %lu %lu", (unsigned long)out[0], (unsigned long)out[2]);
	return 0;
}

static void wrong_frames(void)
{
	static uint8_t stack[65536];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};

	sigaltstack(&alternate, NULL);
	for (wrong = 0; wrong < NR_WRONG; wrong++) {
		show_child(wrong_names[wrong], with_wrong_frame, NULL);
		show_child(wrong_names[wrong], with_wrong_frame, &wrong);
	}
	alternate.ss_flags = SS_DISABLE;
	sigaltstack(&alternate, NULL);
}

static int return_from_nowhere(void *context)
{
	(void)context;
	__asm__ volatile("movq $8, %%rsp\n\tmovl $15, %%eax\n\tsyscall" ::: "memory");
	return 0;
}

static int without_restorer(void *context)
{
	struct raw_action action = {clobber, 0, NULL, 0};

	if (context)
		set_raw(SIGSEGV, told, SA_SIGINFO);
	syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 8);
	raise(SIGUSR1);
	return 0;
}

static int without_stack(void *context)
{
	(void)context;
	set_raw(SIGUSR1, clobber, 0);
	set_raw(SIGSEGV, told, SA_SIGINFO);
	__asm__ volatile("movq $4096, %%rsp\n\tsyscall" ::"a"((long)SYS_tkill), "D"((long)getpid()),
			 "S"((long)SIGUSR1)
			 : "memory");
	return 0;
}

static int handler_nowhere(void *context)
{
	(void)context;
	set_raw(SIGUSR1, (void (*)(int, siginfo_t *, void *))0xffff800000000000, 0);
	raise(SIGUSR1);
	return 0;
}

/* ---- alternate stacks ---- */

static uint8_t alternate_stack[16384] __attribute__((aligned(4096)));

static void where(int sig, siginfo_t *info, void *context)
{
	struct context *uc = context;
	stack_t now;
	uint8_t here;

	(void)info;
	sigaltstack(NULL, &now);
	say("signal %d: on it %d, told flags %x size %d, saved flags %x size %d", sig,
	    &here >= alternate_stack && &here < alternate_stack + sizeof(alternate_stack),
	    now.ss_flags, (int)now.ss_size, uc->stack.ss_flags, (int)uc->stack.ss_size);
	stack_t other = {.ss_sp = alternate_stack, .ss_size = 8192};
	if (sig == SIGUSR1) {
		SHOW(sigaltstack(&other, NULL));
		raise(SIGUSR2);
	}
}

static void one_altstack(int flags)
{
	stack_t stack = {
		.ss_sp = alternate_stack, .ss_size = sizeof(alternate_stack), .ss_flags = flags};
	stack_t now;

	SHOW(sigaltstack(&stack, NULL));
	sigaltstack(NULL, &now);
	say("flags %x size %d", now.ss_flags, (int)now.ss_size);
	raise(SIGUSR1);
	sigaltstack(NULL, &now);
	say("afterwards: flags %x size %d", now.ss_flags, (int)now.ss_size);
}

static void altstacks(void)
{
	stack_t stack = {.ss_sp = alternate_stack, .ss_size = 2047}, now;

	SHOW(syscall(SYS_sigaltstack, 1, NULL));
	SHOW(syscall(SYS_sigaltstack, NULL, 1));
	sigaltstack(NULL, &now);
	say("none: flags %x size %d", now.ss_flags, (int)now.ss_size);
	SHOW(sigaltstack(&stack, NULL));
	stack.ss_size = 2048;
	SHOW(sigaltstack(&stack, NULL));
	stack.ss_flags = 4;
	SHOW(sigaltstack(&stack, NULL));
	stack.ss_flags = SS_ONSTACK;
	SHOW(sigaltstack(&stack, NULL));
	stack.ss_flags = SS_DISABLE;
	SHOW(sigaltstack(&stack, NULL));
	set_raw(SIGUSR1, where, SA_SIGINFO | SA_ONSTACK);
	set_raw(SIGUSR2, where, SA_SIGINFO | SA_ONSTACK);
	one_altstack(0);
	one_altstack((int)SS_AUTODISARM_);
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
}

static int overflow(void *context)
{
	stack_t stack = {.ss_sp = alternate_stack, .ss_size = 2048};
	static uint8_t *deep;

	(void)context;
	SHOW(sigaltstack(&stack, NULL));
	set_raw(SIGUSR1, clobber, SA_ONSTACK);
	/* On the alternate stack, with too little below for another frame. */
	deep = alternate_stack + 256;
	__asm__ volatile(
		"movq %%rsp, %%r12\n\tmovq %[deep], %%rsp\n\tsyscall\n\tmovq %%r12, %%rsp" ::"a"(
			(long)SYS_tkill),
		"D"((long)getpid()), "S"((long)SIGUSR1), [deep] "r"(deep)
		: "r12", "rcx", "r11", "memory");
	return 0;
}

int main(void)
{
	layout();
	survival();
	red_zone();
	changes();
	wrong_frames();
	show_child("rt_sigreturn from nowhere", return_from_nowhere, NULL);
	show_child("no restorer", without_restorer, NULL);
	show_child("no restorer, SIGSEGV caught", without_restorer, (void *)&wrong);
	show_child("no stack", without_stack, NULL);
	show_child("handler in the kernel", handler_nowhere, NULL);
	altstacks();
	show_child("alternate stack overflows", overflow, NULL);
	return 0;
}
