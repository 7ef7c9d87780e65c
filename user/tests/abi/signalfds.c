/* signalfd: signals as what a file reads. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

static sigset_t set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	if (a)
		sigaddset(&set, a);
	if (b)
		sigaddset(&set, b);
	return set;
}

static int events(int fd)
{
	struct pollfd poller = {fd, POLLIN | POLLOUT, 0};

	poll(&poller, 1, 0);
	return poller.revents;
}

/* Reads up to `nr` signals, and says them. */
static void take(int fd, int nr)
{
	struct signalfd_siginfo infos[4];
	long size;

	memset(infos, 0xff, sizeof(infos));
	size = SHOW(read(fd, infos, nr * sizeof(*infos)));
	for (int i = 0; i < size / (long)sizeof(*infos); i++) {
		const struct signalfd_siginfo *info = &infos[i];

		say("signal %u code %d errno %d mine %d uid %u int %d ptr %lx status %d tid %u "
		    "overrun %u "
		    "addr %lx",
		    info->ssi_signo, info->ssi_code, info->ssi_errno,
		    info->ssi_pid == (unsigned)getpid(), info->ssi_uid, info->ssi_int,
		    (long)info->ssi_ptr, info->ssi_status,
		    info->ssi_code == SI_TIMER ? 0 : info->ssi_tid, info->ssi_overrun,
		    (long)info->ssi_addr);
	}
}

static void arguments(void)
{
	sigset_t set = set_of(SIGUSR1, SIGKILL);
	int ends[2], fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	char byte = 0;

	SHOW(fcntl(fd, F_GETFL));
	SHOW(fcntl(fd, F_GETFD));
	SHOW(signalfd(fd, &set, 0) == fd);
	SHOW(signalfd(fd, &set, 1));
	SHOW(signalfd(-2, &set, 0));
	SHOW(signalfd(1000, &set, 0));
	SHOW(pipe(ends));
	SHOW(signalfd(ends[0], &set, 0));
	SHOW(syscall(SYS_signalfd4, -1, &set, 4, 0));
	SHOW(syscall(SYS_signalfd4, -1, &set, 16, 0));
	SHOW(syscall(SYS_signalfd4, -1, 8, 8, 0));
	SHOW(syscall(SYS_signalfd4, -1, 8, 8, 1));
	SHOW(syscall(SYS_signalfd, fd, &set, 8) == fd);
	SHOW(write(fd, &byte, 1));
	SHOW(read(fd, &byte, 1));
	SHOW(read(fd, &byte, 127));
	take(fd, 1);
	SHOW(events(fd));
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

static void several(void)
{
	sigset_t set = set_of(SIGUSR1, SIGRTMIN);
	int fd = signalfd(-1, &set, SFD_NONBLOCK);

	kill(getpid(), SIGUSR2);
	take(fd, 4);
	kill(getpid(), SIGUSR1);
	raise(SIGUSR1);
	for (int i = 0; i < 3; i++)
		sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = -7 - i});
	SHOW(events(fd));
	take(fd, 3);
	SHOW(read(fd, (void *)8, 128));
	take(fd, 4);
	SHOW(events(fd));
	set = set_of(SIGUSR2, 0);
	SHOW(signalfd(fd, &set, 0) == fd);
	take(fd, 1);
	close(fd);
}

static void *send_late(void *unused)
{
	(void)unused;
	kill(getpid(), SIGUSR1);
	return NULL;
}

static void wait_for_them(void)
{
	sigset_t set = set_of(SIGUSR1, SIGCHLD);
	int fd = signalfd(-1, &set, 0);
	struct pollfd poller = {fd, POLLIN, 0};
	pthread_t thread;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct itimerspec soon = {{0, 0}, {0, 1000}};
	timer_t timer;
	pid_t pid;

	SHOW(pthread_create(&thread, NULL, send_late, NULL));
	take(fd, 1);
	pthread_join(thread, NULL);
	pid = fork();
	if (pid == 0)
		_exit(3);
	SHOW(poll(&poller, 1, -1));
	take(fd, 1);
	SHOW(waitpid(pid, NULL, 0) == pid);
	event.sigev_value.sival_int = 77;
	SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
	SHOW(timer_settime(timer, 0, &soon, NULL));
	take(fd, 1);
	SHOW(timer_delete(timer));
	/* A child reads its own signals from the file it inherited. */
	kill(getpid(), SIGUSR1);
	pid = fork();
	if (pid == 0) {
		SHOW(events(fd));
		kill(getpid(), SIGUSR1);
		take(fd, 1);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	take(fd, 2);
	close(fd);
}

static int handled;

static void handler(int sig)
{
	handled = sig;
}

/* A signal that is neither in the set nor blocked ends the wait; one that is ignored never comes. */
static void interrupted(void)
{
	sigset_t set = set_of(SIGUSR1, 0), open = set_of(SIGALRM, 0);
	struct sigaction action = {.sa_handler = handler};
	struct itimerval soon = {{0, 0}, {0, 1000}};
	struct signalfd_siginfo info;
	int fd = signalfd(-1, &set, 0);

	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_UNBLOCK, &open, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	SHOW(read(fd, &info, sizeof(info)));
	SHOW(handled);
	close(fd);
}

int main(void)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	arguments();
	several();
	wait_for_them();
	interrupted();
	return 0;
}
