/* What a program's own faults tell its handler: signal, code, address, and the CPU's error code. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE 4096

static sigjmp_buf out;
static uintptr_t expected;
static const char *what;
static volatile int steps;

/* The address is told as what it is: the expected one, none, or that of the instruction. */
static const char *relation(uintptr_t address, uintptr_t rip)
{
	if (address == expected)
		return "expected";
	if (address == 0)
		return "none";
	return address == rip ? "instruction" : "another";
}

static void fault(int sig, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	uintptr_t rip = (uintptr_t)regs[REG_RIP];

	say("%s: signal %d code %d address %s, trap %d error %d, cr2 %s", what, sig, info->si_code,
	    relation((uintptr_t)info->si_addr, rip), (int)regs[REG_TRAPNO], (int)regs[REG_ERR],
	    regs[REG_TRAPNO] == 14 ? relation((uintptr_t)regs[REG_CR2], rip) : "old");
	siglongjmp(out, 1);
}

static void step(int sig, siginfo_t *info, void *context)
{
	const greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (steps++ == 0)
		say("%s: signal %d code %d address %s, trap %d error %d, flag kept %d", what, sig,
		    info->si_code, relation((uintptr_t)info->si_addr, (uintptr_t)regs[REG_RIP]),
		    (int)regs[REG_TRAPNO], (int)regs[REG_ERR], (int)(regs[REG_EFL] >> 8 & 1));
}

static void catch_all(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
	struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

#define TRY(name, address, code)                  \
	do {                                      \
		what = (name);                    \
		expected = (uintptr_t)(address);  \
		if (sigsetjmp(out, 1) == 0) {     \
			code;                     \
			say("%s: nothing", what); \
		}                                 \
	} while (0)

static void read_at(uintptr_t address)
{
	__asm__ volatile("movb (%0), %%al" ::"r"(address) : "rax", "memory");
}

static void write_at(uintptr_t address)
{
	__asm__ volatile("movb $1, (%0)" ::"r"(address) : "memory");
}

static void jump_to(uintptr_t address)
{
	__asm__ volatile("call *%0" ::"r"(address) : "memory");
}

static void memory(void)
{
	uint8_t *pages =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uintptr_t at = (uintptr_t)pages;

	pages[0] = 0xc3;
	mprotect(pages, PAGE, PROT_READ);
	mprotect(pages + PAGE, PAGE, PROT_NONE);
	munmap(pages + 2 * PAGE, PAGE);
	TRY("read of NULL", 8, read_at(8));
	TRY("write to NULL", 8, write_at(8));
	TRY("call of NULL", 8, jump_to(8));
	TRY("read of a hole", at + 2 * PAGE + 5, read_at(at + 2 * PAGE + 5));
	TRY("write of what may be read", at + 77, write_at(at + 77));
	TRY("call of what may be read", at, jump_to(at));
	TRY("read of what may not", at + PAGE, read_at(at + PAGE));
	TRY("write of what may not", at + PAGE, write_at(at + PAGE));
	TRY("call of what may not", at + PAGE, jump_to(at + PAGE));
	TRY("read of the kernel", 0xffffffff81000000, read_at(0xffffffff81000000));
	TRY("write of the direct map", 0xffff888000001000, write_at(0xffff888000001000));
	TRY("call of the kernel", 0xffffffff81000000, jump_to(0xffffffff81000000));
	TRY("read of no canonical address", 0x8000000000000000, read_at(0x8000000000000000));
	TRY("write of its own text", (uintptr_t)memory, write_at((uintptr_t)memory));
	munmap(pages, 2 * PAGE);
}

static void divide(void)
{
	uint32_t low = 1, high = 0, zero = 0;

	__asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"(zero));
}

static void x87(uint16_t unmasked)
{
	uint16_t control = (uint16_t)(0x37f & ~unmasked), normal = 0x37f;

	__asm__ volatile("fnclex\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait\n\tfstp %%st(0)\n\t"
			 "fldcw %1" ::"m"(control),
			 "m"(normal)
			 : "st", "st(1)");
}

static void arithmetic(void)
{
	uint16_t normal = 0x37f;

	TRY("division by zero", 0, divide());
	TRY("x87 masked", 0, x87(0));
	TRY("x87 division by zero", 0, x87(4));
	__asm__ volatile("fninit\n\tfldcw %0" ::"m"(normal));
}

static void instructions(void)
{
	struct sigaction action = {.sa_sigaction = step, .sa_flags = SA_SIGINFO};

	TRY("ud2", 0, __asm__ volatile("ud2"));
	TRY("hlt", 0, __asm__ volatile("hlt"));
	TRY("cli", 0, __asm__ volatile("cli"));
	TRY("write of cr3", 0, __asm__ volatile("movq %%rax, %%cr3" ::: "memory"));
	TRY("int3", 0, __asm__ volatile("int3"));
	TRY("int 3", 0, __asm__ volatile(".byte 0xcd, 3"));
	sigaction(SIGTRAP, &action, NULL);
	what = "single step";
	__asm__ volatile("pushfq\n\torl $0x100, (%%rsp)\n\tpopfq\n\tnop\n\tnop\n\tpushfq\n\t"
			 "andl $~0x100, (%%rsp)\n\tpopfq" ::
				 : "memory", "cc");
	say("several steps: %d", steps >= 3);
}

/* ---- when it cannot be caught ---- */

static int ignored_fault(void *context)
{
	(void)context;
	signal(SIGSEGV, SIG_IGN);
	read_at(0);
	return 0;
}

static int blocked_fault(void *context)
{
	sigset_t set;

	(void)context;
	sigfillset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	read_at(0);
	return 0;
}

static void fault_again(int sig)
{
	(void)sig;
	read_at(0);
}

static int fault_in_handler(void *context)
{
	(void)context;
	signal(SIGSEGV, fault_again);
	read_at(0);
	return 0;
}

static int sent_and_ignored(void *context)
{
	(void)context;
	signal(SIGSEGV, SIG_IGN);
	raise(SIGSEGV);
	return 5;
}

/* A stack that overflows, caught on another one. */
static void on_other_stack(int sig, siginfo_t *info, void *context)
{
	(void)context;
	say("stack overflow: signal %d code %d", sig, info->si_code);
	_exit(4);
}

static int deeper(int n)
{
	volatile char frame[1024];

	frame[0] = (char)n;
	return n == 0 ? 0 : deeper(n - 1) + frame[0];
}

static int overflow(void *context)
{
	static uint8_t stack[16384];
	stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
	struct sigaction action = {.sa_sigaction = on_other_stack,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};

	(void)context;
	sigaltstack(&alternate, NULL);
	sigaction(SIGSEGV, &action, NULL);
	return deeper(1 << 24);
}

int main(void)
{
	catch_all();
	memory();
	arithmetic();
	instructions();
	show_child("fault ignored", ignored_fault, NULL);
	show_child("fault blocked", blocked_fault, NULL);
	show_child("fault in its handler", fault_in_handler, NULL);
	show_child("sent and ignored", sent_and_ignored, NULL);
	show_child("stack overflow", overflow, NULL);
	return 0;
}
