/* Actions, masks, what is pending, what a handler is told, and which calls go on after one. */
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

#define NR_SEEN 64
static volatile int nr_seen;
static volatile int seen[NR_SEEN], seen_value[NR_SEEN], seen_code[NR_SEEN];
static volatile sig_atomic_t depth, max_depth;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)context;
	depth++;
	if (depth > max_depth)
		max_depth = depth;
	if (nr_seen < NR_SEEN) {
		seen[nr_seen] = sig;
		seen_code[nr_seen] = info ? info->si_code : 0;
		seen_value[nr_seen] = info ? info->si_value.sival_int : 0;
		nr_seen++;
	}
	depth--;
}

static void tell_seen(const char *what)
{
	char text[200] = "";
	size_t at = 0;

	for (int i = 0; i < nr_seen; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, " %d/%d/%d", seen[i],
				       seen_code[i], seen_value[i]);
	say("%s:%s", what, text);
	nr_seen = 0;
}

static void handle(int sig, int flags)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = flags | SA_SIGINFO};

	sigaction(sig, &action, NULL);
}

static void set_to(sigset_t *set, int first, ...)
{
	sigemptyset(set);
	if (first)
		sigaddset(set, first);
}

static void block(int how, int sig)
{
	sigset_t set;

	set_to(&set, sig);
	sigprocmask(how, &set, NULL);
}

static void queue(int sig, int value)
{
	SHOW(sigqueue(getpid(), sig, (union sigval){.sival_int = value}));
}

/* ---- actions ---- */

struct raw_action {
	uint64_t handler, flags, restorer, mask;
};

static void actions(void)
{
	struct raw_action action = {.handler = 1, .flags = 0xffffffff, .mask = ~0ul}, old;

	SHOW(syscall(SYS_rt_sigaction, 0, &action, NULL, 8));
	SHOW(syscall(SYS_rt_sigaction, 65, &action, NULL, 8));
	SHOW(syscall(SYS_rt_sigaction, SIGKILL, &action, NULL, 8));
	SHOW(syscall(SYS_rt_sigaction, SIGSTOP, &action, NULL, 8));
	SHOW(syscall(SYS_rt_sigaction, SIGKILL, NULL, &old, 8));
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, &action, NULL, 4));
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, (void *)1, NULL, 8));
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, (void *)1, 8));
	SHOW(syscall(SYS_rt_sigaction, 64, NULL, &old, 8));
	action.flags = SA_SIGINFO | SA_RESTART | SA_NODEFER;
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, &action, &old, 8));
	say("before: handler %d flags %lx", (int)old.handler, (long)old.flags);
	SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, &old, 8));
	say("after: handler %d flags %lx mask %lx", (int)old.handler, (long)old.flags,
	    (long)old.mask);
	SHOW(syscall(SYS_rt_sigprocmask, 17, &old.mask, NULL, 8));
	SHOW(syscall(SYS_rt_sigprocmask, 17, NULL, &old.mask, 8));
	SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &old.mask, NULL, 16));
	SHOW(syscall(SYS_rt_sigpending, &old.mask, 9));
	SHOW(syscall(SYS_rt_sigpending, &old.mask, 4));
	SHOW(kill(getpid(), 65));
	SHOW(kill(getpid(), -1));
	SHOW(kill(getpid(), 0));
	SHOW(kill(0x7ffffff0, 0));
	SHOW(syscall(SYS_tkill, 0, 0));
	SHOW(syscall(SYS_tkill, getpid(), 65));
	SHOW(syscall(SYS_tgkill, getpid(), 0x7ffffff0, 0));
	SHOW(syscall(SYS_tgkill, 1, getpid(), 0));
	SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
}

static void handlers(void)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO}, old;

	handle(SIGUSR1, 0);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	queue(SIGUSR1, 17);
	tell_seen("tkill, kill, sigqueue");

	action.sa_flags |= SA_RESETHAND;
	sigaction(SIGUSR2, &action, NULL);
	raise(SIGUSR2);
	sigaction(SIGUSR2, NULL, &old);
	say("reset: %s", old.sa_handler == SIG_DFL ? "default" : "kept");
	tell_seen("once");

	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR1);
	signal(SIGUSR1, SIG_IGN);
	handle(SIGUSR1, 0);
	block(SIG_UNBLOCK, SIGUSR1);
	tell_seen("forgotten when ignored");
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	raise(SIGUSR1);
	block(SIG_UNBLOCK, SIGUSR1);
	tell_seen("standard signals are pending once");
}

/* Real-time signals are queued, in order, the lower number first. */
static void queues(void)
{
	int low = SIGRTMIN + 1, high = SIGRTMIN + 5;
	sigset_t pending;

	handle(low, 0);
	handle(high, 0);
	handle(SIGUSR1, 0);
	block(SIG_BLOCK, low);
	block(SIG_BLOCK, high);
	block(SIG_BLOCK, SIGUSR1);
	queue(high, 1);
	queue(low, 2);
	queue(high, 3);
	queue(SIGUSR1, 4);
	queue(low, 5);
	queue(SIGUSR1, 6);
	sigpending(&pending);
	say("pending: %d %d %d %d", sigismember(&pending, low), sigismember(&pending, high),
	    sigismember(&pending, SIGUSR1), sigismember(&pending, SIGUSR2));

	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Each handler interrupts the one before it, so the last runs first. */
	tell_seen("taken");
}

static int nested_after;

static void raise_again(int sig)
{
	if (nested_after++ < 3) {
		depth++;
		if (depth > max_depth)
			max_depth = depth;
		raise(sig);
		depth--;
	}
}

static void deferring(void)
{
	struct sigaction action = {.sa_handler = raise_again};

	sigaction(SIGUSR1, &action, NULL);
	max_depth = nested_after = 0;
	raise(SIGUSR1);
	say("deferred: depth %d", (int)max_depth);
	action.sa_flags = SA_NODEFER;
	sigaction(SIGUSR1, &action, NULL);
	max_depth = nested_after = 0;
	raise(SIGUSR1);
	say("not deferred: depth %d", (int)max_depth);
}

/* ---- waiting ---- */

static void waiting(void)
{
	sigset_t set;
	siginfo_t info;
	struct timespec none = {0, 0}, some = {0, 20000000}, bad = {0, 1000000000};
	int rt = SIGRTMIN + 2;

	set_to(&set, rt);
	block(SIG_BLOCK, rt);
	SHOW(sigtimedwait(&set, &info, &none));
	SHOW(sigtimedwait(&set, &info, &some));
	SHOW(sigtimedwait(&set, &info, &bad));
	queue(rt, 7);
	queue(rt, 8);
	memset(&info, 0x55, sizeof(info));
	SHOW(sigtimedwait(&set, &info, &none) == rt);
	say("told: code %d value %d own pid %d", info.si_code, info.si_value.sival_int,
	    info.si_pid == getpid());
	SHOW(sigwaitinfo(&set, &info) == rt);
	say("told: value %d", info.si_value.sival_int);
	SHOW(sigtimedwait(&set, &info, &none));

	/* A blocked one that is ignored by default can be waited for. */
	set_to(&set, SIGCHLD);
	block(SIG_BLOCK, SIGCHLD);
	pid_t pid = fork();
	if (pid == 0)
		_exit(5);
	SHOW(sigwaitinfo(&set, &info));
	say("child: code %d status %d its pid %d", info.si_code, info.si_status,
	    info.si_pid == pid);
	waitpid(pid, NULL, 0);
	pid = fork();
	if (pid == 0) {
		raise(SIGTERM);
		_exit(5);
	}
	SHOW(sigwaitinfo(&set, &info));
	say("child: code %d status %d its pid %d", info.si_code, info.si_status,
	    info.si_pid == pid);
	waitpid(pid, NULL, 0);
	block(SIG_UNBLOCK, SIGCHLD);
	block(SIG_UNBLOCK, rt);

	handle(SIGUSR1, 0);
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	set_to(&set, 0);
	SHOW(sigsuspend(&set));
	tell_seen("suspended");
	sigprocmask(SIG_BLOCK, NULL, &set);
	say("blocked again: %d", sigismember(&set, SIGUSR1));
	raise(SIGUSR1);
	set_to(&set, 0);
	SHOW(ppoll(NULL, 0, &some, &set));
	tell_seen("ppoll");
	block(SIG_UNBLOCK, SIGUSR1);
}

/* ---- interrupted calls ---- */

static void send_soon(pid_t to, int sig)
{
	struct timespec pause = {0, 50000000};

	nanosleep(&pause, NULL);
	kill(to, sig);
}

/* A child that sends a signal while the parent is in its call, and another one to let it go on. */
static pid_t sender(int sig, int fd)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		send_soon(parent, sig);
		if (fd >= 0) {
			struct timespec pause = {0, 50000000};

			nanosleep(&pause, NULL);
			write(fd, "x", 1);
		}
		_exit(0);
	}
	return pid;
}

static void restarts(int flags)
{
	struct timespec long_time = {5, 0}, left = {9, 9}, short_time = {0, 150000000};
	struct pollfd nothing = {.fd = -1};
	int status;
	pid_t pid;

	say("SA_RESTART: %d", flags != 0);
	handle(SIGUSR1, flags);
	pid = sender(SIGUSR1, -1);
	SHOW(nanosleep(&long_time, &left));
	say("left: more than 3 s %d", left.tv_sec >= 3 && left.tv_sec < 5);
	waitpid(pid, NULL, 0);
	pid = sender(SIGUSR1, -1);
	SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL));
	waitpid(pid, NULL, 0);
	pid = sender(SIGUSR1, -1);
	SHOW(poll(&nothing, 1, 5000));
	waitpid(pid, NULL, 0);
	pid = sender(SIGUSR1, -1);
	SHOW(pause());
	waitpid(pid, NULL, 0);
	tell_seen("all");

	pid = fork();
	if (pid == 0) {
		struct timespec time = {0, 200000000};

		nanosleep(&time, NULL);
		_exit(3);
	}
	pid_t other = sender(SIGUSR1, -1);
	long result = SHOW(waitpid(pid, &status, 0) == pid);
	if (result != 1)
		waitpid(pid, NULL, 0);
	waitpid(other, NULL, 0);
	tell_seen("wait");

	/* Ignored, a signal interrupts nothing. */
	signal(SIGUSR1, SIG_IGN);
	pid = sender(SIGUSR1, -1);
	SHOW(nanosleep(&short_time, NULL));
	waitpid(pid, NULL, 0);
}

/* ---- children ---- */

static void no_zombies(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
	pid_t pid;

	sigaction(SIGCHLD, &action, NULL);
	pid = fork();
	if (pid == 0)
		_exit(1);
	SHOW(waitpid(pid, NULL, 0));
	signal(SIGCHLD, SIG_IGN);
	pid = fork();
	if (pid == 0)
		_exit(1);
	SHOW(waitpid(-1, NULL, 0));
	signal(SIGCHLD, SIG_DFL);
}

static int mask_of_child(void *context)
{
	sigset_t set, pending;

	(void)context;
	sigprocmask(SIG_BLOCK, NULL, &set);
	sigpending(&pending);
	return sigismember(&set, SIGUSR1) | sigismember(&pending, SIGUSR1) << 1;
}

static void inheritance(void)
{
	handle(SIGUSR1, 0);
	block(SIG_BLOCK, SIGUSR1);
	raise(SIGUSR1);
	show_child("mask is inherited, pending signals are not", mask_of_child, NULL);
	block(SIG_UNBLOCK, SIGUSR1);
	tell_seen("own");
}

int main(void)
{
	actions();
	handlers();
	queues();
	deferring();
	waiting();
	restarts(0);
	restarts(SA_RESTART);
	no_zombies();
	inheritance();
	return 0;
}
