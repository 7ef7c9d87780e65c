/* Pipes: what fits, what is atomic, what ends, what a call says that would wait. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE     4096
#define CAPACITY (16 * PAGE)

static char block[2 * CAPACITY], other[2 * CAPACITY];
static int ends[2];

static void make(int flags)
{
	if (pipe2(ends, flags) != 0)
		say("no pipe: %s", errno_name(errno));
}

static void drop(void)
{
	close(ends[0]);
	close(ends[1]);
}

static int pending(void)
{
	int size = -1;

	ioctl(ends[0], FIONREAD, &size);
	return size;
}

static void creation(void)
{
	struct stat stat;

	SHOW(pipe2(ends, 1));
	SHOW(pipe2(ends, O_EXCL | O_TRUNC));
	SHOW(syscall(SYS_pipe, 8));
	SHOW(syscall(SYS_pipe2, 8, O_CLOEXEC));
	make(O_CLOEXEC | O_NONBLOCK);
	SHOW(ends[1] - ends[0]);
	SHOW(fcntl(ends[0], F_GETFD));
	SHOW(fcntl(ends[0], F_GETFL));
	SHOW(fcntl(ends[1], F_GETFL));
	SHOW(fstat(ends[0], &stat));
	SHOW(stat.st_mode);
	SHOW(stat.st_blksize);
	SHOW(stat.st_size);
	SHOW(lseek(ends[0], 0, SEEK_CUR));
	SHOW(lseek(ends[0], 0, 77));
	SHOW(read(ends[1], block, 1));
	SHOW(write(ends[0], block, 1));
	SHOW(read(ends[1], block, 0));
	SHOW(read(ends[0], block, 0));
	SHOW(read(ends[0], block, 1));
	SHOW(write(ends[1], block, 0));
	SHOW(ioctl(ends[1], FIONREAD, NULL));
	SHOW(isatty(ends[0]));
	drop();
}

/* Writes of `size` until there is no more room. */
static void fill_by(size_t size)
{
	long total = 0, done;

	make(O_NONBLOCK);
	while ((done = write(ends[1], block, size)) > 0)
		total += done;
	say("writes of %zu: %ld bytes fit, then %s; FIONREAD %d", size, total, errno_name(errno),
	    pending());
	drop();
}

static void capacity(void)
{
	make(O_NONBLOCK);
	SHOW(fcntl(ends[0], F_GETPIPE_SZ));
	SHOW(write(ends[1], block, sizeof(block)));
	SHOW(write(ends[1], block, 1));
	SHOW(read(ends[0], block, PAGE - 1));
	SHOW(write(ends[1], block, 1));
	SHOW(read(ends[0], block, 1));
	SHOW(write(ends[1], block, 5000));
	SHOW(pending());
	drop();
	fill_by(1);
	fill_by(3000);
	fill_by(PAGE);
	fill_by(PAGE + 1);
	fill_by(5000);
	fill_by(10000);
}

static void resizing(void)
{
	make(O_NONBLOCK);
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 0));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 1));
	SHOW(write(ends[1], "abc", 3));
	SHOW(write(ends[1], block, PAGE));
	SHOW(fcntl(ends[1], F_SETPIPE_SZ, 3 * PAGE));
	SHOW(fcntl(ends[1], F_GETPIPE_SZ));
	SHOW(write(ends[1], block, sizeof(block)));
	SHOW(fcntl(ends[1], F_SETPIPE_SZ, PAGE));
	SHOW(read(ends[0], other, 6));
	SHOW(memcmp(other, "abc", 3));
	SHOW(read(ends[0], other, sizeof(other)));
	SHOW(fcntl(ends[1], F_SETPIPE_SZ, 1 << 20));
	SHOW(fcntl(ends[1], F_SETPIPE_SZ, -1));
	SHOW(fcntl(ends[1], F_GETPIPE_SZ));
	drop();
	int fd = open("/", O_RDONLY);
	SHOW(fcntl(fd, F_GETPIPE_SZ));
	SHOW(fcntl(fd, F_SETPIPE_SZ, PAGE));
	close(fd);
}

/* Beyond /proc/sys/fs/pipe-max-size only for who has the right to it. */
static int beyond_limit(void *context)
{
	(void)context;
	SHOW(syscall(SYS_setresuid, 1000, 1000, 1000));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 4 << 20));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 2 << 20));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 1 << 20));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, (1 << 20) + 1));
	SHOW(fcntl(ends[0], F_SETPIPE_SZ, 1u << 31));
	return 0;
}

static void limit(void)
{
	char text[32] = "";
	int fd = open("/proc/sys/fs/pipe-max-size", O_RDONLY);

	SHOW(read(fd, text, sizeof(text)));
	say("limit %s", text);
	close(fd);
	make(0);
	show_child("beyond the limit", beyond_limit, NULL);
	drop();
}

/* In one piece or not at all: up to PIPE_BUF. */
static void atomicity(void)
{
	make(O_NONBLOCK);
	SHOW(write(ends[1], block, CAPACITY - 100));
	SHOW(write(ends[1], block, 101));
	SHOW(write(ends[1], block, 100));
	SHOW(write(ends[1], block, 1));
	SHOW(read(ends[0], other, 200));
	SHOW(write(ends[1], block, 100));
	drop();
}

static void vectors(void)
{
	char first[3], second[5];
	struct iovec in[3] = {{first, 3}, {NULL, 0}, {second, 5}};
	struct iovec out[3] = {{"hello ", 6}, {NULL, 0}, {"world", 5}};

	make(O_NONBLOCK);
	SHOW(writev(ends[1], out, 3));
	SHOW(pending());
	SHOW(readv(ends[0], in, 3));
	SHOW(memcmp(second, "lo wo", 5));
	SHOW(readv(ends[0], in, 3));
	SHOW(readv(ends[0], in, 3));
	SHOW(readv(ends[0], in, 0));
	SHOW(writev(ends[1], out, 1025));
	SHOW(writev(ends[1], (void *)8, 1));
	out[2].iov_len = -1;
	SHOW(writev(ends[1], out, 3));
	drop();
}

/* A pointer that leads nowhere, in the middle of a transfer too. */
static void faults(void)
{
	char *edge =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(edge + PAGE, PAGE);
	make(O_NONBLOCK);
	SHOW(write(ends[1], (void *)8, 1));
	SHOW(pending());
	SHOW(write(ends[1], edge, 2 * PAGE));
	SHOW(pending());
	SHOW(read(ends[0], (void *)8, 1));
	SHOW(read(ends[0], edge + PAGE - 1, 2));
	SHOW(pending());
	SHOW(write(ends[1], edge, PAGE));
	SHOW(read(ends[0], edge, 2 * PAGE));
	SHOW(pending());
	drop();
	munmap(edge, PAGE);
}

static int write_to_nobody(void *ignore)
{
	make(0);
	close(ends[0]);
	if (ignore)
		signal(SIGPIPE, SIG_IGN);
	SHOW(write(ends[1], block, 0));
	SHOW(write(ends[1], block, 1));
	return 3;
}

static void last_ends(void)
{
	show_child("SIGPIPE", write_to_nobody, NULL);
	show_child("ignored", write_to_nobody, "yes");
	make(0);
	SHOW(write(ends[1], "rest", 4));
	close(ends[1]);
	SHOW(read(ends[0], other, 100));
	SHOW(read(ends[0], other, 100));
	SHOW(read(ends[0], other, 100));
	drop();
}

static void packets(void)
{
	char bytes[10];

	make(O_NONBLOCK | O_DIRECT);
	SHOW(fcntl(ends[0], F_GETFL));
	SHOW(fcntl(ends[1], F_GETFL));
	SHOW(write(ends[1], "one", 3));
	SHOW(write(ends[1], "second", 6));
	SHOW(write(ends[1], block, PAGE + 10));
	SHOW(pending());
	SHOW(read(ends[0], bytes, 10));
	SHOW(read(ends[0], bytes, 2));
	SHOW(read(ends[0], other, sizeof(other)));
	SHOW(read(ends[0], other, sizeof(other)));
	SHOW(read(ends[0], other, sizeof(other)));
	SHOW(fcntl(ends[1], F_SETFL, O_NONBLOCK));
	SHOW(write(ends[1], "one", 3));
	SHOW(write(ends[1], "two", 3));
	SHOW(read(ends[0], bytes, 10));
	drop();
}

static void flags(void)
{
	int on = 1, off = 0;

	make(0);
	SHOW(fcntl(ends[0], F_SETFL, O_NONBLOCK));
	SHOW(fcntl(ends[0], F_GETFL));
	SHOW(read(ends[0], other, 1));
	SHOW(fcntl(ends[0], F_SETFL, O_WRONLY | O_TRUNC));
	SHOW(fcntl(ends[0], F_GETFL));
	SHOW(ioctl(ends[0], FIONBIO, &on));
	SHOW(fcntl(ends[0], F_GETFL));
	SHOW(read(ends[0], other, 1));
	SHOW(ioctl(ends[0], FIONBIO, &off));
	SHOW(fcntl(ends[0], F_GETFL));
	SHOW(ioctl(ends[0], FIONBIO, NULL));
	SHOW(fcntl(-1, F_SETFL, 0));
	drop();
}

/* A child fills the pipe several times over while the parent reads; nothing is lost or mixed up. */
static void through_a_process(size_t write_size, size_t read_size)
{
	enum { TOTAL = 1 << 20 };
	long got = 0, done, wrong = 0;

	make(0);
	pid_t pid = fork();
	if (pid == 0) {
		for (long at = 0; at < TOTAL; at += done) {
			for (size_t i = 0; i < write_size; i++)
				block[i] = (char)((at + i) % 251);
			long left = TOTAL - at;
			done = write(ends[1], block,
				     left < (long)write_size ? left : (long)write_size);
			if (done <= 0)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	while ((done = read(ends[0], other, read_size)) > 0)
		for (long i = 0; i < done; i++, got++)
			wrong += other[i] != (char)(got % 251);
	int status;
	waitpid(pid, &status, 0);
	say("writes of %zu, reads of %zu: %ld bytes, %ld wrong, end %ld", write_size, read_size,
	    got, wrong, done);
	show_status("writer", status);
	close(ends[0]);
}

/* A reader that waits sees the end when the last writer goes, wherever it is. */
static void end_while_waiting(void)
{
	int status;

	make(0);
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], other, 1) == 0 ? 5 : 6);
	}
	close(ends[0]);
	close(ends[1]);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("reader", status);
}

static int block_on_full(void *unused)
{
	(void)unused;
	close(ends[0]);
	write(ends[1], block, sizeof(block));
	return 1;
}

/* The same for a writer: SIGPIPE in the middle of a write. */
static void reader_goes(void)
{
	int status;

	make(0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(block_on_full(NULL));
	SHOW(read(ends[0], other, 10));
	close(ends[1]);
	close(ends[0]);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("writer", status);
}

int main(void)
{
	creation();
	capacity();
	resizing();
	limit();
	atomicity();
	vectors();
	faults();
	last_ends();
	packets();
	flags();
	through_a_process(1000, 4096);
	through_a_process(65536 + 7, 333);
	through_a_process(4096, 131072);
	end_while_waiting();
	reader_goes();
	return 0;
}
