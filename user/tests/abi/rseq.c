/* rseq: registering an area, the CPU in it, and critical sections that are aborted. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define SIGNATURE 0x53053053u
#define AREA_SIZE 32

#define UNREGISTER 1

struct area {
	unsigned int cpu_id_start, cpu_id;
	unsigned long rseq_cs;
	unsigned int flags, unused[3];
};

struct section {
	unsigned int version, flags;
	unsigned long start_ip, post_commit_offset, abort_ip;
};

/* glibc has registered an area of its own; musl has none of these. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

static struct area area __attribute__((aligned(64))), other __attribute__((aligned(64)));

static long call(void *address, unsigned int size, int flags, unsigned int signature)
{
	return syscall(SYS_rseq, address, size, flags, signature);
}

static void leave_libc(void)
{
	if (&__rseq_offset && __rseq_size)
		call((char *)__builtin_thread_pointer() + __rseq_offset, AREA_SIZE, UNREGISTER,
		     SIGNATURE);
}

static void registration(void)
{
	SHOW(call(&area, AREA_SIZE, UNREGISTER, SIGNATURE));
	SHOW(call((char *)&area + 4, AREA_SIZE, 0, SIGNATURE));
	SHOW(call(&area, AREA_SIZE - 16, 0, SIGNATURE));
	SHOW(call(&area, AREA_SIZE, 2, SIGNATURE));
	SHOW(call(&area, AREA_SIZE, 2 | UNREGISTER, SIGNATURE));
	SHOW(call((void *)0xffffffff81000000, AREA_SIZE, 0, SIGNATURE));
	SHOW(call(&area, AREA_SIZE, 0, SIGNATURE));
	SHOW(call(&area, AREA_SIZE, 0, SIGNATURE));
	SHOW(call(&area, AREA_SIZE, 0, SIGNATURE + 1));
	SHOW(call(&other, AREA_SIZE, 0, SIGNATURE));
	SHOW(call(&other, AREA_SIZE, UNREGISTER, SIGNATURE));
	SHOW(call(&area, AREA_SIZE - 16, UNREGISTER, SIGNATURE));
	SHOW(call(&area, AREA_SIZE, UNREGISTER, SIGNATURE + 1));
	SHOW(area.cpu_id_start == area.cpu_id);
	SHOW(call(&area, AREA_SIZE, UNREGISTER, SIGNATURE));
	SHOW(area.cpu_id_start);
	SHOW((int)area.cpu_id);
}

static int cpu(void)
{
	unsigned int now;

	return syscall(SYS_getcpu, &now, NULL, NULL) == 0 ? (int)now : -1;
}

/* On each CPU that the program may use. */
static void follows_cpu(void)
{
	cpu_set_t all, one;
	int wrong = 0;

	call(&area, AREA_SIZE, 0, SIGNATURE);
	sched_getaffinity(0, sizeof(all), &all);
	for (int i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		sched_setaffinity(0, sizeof(one), &one);
		wrong += (int)area.cpu_id != cpu() || (int)area.cpu_id_start != i;
	}
	sched_setaffinity(0, sizeof(all), &all);
	SHOW(wrong);
}

/* Goes round in a critical section until the kernel ends that: 1. The one that is called `bad` has another
 * signature before its abort address. */
long spin(struct area *area);
extern char spin_start[], spin_abort[], bad_abort[], spin_commit[];
extern struct section spin_section;
__asm__(".pushsection .data\n"
	".balign 32\n"
	"spin_section: .long 0, 0\n"
	".quad spin_start, spin_commit - spin_start, spin_abort\n"
	".popsection\n"
	".pushsection .text\n"
	"spin: leaq spin_section(%rip), %rax\n"
	"movq %rax, 8(%rdi)\n"
	"spin_start: pause\n"
	"jmp spin_start\n"
	"spin_commit: ud2\n"
	".long 0x12345678\n"
	"bad_abort: ud2\n"
	".long 0x53053053\n"
	"spin_abort: movl $1, %eax\n"
	"ret\n"
	".popsection\n");

static volatile int handled;
static volatile unsigned long section_in_handler;

static void handler(int sig)
{
	handled = sig;
	section_in_handler = area.rseq_cs;
}

static void start_timer(void)
{
	struct itimerval soon = {{0, 0}, {0, 2000}};

	signal(SIGALRM, handler);
	setitimer(ITIMER_REAL, &soon, NULL);
}

static void aborts(void)
{
	start_timer();
	SHOW(spin(&area));
	while (!handled)
		pause();
	SHOW(handled == SIGALRM);
	SHOW(section_in_handler);
	SHOW(area.rseq_cs);
}

/* Outside of its instructions a section is only forgotten. */
static void forgets(void)
{
	area.rseq_cs = (unsigned long)&spin_section;
	raise(SIGALRM);
	SHOW(section_in_handler);
	SHOW(area.rseq_cs);
}

static int spin_in_child(void *nothing)
{
	(void)nothing;
	start_timer();
	return spin(&area);
}

static int forget_in_child(void *section)
{
	signal(SIGALRM, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	area.rseq_cs = (unsigned long)section;
	sched_yield();
	signal(SIGALRM, handler);
	raise(SIGALRM);
	return 0;
}

static void bad_sections(void)
{
	struct section good = spin_section;

	spin_section.abort_ip = (unsigned long)bad_abort;
	show_child("signature", spin_in_child, NULL);
	show_child("signature, outside", forget_in_child, &spin_section);
	spin_section = good;
	spin_section.version = 1;
	show_child("version", spin_in_child, NULL);
	spin_section = good;
	spin_section.flags = 1;
	show_child("flags", spin_in_child, NULL);
	show_child("flags, outside", forget_in_child, &spin_section);
	spin_section = good;
	spin_section.abort_ip = (unsigned long)spin_start;
	show_child("abort inside", spin_in_child, NULL);
	spin_section = good;
	spin_section.post_commit_offset = -1;
	show_child("too long", spin_in_child, NULL);
	spin_section = good;
	area.flags = 4;
	show_child("area's flags", spin_in_child, NULL);
	area.flags = 0;
	show_child("good", spin_in_child, NULL);
	show_child("hole", forget_in_child, (void *)8);
	show_child("kernel", forget_in_child, (void *)0xffffffff81000000);
}

static int registered_in_child(void *nothing)
{
	(void)nothing;
	SHOW((int)area.cpu_id == cpu());
	SHOW(call(&area, AREA_SIZE, 0, SIGNATURE));
	SHOW(call(&area, AREA_SIZE, UNREGISTER, SIGNATURE));
	return 0;
}

/* A thread begins without. */
static char stack[65536] __attribute__((aligned(16)));
static int thread(void *nothing)
{
	(void)nothing;
	return call(&area, AREA_SIZE, UNREGISTER, SIGNATURE) == -1 ? 3 : 4;
}

static int execs(void *path)
{
	execl(path, path, "again", (char *)NULL);
	return 127;
}

int main(int argc, char **argv)
{
	int status;

	(void)argv;
	leave_libc();
	if (argc > 1)
		return call(&area, AREA_SIZE, 0, SIGNATURE) == 0 ? 0 : 1;
	registration();
	follows_cpu();
	aborts();
	forgets();
	bad_sections();
	show_child("fork", registered_in_child, NULL);
	waitpid(clone(thread, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL), &status, 0);
	show_status("thread", status);
	show_child("exec", execs, "/proc/self/exe");
	SHOW(call(&area, AREA_SIZE, UNREGISTER, SIGNATURE));
	return 0;
}
