/*
 * Every pointer argument of every call that this kernel has, with addresses that cannot be followed.
 * The other arguments are such that the call gets as far as the pointer: by their kind
 * (kernel/syscall/arguments.def), and by the table below where that is not enough.
 *
 * A line for each argument, with the result for each address. Tries are made by a child process, which
 * also looks whether something was written where nothing may be; after one that ended in another way
 * than with EFAULT the next has a new child, because something may have changed.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"
#include "../arguments.h"

#define PAGE    4096ul
#define PATTERN 0x5a
#define COUNT   64 /* of what a pointer points to, when the call is told */

enum address {
	NOTHING,
	HOLE,
	READ_ONLY,
	KERNEL,
	DIRECT_MAP,
	NON_CANONICAL,
	STRADDLING,
	NR_ADDRESSES
};
static const char *const address_names[NR_ADDRESSES] = {
	"NULL", "hole", "read-only", "kernel", "direct map", "non-canonical", "straddling"};

/* How a try ends that is neither an errno value nor a small result. */
enum { RESULT = 140, MAX_RESULT = 90, LARGE = 240, WRITTEN = 241 };

/* A page that may be written, then a hole, then a page that may only be read. */
static char *pages;
/* What other pointers than the one in question point to. */
static char good[PAGE] __attribute__((aligned(PAGE))), old_data[PAGE];
static char *program;
static int regular, directory, pipe_ends[2];

#define GOOD       ((long)good)
#define CAP_HEADER 0x20080522 /* version 3 */

/* Values of arguments that their kind does not tell. FROM_PREPARE: made by prepare(). */
#define FROM_PREPARE 0x7e57
static const struct {
	int nr, argument;
	long value;
} values[] = {
	{SYS_rt_sigaction, 0, SIGUSR1},
	{SYS_rt_sigaction, 3, 8},
	{SYS_rt_sigprocmask, 3, 8},
	{SYS_poll, 1, 2},
	{SYS_ppoll, 1, 2},
	{SYS_ppoll, 2, GOOD},
	{SYS_ppoll, 4, 8},
	{SYS_select, 0, 1},
	{SYS_select, 4, GOOD},
	{SYS_pselect6, 0, 1},
	{SYS_pselect6, 4, GOOD},
	{SYS_readv, 2, 2},
	{SYS_writev, 2, 2},
	{SYS_preadv, 2, 2},
	{SYS_pwritev, 2, 2},
	{SYS_preadv2, 2, 2},
	{SYS_pwritev2, 2, 2},
	{SYS_vmsplice, 2, 2},
	{SYS_mincore, 0, GOOD},
	{SYS_mincore, 1, PAGE},
	{SYS_setitimer, 1, GOOD},
	{SYS_shmctl, 1, 3 /* IPC_INFO */},
	{SYS_sendfile, 0, FROM_PREPARE},
	{SYS_sendfile, 3, 1},
	{SYS_execve, 0, FROM_PREPARE},
	{SYS_execveat, 1, FROM_PREPARE},
	{SYS_wait4, 0, FROM_PREPARE},
	{SYS_waitid, 0, P_PID},
	{SYS_waitid, 1, FROM_PREPARE},
	{SYS_waitid, 3, WEXITED},
	{SYS_readlink, 0, (long)"link"},
	{SYS_readlinkat, 1, (long)"link"},
	{SYS_capget, 0, GOOD},
	{SYS_capset, 0, GOOD},
	{SYS_rt_sigpending, 1, 8},
	{SYS_rt_sigsuspend, 1, 8},
	{SYS_rt_sigtimedwait, 2, (long)(good + PAGE / 2)},
	{SYS_rt_sigtimedwait, 3, 8},
	{SYS_futex, 2, 1},
	{SYS_getdents, 0, FROM_PREPARE},
	{SYS_getdents, 2, 1024},
	{SYS_getdents64, 0, FROM_PREPARE},
	{SYS_getdents64, 2, 1024},
	{SYS_timer_settime, 0, FROM_PREPARE},
	{SYS_timer_settime, 2, GOOD},
	{SYS_timer_gettime, 0, FROM_PREPARE},
	{SYS_prlimit64, 1, 7 /* RLIMIT_NOFILE */},
	{SYS_clone3, 1, 88},
	{SYS_statx, 3, 0x7ff},
	{SYS_rename, 1, (long)"other"},
	{SYS_sendto, 0, FROM_PREPARE},
	{SYS_recvfrom, 0, FROM_PREPARE},
	{SYS_recvfrom, 3, MSG_DONTWAIT},
	{SYS_sendmsg, 0, FROM_PREPARE},
	{SYS_recvmsg, 0, FROM_PREPARE},
	{SYS_recvmsg, 2, MSG_DONTWAIT},
	{SYS_bind, 0, FROM_PREPARE},
	{SYS_connect, 0, FROM_PREPARE},
	{SYS_getsockname, 0, FROM_PREPARE},
	{SYS_getpeername, 0, FROM_PREPARE},
	{SYS_socketpair, 0, AF_UNIX},
	{SYS_socketpair, 1, SOCK_STREAM},
	{SYS_setsockopt, 0, FROM_PREPARE},
	{SYS_setsockopt, 1, SOL_SOCKET},
	{SYS_setsockopt, 2, SO_PASSCRED},
	{SYS_setsockopt, 4, 4},
	{SYS_getsockopt, 0, FROM_PREPARE},
	{SYS_getsockopt, 1, SOL_SOCKET},
	{SYS_getsockopt, 2, SO_TYPE},
	{SYS_epoll_ctl, 0, FROM_PREPARE},
	{SYS_epoll_ctl, 1, EPOLL_CTL_ADD},
	{SYS_epoll_wait, 0, FROM_PREPARE},
	{SYS_epoll_wait, 2, 1},
	{SYS_epoll_pwait, 0, FROM_PREPARE},
	{SYS_epoll_pwait, 2, 1},
	{SYS_epoll_pwait, 5, 8},
	{SYS_epoll_pwait2, 0, FROM_PREPARE},
	{SYS_epoll_pwait2, 2, 1},
	{SYS_epoll_pwait2, 5, 8},
};

/* clone() makes a process before it looks at its pointers, and a good one would stay. The log of who
 * runs this is not the guest's; how much sched_getaffinity() writes depends on the machine. */
static const int left_out[] = {SYS_clone, SYS_syslog, SYS_sched_getaffinity};

static bool is_left_out(int nr)
{
	for (size_t i = 0; i < sizeof(left_out) / sizeof(left_out[0]); i++) {
		if (left_out[i] == nr)
			return true;
	}
	return false;
}

/* A child that has ended, or will at once. */
static pid_t ending_child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid;
}

/* One that has an event to tell. */
static int ready_epoll(void)
{
	struct epoll_event event = {.events = EPOLLOUT};
	int epoll = epoll_create1(0);

	epoll_ctl(epoll, EPOLL_CTL_ADD, pipe_ends[1], &event);
	return epoll;
}

/* One that has something to receive. */
static int full_socket(void)
{
	int pair[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	send(pair[0], old_data, COUNT, 0);
	return pair[1];
}

/* What a call needs to be there, and the argument that comes of it. */
static long prepare(int nr)
{
	int id = -1;

	switch (nr) {
	case SYS_sendfile:
		return pipe_ends[1];
	case SYS_execve:
	case SYS_execveat:
		return (long)program;
	case SYS_wait4:
	case SYS_waitid:
		return ending_child();
	case SYS_getdents:
	case SYS_getdents64:
		lseek(directory, 0, SEEK_SET);
		return directory;
	case SYS_timer_settime:
	case SYS_timer_gettime:
		syscall(SYS_timer_create, 1, NULL, &id);
		return id;
	case SYS_sendto:
	case SYS_recvfrom:
	case SYS_sendmsg:
	case SYS_recvmsg:
	case SYS_bind:
	case SYS_connect:
	case SYS_getsockname:
	case SYS_getpeername:
	case SYS_setsockopt:
	case SYS_getsockopt:
		return full_socket();
	case SYS_epoll_ctl:
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
		return ready_epoll();
	default:
		return 0;
	}
}

static long value_of(const struct call *call, int index)
{
	const struct argument *argument = &call->arguments[index];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i].nr == call->nr && values[i].argument == index)
			return values[i].value == FROM_PREPARE ? prepare(call->nr)
							       : values[i].value;
	}
	switch (argument->kind) {
	case ARGUMENT_FD:
		return regular;
	case ARGUMENT_DIRFD:
		return AT_FDCWD;
	case ARGUMENT_PID:
		return getpid();
	case ARGUMENT_SIZE:
		return COUNT;
	case ARGUMENT_PATH:
		return (long)"file";
	case ARGUMENT_STRINGS:
	case ARGUMENT_IN:
	case ARGUMENT_OUT:
	case ARGUMENT_INOUT:
		return argument->or_null ? 0 : GOOD;
	default:
		return 0;
	}
}

/* Bytes that the call may touch behind the pointer. */
static size_t size_of(const struct argument *argument, const long *arguments)
{
	if (argument->kind == ARGUMENT_PATH)
		return 8;
	if (argument->kind == ARGUMENT_STRINGS)
		return 2 * sizeof(char *);
	return argument->size * (argument->counted ? (size_t)arguments[argument->counted_by] : 1);
}

static void *place(enum address address, size_t size)
{
	switch (address) {
	case NOTHING:
		return NULL;
	case HOLE:
		return pages + PAGE;
	case READ_ONLY:
		return pages + 2 * PAGE;
	case KERNEL:
		return (void *)0xffffffff81000000;
	case DIRECT_MAP:
		return (void *)0xffff888000100000;
	case NON_CANONICAL:
		return (void *)0x8000000000000000;
	default:
		return pages + PAGE - (size + 1) / 2;
	}
}

/* Data that makes the call get to the pointer in question. */
static void fill_good(int nr)
{
	unsigned int version = CAP_HEADER;
	unsigned int groups[] = {1, 2};
	unsigned long set = 1ul << (SIGUSR1 - 1);

	if (nr == SYS_capget || nr == SYS_capset)
		memcpy(good, &version, sizeof(version));
	if (nr == SYS_rt_sigtimedwait) {
		memcpy(good, &set, sizeof(set));
		syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8);
		kill(getpid(), SIGUSR1);
	}
	if (nr == SYS_getgroups)
		syscall(SYS_setgroups, 2, groups);
	if (nr == SYS_getcwd)
		(void)!chdir("/"); /* a name of the same length everywhere */
}

/* In a process of its own. */
static int try_it(const struct call *call, int index, enum address address)
{
	const struct argument *argument = &call->arguments[index];
	long a[MAX_ARGUMENTS] = {0};

	fill_good(call->nr);
	for (int i = 0; i < MAX_ARGUMENTS && call->arguments[i].kind != ARGUMENT_NONE; i++)
		a[i] = value_of(call, i);
	size_t size = size_of(argument, a);
	char *at = place(address, size);
	a[index] = (long)at;
	if (address == STRADDLING && argument->kind == ARGUMENT_STRINGS)
		memcpy(at, &program, sizeof(program));
	else if (address == STRADDLING && !is_written(argument) && argument->kind != ARGUMENT_PATH)
		memset(at, 0, (size_t)(pages + PAGE - at));
	memcpy(old_data, pages, PAGE);

	errno = 0;
	long result = syscall(call->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	int error = errno;

	size_t kept = address == STRADDLING && is_written(argument) ? (size_t)(at - pages) : PAGE;
	if (memcmp(old_data, pages, kept) != 0)
		return WRITTEN;
	for (size_t i = 0; i < PAGE; i++) {
		if (pages[2 * PAGE + i] != 0)
			return WRITTEN;
	}
	if (result == -1)
		return error;
	return result == 0 ? 0 : result <= MAX_RESULT ? RESULT + (int)result : LARGE;
}

/* Of these, NULL is allowed, or Linux takes it for an empty list. */
static bool is_tried(const struct argument *argument, enum address address)
{
	if (address == NOTHING)
		return !argument->or_null && argument->kind != ARGUMENT_STRINGS;
	return address != READ_ONLY || is_written(argument);
}

static void describe(char *to, size_t size, int status)
{
	int code = WEXITSTATUS(status);

	if (!WIFEXITED(status))
		snprintf(to, size, "signal %d", WTERMSIG(status));
	else if (code == WRITTEN)
		snprintf(to, size, "WRITTEN");
	else if (code == LARGE)
		snprintf(to, size, "more than %d", MAX_RESULT);
	else if (code == 0 || code >= RESULT)
		snprintf(to, size, "%d", code == 0 ? 0 : code - RESULT);
	else
		snprintf(to, size, "%s", errno_name(code));
}

/* In a child: tries the addresses from `address` on, and tells of each by a number in a pipe. */
static void try_addresses(const struct call *call, int index, int address, int to)
{
	for (; address < NR_ADDRESSES; address++) {
		unsigned char code;

		if (!is_tried(&call->arguments[index], address))
			continue;
		code = (unsigned char)try_it(call, index, address);
		(void)!write(to, &code, 1);
		if (code != EFAULT)
			return;
	}
}

/* What try_addresses() told, into results. Returns the number of the first address that it did not come
 * to; the child's wait status is the result where it ended itself. */
static int hear_addresses(const struct call *call, int index, int address, int *results)
{
	int ends[2], status;
	unsigned char code;

	(void)!pipe(ends);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		try_addresses(call, index, address, ends[1]);
		_exit(0);
	}
	close(ends[1]);
	for (; address < NR_ADDRESSES; address++) {
		if (!is_tried(&call->arguments[index], address))
			continue;
		if (read(ends[0], &code, 1) != 1)
			break;
		results[address] = code << 8;
		if (code != EFAULT) {
			address++;
			break;
		}
	}
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (address < NR_ADDRESSES && !WIFEXITED(status))
		results[address++] = status;
	return address;
}

static void show_argument(const struct call *call, int index)
{
	char line[SAY_MAX], result[32];
	int results[NR_ADDRESSES], length = 0;

	for (int i = 0; i < NR_ADDRESSES; i++)
		results[i] = LARGE << 8;
	for (int next = 0; next < NR_ADDRESSES;)
		next = hear_addresses(call, index, next, results);
	for (int i = 0; i < NR_ADDRESSES; i++) {
		if (!is_tried(&call->arguments[index], i))
			continue;
		describe(result, sizeof(result), results[i]);
		length += snprintf(line + length, sizeof(line) - (size_t)length, ", %s %s",
				   address_names[i], result);
	}
	say("%s %d%s", call->name, index, line);
}

static void set_up(void)
{
	pages = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(pages, PATTERN, PAGE);
	memset(pages + 2 * PAGE, 0, PAGE);
	munmap(pages + PAGE, PAGE);
	mprotect(pages + 2 * PAGE, PAGE, PROT_READ);
	regular = open("file", O_RDWR | O_CREAT, 0644);
	SHOW(write(regular, good, PAGE));
	SHOW(lseek(regular, 0, SEEK_SET));
	SHOW(symlink("file", "link"));
	SHOW_OK(directory = open(".", O_RDONLY));
	SHOW(pipe(pipe_ends));
}

int main(int argc, char **argv)
{
	(void)argc;
	program = argv[0];
	set_up();
	for (size_t i = 0; i < NR_CALLS; i++) {
		if (is_left_out(calls[i].nr))
			continue;
		for (int k = 0; calls[i].arguments[k].kind != ARGUMENT_NONE; k++) {
			if (is_pointer(&calls[i].arguments[k]))
				show_argument(&calls[i], k);
		}
	}
	unlink("file");
	unlink("link");
	return 0;
}
