/* poll, ppoll, select, pselect6 on pipes and files: what is ready, what is wrong, who is woken. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

#define ALL_EVENTS 0x7fff
#define NR_PIPES   40

static char block[65536];
static int ends[2];

static void show_events(const char *when)
{
	struct pollfd both[2] = {{ends[0], ALL_EVENTS, -1}, {ends[1], ALL_EVENTS, -1}};
	int nr = poll(both, 2, 0);

	say("%s: %d ready, read end %x, write end %x", when, nr, both[0].revents, both[1].revents);
}

static void states(void)
{
	if (pipe2(ends, O_NONBLOCK) != 0)
		return;
	show_events("empty");
	write(ends[1], block, 10);
	show_events("some bytes");
	write(ends[1], block, sizeof(block));
	show_events("full");
	read(ends[0], block, 4095);
	show_events("a byte of the first page left");
	read(ends[0], block, 1);
	show_events("a page free");
	int copy = dup(ends[1]);
	close(ends[1]);
	show_events("one writer left");
	close(copy);
	show_events("no writer, bytes left");
	while (read(ends[0], block, sizeof(block)) > 0)
		;
	show_events("no writer, empty");
	close(ends[0]);
	show_events("closed");
	if (pipe(ends) != 0)
		return;
	close(ends[0]);
	show_events("no reader");
	close(ends[1]);
}

static void odd_calls(void)
{
	struct pollfd fds[3] = {
		{-1, POLLIN, 77}, {99, POLLIN, 77}, {open("/", O_RDONLY), ALL_EVENTS, 77}};
	struct timespec ts = {0, 0};
	sigset_t mask;

	sigemptyset(&mask);
	SHOW(poll(fds, 3, -1));
	say("%x %x %x", fds[0].revents, fds[1].revents, fds[2].revents);
	fds[2].events = 0;
	SHOW(poll(fds + 2, 1, 0));
	SHOW(poll(NULL, 0, 0));
	SHOW(poll(NULL, 1, 0));
	SHOW(poll((void *)8, 1, 0));
	SHOW(poll(fds, 1, 1));
	SHOW(poll(NULL, 1 << 30, 0));
	SHOW(syscall(SYS_ppoll, fds, 1, &ts, &mask, 8));
	SHOW(syscall(SYS_ppoll, fds, 1, &ts, &mask, 16));
	SHOW(syscall(SYS_ppoll, fds, 1, &ts, NULL, 16));
	SHOW(syscall(SYS_ppoll, fds, 1, &ts, 8, 8));
	SHOW(syscall(SYS_ppoll, fds, 1, 8, NULL, 8));
	ts.tv_nsec = 1000000000;
	SHOW(syscall(SYS_ppoll, fds, 1, &ts, NULL, 8));
	ts = (struct timespec){-1, 0};
	SHOW(syscall(SYS_ppoll, fds, 1, &ts, NULL, 8));
	ts = (struct timespec){0, 1000};
	SHOW(syscall(SYS_ppoll, fds, 1, &ts, NULL, 8));
	SHOW(ts.tv_sec);
	SHOW(ts.tv_nsec);
	close(fds[2].fd);
}

/* The time left is told, also in a call that did not wait. */
static void time_left(void)
{
	struct pollfd fd = {open("/", O_RDONLY), POLLIN, 0};
	struct timespec ts = {100, 5}, *constant;
	struct timeval tv = {100, 2500000};
	fd_set set;

	SHOW(syscall(SYS_ppoll, &fd, 1, &ts, NULL, 8));
	SHOW(ts.tv_sec);
	FD_ZERO(&set);
	FD_SET(fd.fd, &set);
	SHOW(syscall(SYS_select, fd.fd + 1, &set, NULL, NULL, &tv));
	SHOW(tv.tv_sec);
	SHOW(tv.tv_usec < 1000000);
	ts = (struct timespec){100, 5};
	SHOW(syscall(SYS_pselect6, fd.fd + 1, &set, NULL, NULL, &ts, NULL));
	SHOW(ts.tv_sec);
	constant = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW(syscall(SYS_ppoll, &fd, 1, constant, NULL, 8));
	SHOW(mprotect(constant, 4096, PROT_READ | PROT_WRITE));
	constant->tv_sec = 100;
	SHOW(mprotect(constant, 4096, PROT_READ));
	SHOW(syscall(SYS_ppoll, &fd, 1, constant, NULL, 8));
	munmap(constant, 4096);
	close(fd.fd);
}

static unsigned long bits(const fd_set *set)
{
	unsigned long word;

	memcpy(&word, set, sizeof(word));
	return word;
}

static void selecting(void)
{
	fd_set in, out, ex;
	struct timeval none = {0, 0}, wrong = {-1, 0}, far = {0, -1};

	if (pipe2(ends, O_NONBLOCK) != 0)
		return;
	FD_ZERO(&in);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &in);
	out = ex = in;
	int nr = select(ends[1] + 1, &in, &out, &ex, &none);
	say("empty: %d: %lx %lx %lx", nr, bits(&in) >> ends[0], bits(&out) >> ends[0], bits(&ex));
	write(ends[1], block, 1);
	FD_SET(ends[0], &in);
	nr = select(ends[1] + 1, &in, &out, NULL, NULL);
	say("byte: %d: %lx %lx", nr, bits(&in) >> ends[0], bits(&out) >> ends[0]);
	nr = select(ends[0], &in, &out, NULL, &none);
	say("only those below are looked at: %d: %lx %lx", nr, bits(&in) >> ends[0],
	    bits(&out) >> ends[0]);
	close(ends[1]);
	FD_SET(ends[1], &in);
	SHOW(select(ends[1] + 1, &in, NULL, NULL, &none));
	FD_CLR(ends[1], &in);
	SHOW(select(ends[1] + 1, &in, NULL, NULL, &none));
	SHOW(select(-1, NULL, NULL, NULL, &none));
	SHOW(select(0, NULL, NULL, NULL, &none));
	SHOW(syscall(SYS_select, 1, 8, 0, 0, &none));
	SHOW(syscall(SYS_select, 0, 0, 0, 0, &wrong));
	SHOW(syscall(SYS_select, 0, 0, 0, 0, &far));
	SHOW(syscall(SYS_select, 0, 0, 0, 0, 8));
	SHOW(syscall(SYS_select, 100000, &in, 0, 0, &none));
	SHOW(syscall(SYS_pselect6, 0, 0, 0, 0, &none, 8));
	close(ends[0]);
}

/* Sleeps in many pipes at once until a child writes to one of them. */
static void woken(void)
{
	static int pipes[NR_PIPES][2];
	struct pollfd fds[NR_PIPES];
	fd_set in;
	int status, last = 0;

	for (int i = 0; i < NR_PIPES; i++) {
		if (pipe(pipes[i]) != 0)
			return;
		fds[i] = (struct pollfd){pipes[i][0], POLLIN, 0};
		last = pipes[i][0];
	}
	pid_t pid = fork();
	if (pid == 0)
		_exit(write(pipes[33][1], "x", 1) == 1 ? 0 : 1);
	SHOW(poll(fds, NR_PIPES, -1));
	SHOW(fds[33].revents);
	waitpid(pid, &status, 0);
	FD_ZERO(&in);
	for (int i = 0; i < NR_PIPES; i++)
		if (i != 33)
			FD_SET(pipes[i][0], &in);
	pid = fork();
	if (pid == 0)
		_exit(write(pipes[39][1], "x", 1) == 1 ? 0 : 1);
	SHOW(select(last + 1, &in, NULL, NULL, NULL));
	SHOW(FD_ISSET(pipes[39][0], &in) != 0);
	waitpid(pid, &status, 0);
	for (int i = 0; i < NR_PIPES; i++) {
		close(pipes[i][0]);
		close(pipes[i][1]);
	}
}

/* One side waits for room or an end instead of bytes. */
static void woken_by_room(void)
{
	int status;

	if (pipe2(ends, O_NONBLOCK) != 0)
		return;
	write(ends[1], block, sizeof(block));
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		read(ends[0], block, sizeof(block));
		_exit(0);
	}
	struct pollfd fd = {ends[1], POLLOUT, 0};
	SHOW(poll(&fd, 1, -1));
	SHOW(fd.revents);
	waitpid(pid, &status, 0);
	pid = fork();
	if (pid == 0) {
		fd.fd = ends[0];
		fd.events = 0;
		close(ends[1]);
		_exit(poll(&fd, 1, -1) == 1 ? fd.revents : 99);
	}
	close(ends[0]);
	close(ends[1]);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("waited for the end", status);
}

int main(void)
{
	states();
	odd_calls();
	time_left();
	selecting();
	woken();
	woken_by_room();
	return 0;
}
