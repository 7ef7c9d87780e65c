/* Children who lose their parent, or the thread of it that made them; what a child is given by clone3. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

/* A child that leaves a zombie of its own behind, and tells its pid. */
static int leave_zombie(int to)
{
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(5);
	if (write(to, &pid, sizeof(pid)) != sizeof(pid))
		return 1;
	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0 ? 0 : 2;
}

static pid_t make_orphan(void)
{
	pid_t orphan = 0, child;
	int ends[2], status;

	SHOW(pipe(ends));
	child = fork();
	if (child == 0)
		_exit(leave_zombie(ends[1]));
	SHOW(read(ends[0], &orphan, sizeof(orphan)));
	if (waitpid(child, &status, 0) == child)
		show_status("its parent", status);
	close(ends[0]);
	close(ends[1]);
	return orphan;
}

/* Who adopts a zombie hears of its end, as of any other child's. */
static int adopt_told(void *unused)
{
	struct timespec now = {0, 0};
	siginfo_t info = {0};
	sigset_t set;
	int status;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
	pid_t orphan = make_orphan();
	SHOW(sigtimedwait(&set, &info, &now));
	SHOW(info.si_pid == orphan);
	SHOW(info.si_status);
	SHOW(waitpid(orphan, &status, WNOHANG) == orphan);
	show_status("the orphan", status);
	return 0;
}

/* Who wants no zombies gets none by adoption. */
static int adopt_ignoring(void *unused)
{
	(void)unused;
	SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
	signal(SIGCHLD, SIG_IGN);
	pid_t orphan = make_orphan();
	SHOW(waitpid(orphan, NULL, WNOHANG));
	return 0;
}

/* PR_SET_PDEATHSIG means the thread that made the process. */
static void *make_child(void *result)
{
	static int ends[2];
	sigset_t set;
	int sig = 0;
	char byte = 0;

	if (pipe(ends) != 0)
		return NULL;
	pid_t pid = fork();
	if (pid == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGUSR1);
		sigprocmask(SIG_BLOCK, &set, NULL);
		prctl(PR_SET_PDEATHSIG, SIGUSR1);
		byte = 1;
		if (write(ends[1], &byte, 1) != 1)
			_exit(1);
		sigwait(&set, &sig);
		_exit(sig == SIGUSR1 && getppid() != 1 ? 7 : 8);
	}
	*(pid_t *)result = pid;
	if (read(ends[0], &byte, 1) != 1)
		*(pid_t *)result = -1;
	return NULL;
}

static void lose_thread(void)
{
	pthread_t thread;
	pid_t pid = -1;
	int status = 0;

	SHOW(pthread_create(&thread, NULL, make_child, &pid));
	SHOW(pthread_join(thread, NULL));
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("child of a thread", status);
}

/* struct clone_args, which musl has not. */
struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
};

#define CLONE3_CLEAR_SIGHAND 0x100000000ul

static void handle(int sig)
{
	(void)sig;
}

static void clear_handlers(void)
{
	struct clone3_args args = {.flags = CLONE3_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	struct sigaction action;
	int status = 0;

	signal(SIGUSR1, handle);
	signal(SIGUSR2, SIG_IGN);
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &action);
		SHOW(action.sa_handler == SIG_DFL);
		sigaction(SIGUSR2, NULL, &action);
		SHOW(action.sa_handler == SIG_IGN);
		_exit(0);
	}
	SHOW(waitpid(pid, &status, 0) == pid);
	sigaction(SIGUSR1, NULL, &action);
	SHOW(action.sa_handler == handle);
	args.flags |= CLONE_SIGHAND | CLONE_VM;
	SHOW(syscall(SYS_clone3, &args, sizeof(args)));
}

static int tell_slack(void *unused)
{
	(void)unused;
	SHOW(prctl(PR_GET_TIMERSLACK));
	SHOW(prctl(PR_SET_TIMERSLACK, 80000));
	SHOW(prctl(PR_GET_TIMERSLACK));
	SHOW(prctl(PR_SET_TIMERSLACK, 0));
	SHOW(prctl(PR_GET_TIMERSLACK));
	return 0;
}

/* What others' processes do not tell, and do not hear. */
static int as_somebody(void *unused)
{
	void *head = NULL;
	size_t size = 0;

	(void)unused;
	SHOW(setgid(12345));
	SHOW(setuid(12345));
	SHOW(syscall(SYS_get_robust_list, getppid(), &head, &size));
	SHOW(syscall(SYS_get_robust_list, 0, &head, &size));
	SHOW(kill(getppid(), 0));
	SHOW(kill(-1, 0));
	return 0;
}

int main(void)
{
	show_child("told", adopt_told, NULL);
	show_child("ignoring", adopt_ignoring, NULL);
	lose_thread();
	clear_handlers();
	SHOW(prctl(PR_SET_TIMERSLACK, 70000));
	show_child("slack", tell_slack, NULL);
	show_child("somebody", as_somebody, NULL);
	return 0;
}
