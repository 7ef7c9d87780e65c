/* What somebody who is not root may not do, and what is limited for everybody. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define SOMEBODY 12345

static int become_somebody(void)
{
	return setgid(SOMEBODY) == 0 && setuid(SOMEBODY) == 0;
}

/* ---- /proc ---- */

static void look(pid_t pid, const char *name)
{
	char path[64], byte;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	say("open %s: %s", name, fd < 0 ? errno_name(errno) : "ok");
	if (fd >= 0)
		say("read %s: %s", name, read(fd, &byte, 1) < 0 ? errno_name(errno) : "ok");
	close(fd);
}

static void follow(pid_t pid, const char *name)
{
	char path[64], text[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	say("readlink %s: %s", name,
	    readlink(path, text, sizeof(text)) < 0 ? errno_name(errno) : "ok");
	say("stat %s: %s", name, stat(path, &(struct stat){0}) != 0 ? errno_name(errno) : "ok");
}

static void look_at(pid_t pid)
{
	static const char *const files[] = {"maps",    "smaps",   "smaps_rollup",
					    "environ", "pagemap", "cmdline",
					    "status",  "statm",   "limits"};
	static const char *const links[] = {"exe", "cwd", "root", "fd/0"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		look(pid, files[i]);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		follow(pid, links[i]);
	look(pid, "fd");
}

static int peek_at_root(void *unused)
{
	(void)unused;
	if (!become_somebody())
		return 1;
	look_at(getppid());
	return 0;
}

/* A thread group may look into itself, a user into his own processes. */
static int peek_at_own(void *unused)
{
	int ends[2];
	char byte;

	(void)unused;
	if (pipe(ends) != 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) == 0 ? 0 : 1);
	}
	look_at(pid);
	close(ends[1]);
	return waitpid(pid, NULL, 0) == pid ? 0 : 2;
}

/* Where a page lies in memory is root's to know. */
static int read_pagemap(void *unused)
{
	static char page[4096];
	uint64_t entry = 0;

	(void)unused;
	page[0] = 1;
	int fd = open("/proc/self/pagemap", O_RDONLY);
	SHOW(pread(fd, &entry, sizeof(entry), (off_t)((uintptr_t)page / 4096 * 8)));
	SHOW((entry & ((1ul << 55) - 1)) != 0);
	SHOW(entry >> 63);
	if (!become_somebody())
		return 1;
	close(fd);
	fd = open("/proc/self/pagemap", O_RDONLY);
	say("own pagemap: %s", fd < 0 ? errno_name(errno) : "ok");
	return 0;
}

/* ---- pipes, names ---- */

static int enlarge_pipe(void *unused)
{
	int ends[2];

	(void)unused;
	if (!become_somebody() || pipe(ends) != 0)
		return 1;
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 1 << 20));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, (1 << 20) + 1));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 4096));
	return 0;
}

static int name_descriptor(void *unused)
{
	(void)unused;
	int fd = open("forbidden.file", O_RDWR | O_CREAT, 0666);
	SHOW(linkat(fd, "", AT_FDCWD, "forbidden.link", AT_EMPTY_PATH));
	SHOW(unlink("forbidden.link"));
	if (!become_somebody())
		return 1;
	SHOW(linkat(fd, "", AT_FDCWD, "forbidden.link", AT_EMPTY_PATH));
	return 0;
}

/* ---- limits and sizes ---- */

static int exceed_file_size(void *unused)
{
	const struct rlimit limit = {4096, 4096};
	off_t from = 0;
	int in = open("forbidden.file", O_RDWR),
	    out = open("forbidden.out", O_RDWR | O_CREAT, 0600);

	(void)unused;
	SHOW(ftruncate(in, 10000));
	SHOW(setrlimit(RLIMIT_FSIZE, &limit));
	signal(SIGXFSZ, SIG_IGN);
	SHOW(sendfile(out, in, &from, 10000));
	SHOW(sendfile(out, in, &from, 10000));
	SHOW(lseek(out, 0, SEEK_END));
	signal(SIGXFSZ, SIG_DFL);
	SHOW(copy_file_range(in, &(off_t){0}, out, &(off_t){4096}, 100, 0));
	return 0;
}

static void seek_too_far(const char *path)
{
	int fd = open(path, O_RDONLY);

	say("%s", path);
	SHOW(lseek(fd, 1, SEEK_SET));
	SHOW(lseek(fd, LONG_MAX, SEEK_CUR));
	SHOW(lseek(fd, LONG_MIN, SEEK_CUR));
	close(fd);
}

static void handle(int sig)
{
	(void)sig;
}

/* A long transfer ends early when a signal comes. */
static void interrupt(const char *path, int how)
{
	const struct itimerval soon = {{0, 0}, {0, 20000}};
	const size_t size = 64 << 10;
	static char buffer[64 << 10];
	struct iovec parts[IOV_MAX];
	int fd = open(path, O_RDWR);

	for (int i = 0; i < IOV_MAX; i++)
		parts[i] = (struct iovec){buffer, size};
	signal(SIGALRM, handle);
	setitimer(ITIMER_REAL, &soon, NULL);
	/* Again and again, until the timer expires in one. */
	ssize_t done = 0;
	do
		done = how == O_RDONLY ? readv(fd, parts, IOV_MAX) : writev(fd, parts, IOV_MAX);
	while (done == (ssize_t)(size * IOV_MAX));
	say("%s: %s", path,
	    done > 0 && done < (ssize_t)(size * IOV_MAX) ? "part" : "all or nothing");
	close(fd);
}

int main(void)
{
	show_child("root's", peek_at_root, NULL);
	show_child("own", peek_at_own, NULL);
	show_child("pagemap", read_pagemap, NULL);
	show_child("pipe", enlarge_pipe, NULL);
	show_child("name", name_descriptor, NULL);
	show_child("file size", exceed_file_size, NULL);
	unlink("forbidden.file");
	unlink("forbidden.out");
	seek_too_far("/proc");
	seek_too_far("/proc/self/status");
	seek_too_far("/dev/shm");
	SHOW_OK(open("/dev/zero", O_RDONLY | O_DIRECT));
	interrupt("/dev/zero", O_RDONLY);
	interrupt("/dev/urandom", O_RDONLY);
	return 0;
}
