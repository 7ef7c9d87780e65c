/* Threads: what they have in common, how they end, and what others see of them. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"
#include "../futex_abi.h"

static pid_t tid(void)
{
	return syscall(SYS_gettid);
}

static pthread_t start(void *(*work)(void *), void *arg)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, work, arg) != 0)
		say("no thread");
	return thread;
}

static void *show_identity(void *arg)
{
	pid_t *leader = arg;

	say("thread: getpid %s, gettid %s, getppid %s", getpid() == leader[0] ? "same" : "differs",
	    tid() == leader[0] ? "same" : "differs", getppid() == leader[1] ? "same" : "differs");
	SHOW((getpgid(0) == getpgid(leader[0])));
	SHOW((getsid(0) == getsid(leader[0])));
	/* A thread is no process. */
	SHOW(syscall(SYS_tgkill, getpid(), tid(), 0));
	SHOW(syscall(SYS_tgkill, tid(), tid(), 0));
	SHOW(syscall(SYS_tkill, tid(), 0));
	return NULL;
}

static void identity(void)
{
	pid_t leader[] = {getpid(), getppid()};

	pthread_join(start(show_identity, leader), NULL);
}

static void *sleep_for_ever(void *arg)
{
	(void)arg;
	for (;;)
		pause();
	return NULL;
}

static void *exit_group(void *arg)
{
	_exit((int)(intptr_t)arg);
}

static void *exit_thread(void *arg)
{
	syscall(SYS_exit, (int)(intptr_t)arg);
	return NULL;
}

static void *fault(void *arg)
{
	return (void *)(intptr_t) * (volatile int *)arg;
}

static void *kill_process(void *arg)
{
	kill(getpid(), (int)(intptr_t)arg);
	return sleep_for_ever(NULL);
}

static void *kill_thread(void *arg)
{
	syscall(SYS_tgkill, getpid(), tid(), (int)(intptr_t)arg);
	return sleep_for_ever(NULL);
}

/* Four sleepers, and one that does it. */
struct ending {
	void *(*work)(void *);
	void *arg;
};

static int end_among_sleepers(void *context)
{
	const struct ending *ending = context;

	for (int i = 0; i < 4; i++)
		start(sleep_for_ever, NULL);
	start(ending->work, ending->arg);
	sleep_for_ever(NULL);
	return 0;
}

/* The leader ends first, with a status that nobody sees. */
static int leader_first(void *context)
{
	start(context, (void *)9);
	syscall(SYS_exit, 5);
	return 0;
}

/* Waits until the first thread has ended: /proc then calls the process a zombie. */
static void wait_for_end_of_leader(void)
{
	char text[256];
	const char *state;

	do {
		int fd = open("/proc/self/stat", O_RDONLY);
		ssize_t size = read(fd, text, sizeof(text) - 1);

		close(fd);
		if (size <= 0) {
			say("no /proc/self/stat");
			return;
		}
		text[size] = 0;
		state = strrchr(text, ')');
		sched_yield();
	} while (!state || state[2] != 'Z');
}

static void *exit_late(void *arg)
{
	wait_for_end_of_leader();
	return exit_thread(arg);
}

static void *exit_group_late(void *arg)
{
	wait_for_end_of_leader();
	return exit_group(arg);
}

static void endings(void)
{
	struct ending all[] = {
		{exit_group, (void *)3},         {fault, NULL},
		{kill_process, (void *)SIGTERM}, {kill_process, (void *)SIGKILL},
		{kill_thread, (void *)SIGUSR1},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		show_child("one of many", end_among_sleepers, &all[i]);
	show_child("leader first, then exit", leader_first, exit_late);
	show_child("leader first, then exit_group", leader_first, exit_group_late);
}

/* ---- exec ---- */

static void *exec_again(void *arg)
{
	char *const again[] = {program_invocation_short_name, "exec", NULL};

	execve(arg, again, environ);
	return NULL;
}

static int exec_from_thread(void *context)
{
	for (int i = 0; i < 4; i++)
		start(sleep_for_ever, NULL);
	start(exec_again, context);
	sleep_for_ever(NULL);
	return 0;
}

static int exec_from_leader(void *context)
{
	for (int i = 0; i < 4; i++)
		start(sleep_for_ever, NULL);
	exec_again(context);
	return 0;
}

static void *exec_late(void *arg)
{
	wait_for_end_of_leader();
	return exec_again(arg);
}

static int exec_after_leader(void *context)
{
	start(exec_late, context);
	syscall(SYS_exit, 5);
	return 0;
}

static int many_exec(void *context)
{
	for (int i = 0; i < 8; i++)
		start(exec_again, context);
	sleep_for_ever(NULL);
	return 0;
}

static void execs(const char *self)
{
	show_child("exec from a thread", exec_from_thread, (void *)self);
	show_child("exec from the leader", exec_from_leader, (void *)self);
	show_child("exec after the leader", exec_after_leader, (void *)self);
	show_child("many exec", many_exec, (void *)self);
}

/* ---- what happens to a word of memory when a thread ends ---- */

static int raw_thread(void *context)
{
	(void)context;
	return 0;
}

static void clear_tid(void)
{
	static int word = 1;
	char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
		    CLONE_SYSVSEM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID;
	pid_t child = clone(raw_thread, stack + 65536, flags, NULL, NULL, NULL, &word);
	int seen;

	while ((seen = __atomic_load_n(&word, __ATOMIC_SEQ_CST)) != 0)
		syscall(SYS_futex, &word, FUTEX_WAIT, seen, NULL, NULL, 0);
	say("clear tid: %s, word %d", child > 0 ? "thread" : errno_name(errno), word);
	munmap(stack, 65536);
}

struct robust_entry {
	struct robust_list list;
	uint32_t word;
};

static struct robust_entry held, pending, strangers;

static void *die_with_locks(void *arg)
{
	static struct robust_list_head head;
	struct robust_list_head *found;
	size_t size = 0;

	head.list.next = &held.list;
	held.list.next = &strangers.list;
	strangers.list.next = &head.list;
	head.futex_offset = offsetof(struct robust_entry, word);
	head.list_op_pending = &pending.list;
	held.word = tid() | FUTEX_WAITERS;
	pending.word = tid();
	strangers.word = 1;
	(void)arg;
	SHOW(syscall(SYS_set_robust_list, &head, sizeof(head) - 1));
	SHOW(syscall(SYS_set_robust_list, &head, sizeof(head)));
	SHOW(syscall(SYS_get_robust_list, 0, &found, &size));
	say("robust list: %s, size %zu", found == &head ? "found" : "other", size);
	return NULL;
}

static void robust(void)
{
	pthread_join(start(die_with_locks, NULL), NULL);
	say("robust: held %x pending %x strangers %x", held.word, pending.word, strangers.word);
	SHOW(syscall(SYS_get_robust_list, INT_MAX, &held, &held));
	SHOW(syscall(SYS_get_robust_list, 0, 8, 8));
}

/* ---- times ---- */

static void *burn(void *arg)
{
	struct timespec now;

	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while (now.tv_nsec < 30000000 && now.tv_sec == 0);
	return arg;
}

static long ns(struct timespec time)
{
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

static void times_add_up(void)
{
	struct timespec process, thread;
	struct rusage usage;

	pthread_join(start(burn, NULL), NULL);
	pthread_join(start(burn, NULL), NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &process);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &thread);
	say("process time: %s",
	    ns(process) - ns(thread) >= 60000000 ? "that of all threads" : "less");
	getrusage(RUSAGE_SELF, &usage);
	say("rusage: %s", usage.ru_utime.tv_sec + usage.ru_stime.tv_sec > 0 ||
					  usage.ru_utime.tv_usec + usage.ru_stime.tv_usec >= 60000
				  ? "that of all threads"
				  : "less");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		say("after exec: %s", tid() == getpid() ? "leader" : "not the leader");
		return 7;
	}
	identity();
	endings();
	execs(argv[0]);
	clear_tid();
	robust();
	times_add_up();
	return 0;
}
