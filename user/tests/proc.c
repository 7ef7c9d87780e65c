/*
 * proc: processes as programs see them: fork, exec, exit, wait, kill, time, and the errors of wrong
 * calls.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

#define UNMAPPED_ADDRESS ((void *)8ul)
#define KERNEL_ADDRESS   ((void *)0xffff800000000000ul)
#define BROKEN_ADDRESS   ((void *)0x8000000000000000ul) /* not canonical */

static char *program_path;

static int return_context(void *context)
{
	return *(int *)context;
}

/* Starts a child that ends only by a signal. */
static pid_t start_loop(void)
{
	pid_t pid = fork();

	while (pid == 0)
		sched_yield();
	return pid;
}

static const char *test_exit_codes(void)
{
	for (int code = 0; code < 256; code += 51)
		CHECK(check_in_child(return_context, &code) == CHECK_EXITED(code));
	int cut_to_a_byte = 0x1234;
	CHECK(check_in_child(return_context, &cut_to_a_byte) == CHECK_EXITED(0x34));
	return NULL;
}

static const char *test_kill_status(void)
{
	int status;
	pid_t pid = start_loop();

	CHECK(pid > 0);
	CHECK(wait4(pid, &status, WNOHANG, NULL) == 0);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(wait4(pid, &status, 0, NULL) == pid);
	CHECK(status == SIGKILL);
	return NULL;
}

static const char *test_wait_for_one(void)
{
	int status;
	pid_t first = start_loop(), second = start_loop();

	CHECK(first > 0 && second > 0 && first != second);
	CHECK(kill(second, SIGTERM) == 0);
	CHECK(wait4(second, &status, 0, NULL) == second && status == SIGTERM);
	CHECK(wait4(first, &status, WNOHANG, NULL) == 0);
	CHECK(kill(first, SIGKILL) == 0);
	CHECK(wait4(-1, &status, 0, NULL) == first && status == SIGKILL);
	return NULL;
}

static const char *test_no_child(void)
{
	int status;

	CHECK(wait4(-1, &status, 0, NULL) == -1 && errno == ECHILD);
	CHECK(wait4(-1, &status, WNOHANG, NULL) == -1 && errno == ECHILD);
	CHECK(wait4(getpid(), &status, 0, NULL) == -1 && errno == ECHILD);
	return NULL;
}

/* A zombie still has its pid and can be signalled; a reaped one cannot. */
static const char *test_zombie(void)
{
	int status;
	pid_t pid = start_loop();

	CHECK(pid > 0);
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(kill(pid, 0) == 0);
	CHECK(wait4(pid, &status, 0, NULL) == pid);
	CHECK(kill(pid, 0) == -1 && errno == ESRCH);
	CHECK(kill(pid, SIGKILL) == -1 && errno == ESRCH);
	return NULL;
}

static int parent_differs(void *expected)
{
	return getppid() != *(pid_t *)expected;
}

static const char *test_getppid(void)
{
	pid_t self = getpid();

	CHECK(check_in_child(parent_differs, &self) == 0);
	return NULL;
}

/*
 * A child forks a grandchild and exits; the grandchild must get another parent and be able to end.
 * The middle process exits with an error when fork fails; who adopts the grandchild reaps it.
 */
static int leave_orphan(void *unused)
{
	pid_t middle = getpid();
	pid_t pid = fork();

	(void)unused;
	if (pid == 0) {
		while (getppid() == middle)
			sched_yield();
		_exit(0);
	}
	return pid < 0;
}

static const char *test_orphan(void)
{
	int status;

	CHECK(check_in_child(leave_orphan, NULL) == 0);
	CHECK(wait4(-1, &status, WNOHANG, NULL) == -1 && errno == ECHILD);
	return NULL;
}

/* Runs in the program that test_exec started. */
static int check_arguments(int argc, char **argv, char **envp)
{
	if (argc != 4 || strcmp(argv[2], "two words") != 0 || argv[3][0] != '\0' || argv[4])
		return 2;
	if (!envp[0] || strcmp(envp[0], "NAME=value") != 0 || !envp[1] ||
	    strcmp(envp[1], "EMPTY=") != 0 || envp[2])
		return 3;
	if (getauxval(AT_PAGESZ) != 4096)
		return 4;

	const Elf64_Phdr *phdr = (const Elf64_Phdr *)getauxval(AT_PHDR);
	if (!phdr || getauxval(AT_PHNUM) == 0 || getauxval(AT_PHENT) != sizeof(*phdr))
		return 5;
	bool has_load_segment = false;
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
		has_load_segment |= phdr[i].p_type == PT_LOAD;
	if (!has_load_segment || getauxval(AT_ENTRY) == 0)
		return 6;

	const char *random = (const char *)getauxval(AT_RANDOM);
	static const char zeroes[16];
	if (!random || memcmp(random, zeroes, sizeof(zeroes)) == 0)
		return 7;
	if (((uintptr_t)argv - sizeof(long)) % 16 != 0) /* argc lies below argv, 16-aligned */
		return 8;
	return 0;
}

static int exec_self(void *unused)
{
	char *argv[] = {program_path, "check-arguments", "two words", "", NULL};
	char *envp[] = {"NAME=value", "EMPTY=", NULL};

	(void)unused;
	execve(program_path, argv, envp);
	return 127;
}

static const char *test_exec(void)
{
	static const char *const reasons[] = {
		NULL,
		"the new program failed",
		"argv differs",
		"envp differs",
		"AT_PAGESZ is not 4096",
		"AT_PHDR, AT_PHNUM or AT_PHENT is wrong",
		"no PT_LOAD at AT_PHDR, or no AT_ENTRY",
		"AT_RANDOM is missing or zero",
		"the initial stack is not 16-aligned",
	};
	int status = check_in_child(exec_self, NULL);

	CHECK(status != CHECK_EXITED(127)); /* argv[0] must be a path */
	CHECK(status != -1 && WIFEXITED(status) && WEXITSTATUS(status) <= 8);
	return reasons[WEXITSTATUS(status)];
}

static const char *test_exec_errors(void)
{
	char *argv[] = {"/no/such/file", NULL};
	char *envp[] = {NULL};

	CHECK(execve("/no/such/file", argv, envp) == -1 && errno == ENOENT);
	CHECK(syscall(SYS_execve, UNMAPPED_ADDRESS, argv, envp) == -1 && errno == EFAULT);
	CHECK(execve("", argv, envp) == -1 && errno == ENOENT);
	return NULL;
}

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static const char *test_time(void)
{
	const struct timespec asked = {.tv_nsec = 20000000};
	const struct timespec wrong = {.tv_nsec = 1000000000};
	int64_t before = now_ns(), last = before;

	CHECK(nanosleep(&asked, NULL) == 0);
	CHECK(now_ns() - before >= asked.tv_nsec);
	for (int i = 0; i < 1000; i++) {
		int64_t now = now_ns();
		CHECK(now >= last);
		last = now;
	}
	CHECK(nanosleep(&wrong, NULL) == -1 && errno == EINVAL);
	CHECK(sched_yield() == 0);
	return NULL;
}

static const char *test_unknown_call(void)
{
	CHECK(syscall(9999) == -1 && errno == ENOSYS);
	return NULL;
}

/* Raw calls: libc may answer clock_gettime without the kernel. Standard output must be a real file,
 * not /dev/null. */
static const char *test_bad_pointers(void)
{
	void *const bad[] = {UNMAPPED_ADDRESS, KERNEL_ADDRESS, BROKEN_ADDRESS};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(syscall(SYS_write, STDOUT_FILENO, bad[i], 4) == -1 && errno == EFAULT);
		CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, bad[i]) == -1 && errno == EFAULT);
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		CHECK(pid > 0);
		CHECK(syscall(SYS_wait4, pid, bad[i], 0, NULL) == -1 && errno == EFAULT);
	}
	return NULL;
}

static const char *test_bad_descriptor(void)
{
	CHECK(write(99, "x", 1) == -1 && errno == EBADF);
	return NULL;
}

/* Whether a write to a file of /proc/sys has that result, and a read gives `after` then. */
static bool sysctl_takes(const char *path, const char *text, int error, const char *after)
{
	char found[80] = "";
	int fd = open(path, O_RDWR);
	ssize_t done = write(fd, text, strlen(text));
	bool as_expected = error ? done == -1 && errno == error : done == (ssize_t)strlen(text);

	as_expected = as_expected && pread(fd, found, sizeof(found) - 1, 0) > 0;
	close(fd);
	return as_expected && strcmp(found, after) == 0;
}

static const char *test_settings(void)
{
	struct utsname before, name;

	CHECK(uname(&before) == 0);
	if (!strstr(before.release, "palimpsest"))
		return NULL; /* somebody's Linux, whose name is not changed */
	CHECK(sethostname("guest", 5) == 0 && setdomainname("domain.example", 6) == 0);
	CHECK(uname(&name) == 0 && strcmp(name.nodename, "guest") == 0);
	CHECK(strcmp(name.domainname, "domain") == 0);
	CHECK(sethostname("x", 65) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_sethostname, "x", -1) == -1 && errno == EINVAL);
	CHECK(sethostname(UNMAPPED_ADDRESS, 5) == -1 && errno == EFAULT);
	CHECK(sysctl_takes("/proc/sys/kernel/hostname", "other\nline", 0, "other\n"));
	CHECK(sysctl_takes("/proc/sys/kernel/domainname", "(none)", 0, "(none)\n"));
	CHECK(uname(&name) == 0 && strcmp(name.nodename, "other") == 0);
	CHECK(sethostname(before.nodename, strlen(before.nodename)) == 0);
	CHECK(sysctl_takes("/proc/sys/vm/page-cluster", "0\n", 0, "0\n"));
	CHECK(sysctl_takes("/proc/sys/vm/page-cluster", "x\n", EINVAL, "0\n"));
	CHECK(sysctl_takes("/proc/sys/vm/page-cluster", "3\n", 0, "3\n"));
	CHECK(sysctl_takes("/proc/sys/kernel/randomize_va_space", "0\n", 0, "0\n"));
	CHECK(sysctl_takes("/proc/sys/kernel/randomize_va_space", "2\n", 0, "2\n"));
	return NULL;
}

int main(int argc, char **argv, char **envp)
{
	static const struct check checks[] = {
		{"proc_exit_codes", test_exit_codes},
		{"proc_kill_status", test_kill_status},
		{"proc_wait_for_one", test_wait_for_one},
		{"proc_no_child", test_no_child},
		{"proc_zombie", test_zombie},
		{"proc_getppid", test_getppid},
		{"proc_orphan", test_orphan},
		{"proc_exec", test_exec},
		{"proc_exec_errors", test_exec_errors},
		{"proc_time", test_time},
		{"proc_unknown_call", test_unknown_call},
		{"proc_bad_pointers", test_bad_pointers},
		{"proc_bad_descriptor", test_bad_descriptor},
		{"proc_settings", test_settings},
	};

	program_path = argv[0];
	if (argc > 1 && strcmp(argv[1], "check-arguments") == 0)
		return check_arguments(argc, argv, envp);
	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
