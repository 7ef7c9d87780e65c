/* What registers hold beside an argument, numbers of signals that there are not, and SYSCALL from 32-bit code. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

/* The kernel's, not the C library's. */
struct kernel_sigaction {
	uint64_t handler, flags, restorer, mask;
};

#define UPPER_HALF (1ul << 32)

/* An int is the lower half of its register, whatever the upper one holds. */
static int dies_of_sigkill(void *unused)
{
	const struct kernel_sigaction ignore = {.handler = (uint64_t)SIG_IGN};

	(void)unused;
	SHOW(syscall(SYS_rt_sigaction, UPPER_HALF | SIGKILL, &ignore, NULL, 8ul));
	SHOW(syscall(SYS_rt_sigaction, UPPER_HALF | SIGSTOP, &ignore, NULL, 8ul));
	SHOW(syscall(SYS_rt_sigaction, UPPER_HALF | SIGUSR1, &ignore, NULL, 8ul));
	raise(SIGUSR1);
	syscall(SYS_kill, UPPER_HALF | (unsigned)getpid(), UPPER_HALF | SIGKILL);
	return 1;
}

/* clone() takes any byte for the signal that tells the parent; what is none tells nothing. */
static void end_with(unsigned long exit_signal)
{
	int status;
	pid_t pid = (pid_t)syscall(SYS_clone, exit_signal, 0, 0, 0, 0);

	if (pid == 0)
		_exit(3);
	SHOW(waitpid(pid, &status, 0) == pid);
	SHOW(waitpid(pid, &status, __WALL) == pid);
	show_status("no signal told of it", status);
}

/*
 * 32-bit code in a program of 64 bits, which calls exit(3) by SYSCALL. What comes of that depends on the CPU and on how
 * Linux was built; only that the machine survives it is told.
 */
static int call_from_32_bits(void *unused)
{
	static const uint8_t code[] = {0xbb, 3, 0, 0, 0, 0xb8, 1, 0, 0, 0, 0x0f, 0x05, 0x0f, 0x0b};
	uint8_t *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	struct {
		uint32_t offset;
		uint16_t selector;
	} target = {(uint32_t)(uintptr_t)low, 0x23};

	(void)unused;
	if (low == MAP_FAILED)
		return 1;
	memcpy(low, code, sizeof(code));
	__asm__ volatile("ljmpl *%0" ::"m"(target) : "memory");
	return 2;
}

int main(void)
{
	show_child("upper halves", dies_of_sigkill, NULL);
	end_with(65);
	end_with(200);
	end_with(255);
	SHOW(check_in_child(call_from_32_bits, NULL) != -1);
	return 0;
}
