/* Stopping and continuing: what the parent is told, what is pending afterwards, what orphans get. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

static void a_while(long ms)
{
	struct timespec time = {0, ms * 1000000};

	nanosleep(&time, NULL);
}

static volatile int nr_children, last_code, last_status;

static void child_changed(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	nr_children++;
	last_code = info->si_code;
	last_status = info->si_status;
}

static void watch_children(int flags)
{
	struct sigaction action = {.sa_sigaction = child_changed,
				   .sa_flags = SA_SIGINFO | SA_RESTART | flags};

	sigaction(SIGCHLD, &action, NULL);
	nr_children = last_code = 0;
}

static void tell(const char *what)
{
	say("%s: last code %d status %d", what, last_code, last_status);
}

static pid_t start_sleeper(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

static void by(int sig, int nr_expected)
{
	int status = 0;
	pid_t pid = start_sleeper();

	kill(pid, sig);
	SHOW(waitpid(pid, &status, WUNTRACED) == pid);
	show_status("stopped", status);
	SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
	kill(pid, SIGCONT);
	SHOW(waitpid(pid, &status, WCONTINUED) == pid);
	show_status("continued", status);
	SHOW(waitpid(pid, &status, WCONTINUED | WUNTRACED | WNOHANG));
	/* What would tell of the death is lost while another of its kind is pending. */
	for (int i = 0; i < 500 && nr_expected > 1 && last_code != CLD_CONTINUED; i++)
		a_while(2);
	kill(pid, SIGKILL);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("killed", status);
	for (int i = 0; i < 500 && last_code != CLD_KILLED; i++)
		a_while(2);
	/* Signals that come while one is pending are one. */
	say("not more than expected: %d", nr_children >= 1 && nr_children <= nr_expected);
	tell("in the end");
}

static void killed_while_stopped(void)
{
	int status;
	pid_t pid = start_sleeper();

	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGTERM);
	a_while(20);
	SHOW(waitpid(pid, &status, WNOHANG));
	kill(pid, SIGCONT);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("SIGTERM is taken when continued", status);
	pid = start_sleeper();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("SIGKILL does not wait", status);
}

static int undo(void *context)
{
	sigset_t set, pending;

	(void)context;
	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGCONT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGTSTP);
	sigpending(&pending);
	say("pending: stop %d continue %d", sigismember(&pending, SIGTSTP),
	    sigismember(&pending, SIGCONT));
	raise(SIGCONT);
	sigpending(&pending);
	say("pending: stop %d continue %d", sigismember(&pending, SIGTSTP),
	    sigismember(&pending, SIGCONT));
	raise(SIGTSTP);
	sigpending(&pending);
	say("pending: stop %d continue %d", sigismember(&pending, SIGTSTP),
	    sigismember(&pending, SIGCONT));
	return 0;
}

/* A member of a group that nobody could continue does not stop from the keyboard. */
static int orphaned(void *context)
{
	(void)context;
	setsid();
	raise(SIGTSTP);
	raise(SIGTTIN);
	say("did not stop");
	return 3;
}

static volatile int nr_hup;

static void hung_up(int sig)
{
	(void)sig;
	nr_hup++;
}

/* The parent of a stopped group ends: SIGHUP, then SIGCONT. */
static int newly_orphaned(void *context)
{
	int fds[2], status;
	char byte;

	(void)context;
	setsid();
	pipe(fds);
	pid_t parent = fork();
	if (parent == 0) {
		pid_t child = fork();

		if (child == 0) {
			setpgid(0, 0);
			signal(SIGHUP, hung_up);
			raise(SIGSTOP);
			byte = (char)('0' + nr_hup);
			write(fds[1], &byte, 1);
			_exit(0);
		}
		waitpid(child, &status, WUNTRACED);
		show_status("grandchild", status);
		_exit(0);
	}
	waitpid(parent, &status, 0);
	byte = '-';
	read(fds[0], &byte, 1);
	say("hung up %c", byte);
	return 0;
}

static volatile int ticks;

static void *count(void *context)
{
	for (;;) {
		a_while(2);
		ticks++;
	}
	return context;
}

/* All threads stop, and all go on. */
static void threads(void)
{
	int fds[2], status;
	char byte;

	pipe(fds);
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;

		pthread_create(&thread, NULL, count, NULL);
		pthread_create(&thread, NULL, count, NULL);
		while (ticks < 4)
			a_while(2);
		write(fds[1], "r", 1);
		for (int i = 0; i < 20; i++)
			a_while(5);
		_exit(ticks > 4 ? 8 : 9);
	}
	read(fds[0], &byte, 1);
	kill(pid, SIGSTOP);
	SHOW(waitpid(pid, &status, WUNTRACED) == pid);
	show_status("threads", status);
	a_while(30);
	SHOW(waitpid(pid, &status, WNOHANG | WCONTINUED));
	kill(pid, SIGCONT);
	SHOW(waitpid(pid, &status, WCONTINUED) == pid);
	show_status("threads", status);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("threads", status);
}

/* A sleep that is stopped and continued goes on. */
static void sleeper(void)
{
	struct timespec time = {0, 200000000};
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(nanosleep(&time, NULL) == 0 ? 0 : 1);
	a_while(20);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	show_status("sleeper", status);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	show_status("sleeper", status);
	waitpid(pid, &status, 0);
	show_status("sleeper", status);
}

static void waitids(void)
{
	siginfo_t info;
	pid_t pid = start_sleeper();

	kill(pid, SIGSTOP);
	SHOW(waitid(P_PID, (id_t)pid, &info, WSTOPPED | WNOWAIT));
	say("code %d status %d", info.si_code, info.si_status);
	SHOW(waitid(P_PID, (id_t)pid, &info, WSTOPPED));
	kill(pid, SIGCONT);
	SHOW(waitid(P_PID, (id_t)pid, &info, WCONTINUED));
	say("code %d status %d", info.si_code, info.si_status);
	kill(pid, SIGKILL);
	SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED));
	say("code %d status %d", info.si_code, info.si_status);
}

int main(void)
{
	/* A group of its own with a parent that could continue it. */
	watch_children(0);
	by(SIGSTOP, 3);
	watch_children(SA_NOCLDSTOP);
	by(SIGSTOP, 1);
	watch_children(0);
	killed_while_stopped();
	show_child("undo", undo, NULL);
	show_child("orphan", orphaned, NULL);
	show_child("newly orphaned", newly_orphaned, NULL);
	threads();
	sleeper();
	waitids();
	return 0;
}
