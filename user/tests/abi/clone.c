/* Which flags of clone(2) and clone3(2) go together, and what a child then shares. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static char stack[64 * 1024] __attribute__((aligned(16)));

static long raw_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags, 0, NULL, NULL, 0);
}

struct args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	uint64_t set_tid, set_tid_size, cgroup, unknown[2];
};

static long raw_clone3(const struct args *args, size_t size)
{
	long pid = syscall(SYS_clone3, args, size);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, __WALL);
	return pid;
}

static void flags(void)
{
	SHOW(raw_clone(CLONE_THREAD | SIGCHLD));
	SHOW(raw_clone(CLONE_THREAD | CLONE_SIGHAND));
	SHOW(raw_clone(CLONE_SIGHAND | SIGCHLD));
	SHOW(raw_clone(CLONE_NEWNS | CLONE_FS | SIGCHLD));
	SHOW(raw_clone(CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD));
	SHOW(raw_clone(CLONE_PIDFD | 0x00400000 | SIGCHLD));
}

static void clone3_arguments(void)
{
	struct args args = {.exit_signal = SIGCHLD};
	struct args bad;
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	SHOW(raw_clone3(&args, 0));
	SHOW(raw_clone3(&args, 63));
	SHOW(raw_clone3(&args, 4097));
	SHOW(raw_clone3(NULL, 64));
	SHOW((raw_clone3(&args, 64) > 0));
	SHOW((raw_clone3(&args, 88) > 0));
	SHOW((raw_clone3(&args, sizeof(args)) > 0));
	memcpy(page + 4096 - 64, &args, 64);
	SHOW((raw_clone3((struct args *)(page + 4096 - 64), 64) > 0));
	bad = args, bad.unknown[1] = 1;
	SHOW(raw_clone3(&bad, sizeof(bad)));
	bad = args, bad.flags = SIGCHLD;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.flags = 0x00400000;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.flags = 1ul << 40;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.exit_signal = 65;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.exit_signal = 0x100;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.flags = CLONE_PARENT;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.flags = CLONE_SIGHAND | CLONE_VM | 0x100000000ul;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.stack = (uintptr_t)stack;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.stack_size = 4096;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.stack = 1ul << 47, bad.stack_size = 4096;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.set_tid_size = 1;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.set_tid = (uintptr_t)stack;
	SHOW(raw_clone3(&bad, 88));
	bad = args, bad.set_tid = (uintptr_t)stack, bad.set_tid_size = 33;
	SHOW(raw_clone3(&bad, 88));
	munmap(page, 4096);
}

static volatile int shared;

static int write_shared(void *context)
{
	shared = 5;
	close(*(int *)context);
	return 3;
}

/* Each kind of child changes what it may share, and the parent looks. */
static void sharing(const char *what, int child_flags)
{
	int fd = dup(1), status;

	shared = 0;
	pid_t pid = clone(write_shared, stack + sizeof(stack), child_flags | CLONE_VFORK, &fd);
	if (pid < 0 || waitpid(pid, &status, __WALL) != pid) {
		say("%s: %s", what, errno_name(errno));
		return;
	}
	say("%s: shared %d fd %s", what, shared, fcntl(fd, F_GETFD) < 0 ? "closed" : "open");
	close(fd);
	show_status(what, status);
}

static void tids(void)
{
	static int parent_tid, child_tid;
	int status;
	pid_t pid = syscall(SYS_clone, CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | SIGCHLD, 0,
			    &parent_tid, &child_tid, 0);

	if (pid == 0)
		_exit(child_tid == getpid() ? 0 : 1);
	waitpid(pid, &status, 0);
	show_status("tids in the child", status);
	say("tids in the parent: parent_tid %s, child_tid %d",
	    parent_tid == pid ? "set" : "not set", child_tid);
	/* Addresses that cannot be written are no error. */
	pid = syscall(SYS_clone,
		      CLONE_PARENT_SETTID | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0,
		      (void *)8, (void *)8, 0);
	if (pid == 0)
		_exit(0);
	waitpid(pid, &status, 0);
	show_status("tids nowhere", status);
	SHOW(syscall(SYS_clone, CLONE_SETTLS | SIGCHLD, 0, NULL, NULL, 1ul << 47));
}

static int exit_in_group(void *context)
{
	(void)context;
	return getppid() == *(int *)context ? 0 : 1;
}

/* A child made with CLONE_PARENT is its creator's sibling. */
static int make_sibling(void *context)
{
	int parent = getppid();
	pid_t pid = clone(exit_in_group, stack + sizeof(stack),
			  CLONE_PARENT | CLONE_VFORK | SIGCHLD, &parent);

	(void)context;
	errno = 0;
	return pid > 0 && waitpid(pid, NULL, 0) == -1 && errno == ECHILD ? 0 : 1;
}

static void siblings(void)
{
	int status;

	show_child("creator of a sibling", make_sibling, NULL);
	SHOW((waitpid(-1, &status, 0) > 0));
	show_status("sibling", status);
	SHOW(waitpid(-1, &status, 0));
}

int main(void)
{
	flags();
	clone3_arguments();
	sharing("fork", SIGCHLD);
	sharing("vm", CLONE_VM | SIGCHLD);
	sharing("files", CLONE_FILES | SIGCHLD);
	sharing("sighand", CLONE_VM | CLONE_SIGHAND | SIGCHLD);
	sharing("all", CLONE_VM | CLONE_SIGHAND | CLONE_FILES | CLONE_FS | CLONE_SYSVSEM |
			       CLONE_IO | SIGCHLD);
	tids();
	siblings();
	return 0;
}
