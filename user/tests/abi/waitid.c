/* wait4(2) and waitid(2) with every option, process groups and sessions. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static pid_t child_exits(int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(code);
	return pid;
}

static pid_t child_sleeps(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	return pid;
}

/* As the kernel gives it: the C library changes nothing of it. */
static void show_waitid(const char *what, int kind, pid_t id, int options)
{
	siginfo_t info;
	struct rusage usage;

	memset(&info, 0x55, sizeof(info));
	errno = 0;
	long result = syscall(SYS_waitid, kind, id, &info, options, &usage);
	say("%s: %ld %s signo %d errno %d code %d pid %s uid %d status %d", what, result,
	    result < 0 ? errno_name(errno) : "-", info.si_signo, info.si_errno, info.si_code,
	    info.si_pid == 0  ? "0"
	    : info.si_pid > 1 ? "set"
			      : "odd",
	    (int)info.si_uid, info.si_status);
}

static void refusals(void)
{
	show_waitid("no options", P_ALL, 0, 0);
	show_waitid("nohang only", P_ALL, 0, WNOHANG);
	show_waitid("unknown option", P_ALL, 0, WEXITED | 0x10);
	show_waitid("unknown kind", 9, 0, WEXITED);
	show_waitid("pid 0", P_PID, 0, WEXITED);
	show_waitid("pid -1", P_PID, -1, WEXITED);
	show_waitid("group -1", P_PGID, -1, WEXITED);
	show_waitid("no children", P_ALL, 0, WEXITED);
	show_waitid("no children nohang", P_ALL, 0, WEXITED | WNOHANG);
	show_waitid("not a child", P_PID, 1, WEXITED);
	SHOW(syscall(SYS_waitid, P_ALL, 0, NULL, WEXITED, NULL));
	SHOW(wait4(-1, NULL, WNOWAIT, NULL));
	SHOW(wait4(-1, NULL, WEXITED, NULL));
	SHOW(wait4(-1, NULL, 0x100, NULL));
	SHOW(syscall(SYS_wait4, (int)0x80000000, NULL, 0, NULL));
	SHOW(wait4(-1, NULL, WNOHANG, NULL));
}

static void ends(void)
{
	pid_t pid = child_exits(3);

	show_waitid("exit, look", P_PID, pid, WEXITED | WNOWAIT);
	show_waitid("exit, look again", P_ALL, 0, WEXITED | WNOWAIT);
	show_waitid("exit, stopped only", P_PID, pid, WSTOPPED | WNOHANG);
	show_waitid("exit, by group", P_PGID, getpgrp(), WEXITED | WNOWAIT);
	show_waitid("exit, own group", P_PGID, 0, WEXITED | WNOWAIT);
	show_waitid("exit, other group", P_PGID, 0x7ffffff, WEXITED | WNOHANG);
	show_waitid("exit, take", P_PID, pid, WEXITED);
	show_waitid("exit, gone", P_PID, pid, WEXITED);
	pid = child_sleeps();
	show_waitid("sleeps, nohang", P_PID, pid, WEXITED | WNOHANG);
	kill(pid, SIGTERM);
	show_waitid("killed", P_PID, pid, WEXITED);
	pid = child_exits(4);
	waitid(P_PID, pid, &(siginfo_t){0}, WEXITED | WNOWAIT);
	SHOW(wait4(pid, (int *)8, 0, NULL));
	SHOW(wait4(pid, NULL, 0, NULL));
}

static void stops(void)
{
	pid_t pid = child_sleeps();
	int status;

	kill(pid, SIGSTOP);
	show_waitid("stopped, look", P_PID, pid, WSTOPPED | WNOWAIT);
	show_waitid("stopped, exited only", P_PID, pid, WEXITED | WNOHANG);
	show_waitid("stopped, take", P_PID, pid, WSTOPPED);
	show_waitid("stopped, again", P_PID, pid, WSTOPPED | WNOHANG);
	kill(pid, SIGCONT);
	show_waitid("continued, look", P_PID, pid, WCONTINUED | WNOWAIT);
	show_waitid("continued, take", P_PID, pid, WCONTINUED);
	show_waitid("continued, again", P_PID, pid, WCONTINUED | WNOHANG);
	kill(pid, SIGSTOP);
	SHOW((waitpid(pid, &status, WUNTRACED) == pid));
	say("status %x", status);
	kill(pid, SIGCONT);
	SHOW((waitpid(pid, &status, WCONTINUED) == pid));
	say("status %x", status);
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	kill(pid, SIGKILL);
	SHOW((waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid));
	say("status %x", status);
}

static long raw_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags, 0, NULL, NULL, 0);
}

/* Who waits for children of which exit signal. */
static void exit_signals(void)
{
	int status;
	pid_t pid = raw_clone(0);

	if (pid == 0)
		_exit(1);
	SHOW(waitpid(pid, &status, WNOHANG));
	SHOW((waitpid(pid, &status, __WCLONE) == pid));
	signal(SIGUSR2, SIG_IGN);
	pid = raw_clone(SIGUSR2);
	if (pid == 0)
		_exit(2);
	SHOW(waitpid(pid, &status, 0));
	SHOW((waitpid(pid, &status, __WALL) == pid));
	pid = raw_clone(SIGCHLD);
	if (pid == 0)
		_exit(3);
	SHOW(waitpid(pid, &status, __WCLONE));
	SHOW((waitpid(pid, &status, __WNOTHREAD) == pid));
	show_status("plain", status);
}

static int moves_itself(void *context)
{
	pid_t parents = getpgrp();

	(void)context;
	SHOW(setpgid(0, -1));
	SHOW(setpgid(-5, 0));
	SHOW(setpgid(0x7ffffff, 0));
	SHOW(setpgid(1, 0));
	SHOW(setpgid(0, 0x7ffffff));
	SHOW(setpgid(0, 0));
	SHOW((getpgrp() == getpid()));
	SHOW(setpgid(0, parents));
	SHOW((getpgid(0) == parents));
	SHOW((getsid(0) == getsid(getppid())));
	SHOW(getpgid(0x7ffffff));
	SHOW(getsid(-1));
	SHOW(getpgid(-1));
	SHOW((setsid() == getpid()));
	SHOW((getsid(0) == getpid() && getpgrp() == getpid()));
	SHOW(setsid());
	SHOW(setpgid(0, 0));
	SHOW(setpgid(0, parents));
	return 0;
}

static void groups(void)
{
	show_child("moves itself", moves_itself, NULL);
	pid_t pid = child_sleeps(), other = child_sleeps();
	SHOW(setpgid(pid, pid));
	SHOW((getpgid(pid) == pid));
	SHOW(setpgid(other, pid));
	SHOW((getpgid(other) == pid));
	show_waitid("by group, nohang", P_PGID, pid, WEXITED | WNOHANG);
	SHOW(kill(-pid, SIGKILL));
	show_waitid("by group", P_PGID, pid, WEXITED);
	show_waitid("by group", P_PGID, pid, WEXITED);
	show_waitid("by group", P_PGID, pid, WEXITED);
}

/* A stopped job whose last parent outside of its group ends is hung up. */
static int leave_stopped_job(void *context)
{
	int *tell = context;
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGHUP, SIG_DFL);
		raise(SIGSTOP);
		_exit(0);
	}
	setpgid(pid, pid);
	waitpid(pid, NULL, WUNTRACED);
	write(tell[1], &pid, sizeof(pid));
	return 0;
}

static void orphans(void)
{
	int tell[2];
	pid_t job = 0;
	char byte;

	if (pipe(tell) != 0)
		return;
	show_child("leaves a stopped job", leave_stopped_job, tell);
	read(tell[0], &job, sizeof(job));
	/* The job has the pipe open as long as it lives. */
	close(tell[1]);
	say("the job %s", read(tell[0], &byte, 1) == 0 ? "has ended" : "said something");
	close(tell[0]);
}

int main(void)
{
	refusals();
	ends();
	stops();
	exit_signals();
	groups();
	orphans();
	return 0;
}
