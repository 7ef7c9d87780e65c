/* Content and attributes of files: positions, holes, sizes, times, rights, locks. On a tmpfs
 * (/dev/shm). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../abi.h"

static char buffer[65536];
static int fd;

static long size_of(void)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 ? (long)stat.st_size : -1;
}

static long blocks_of(void)
{
	struct stat stat;

	return fstat(fd, &stat) == 0 ? (long)stat.st_blocks : -1;
}

static void positions(void)
{
	SHOW(write(fd, "0123456789", 10));
	SHOW(pread(fd, buffer, 4, 8));
	SHOW(pread(fd, buffer, 4, 10));
	SHOW(pread(fd, buffer, 4, -1));
	SHOW(pwrite(fd, "ab", 2, 20));
	SHOW(size_of());
	SHOW(pread(fd, buffer, 16, 8));
	SHOW(buffer[1] == '9' && buffer[2] == 0 && buffer[12] == 'a');
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(lseek(fd, -5, SEEK_END));
	SHOW(lseek(fd, -100, SEEK_CUR));
	SHOW(lseek(fd, 100, SEEK_SET));
	SHOW(read(fd, buffer, 10));
	SHOW(lseek(fd, 0x7fffffffffffffff, SEEK_SET) == 0x7fffffffffffffff);
	SHOW(write(fd, "x", 1));
	SHOW(lseek(fd, 1, SEEK_CUR));
	SHOW(lseek(fd, 0, 5));
	struct iovec parts[3] = {{buffer, 3}, {NULL, 0}, {buffer + 3, 4}};
	SHOW(preadv(fd, parts, 3, 0));
	SHOW(memcmp(buffer, "0123456", 7));
	SHOW(pwritev(fd, parts, 3, 5));
	SHOW(preadv(fd, parts, 3, -1));
	SHOW(preadv(fd, parts, 2000, 0));
	SHOW(read(fd, NULL, 1 << 20));
	SHOW(write(fd, NULL, 0));
}

static void holes(void)
{
	SHOW(ftruncate(fd, 0));
	SHOW(blocks_of());
	SHOW(pwrite(fd, "x", 1, 40960));
	SHOW(blocks_of());
	SHOW(size_of());
	SHOW(lseek(fd, 0, SEEK_DATA));
	SHOW(lseek(fd, 0, SEEK_HOLE));
	SHOW(lseek(fd, 40960, SEEK_HOLE));
	SHOW(lseek(fd, 40961, SEEK_DATA));
	SHOW(lseek(fd, -1, SEEK_DATA));
	SHOW(fallocate(fd, 0, 0, 8192));
	SHOW(blocks_of());
	SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 40960, 8192));
	SHOW(size_of());
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	SHOW(blocks_of());
	SHOW(fallocate(fd, 8, 0, 4096));
	SHOW(fallocate(fd, 0, -1, 10));
	SHOW(fallocate(fd, 0, 0, 0));
	SHOW(fallocate(99, 0, 0, 1));
	SHOW(ftruncate(fd, 5000));
	SHOW(size_of());
	SHOW(ftruncate(fd, -1));
	SHOW(ftruncate(99, 1));
	SHOW(truncate("file", 10000));
	SHOW(size_of());
	SHOW(truncate("none", 1));
	SHOW(truncate(".", 1));
	SHOW(truncate("file", -1));
	int reader = open("file", O_RDONLY);
	SHOW(ftruncate(reader, 1));
	SHOW(write(reader, "x", 1));
	SHOW(fallocate(reader, 0, 0, 10));
	close(reader);
}

static void appending(void)
{
	int other = open("file", O_WRONLY | O_APPEND);

	SHOW(ftruncate(fd, 3));
	SHOW(write(other, "abc", 3));
	SHOW(lseek(other, 0, SEEK_SET));
	SHOW(write(other, "def", 3));
	SHOW(lseek(other, 0, SEEK_CUR));
	SHOW(pwrite(other, "gh", 2, 0));
	SHOW(size_of());
	SHOW(read(other, buffer, 1));
	SHOW(fcntl(other, F_SETFL, O_RDWR));
	SHOW(fcntl(other, F_GETFL) & ~0100000);
	SHOW(fcntl(other, 99, 0));
	close(other);
	other = open("file", O_RDWR | O_TRUNC);
	SHOW(size_of());
	close(other);
}

static void between_files(void)
{
	off_t offset = 2;
	loff_t from = 0, to = 5;
	int other = open("other", O_CREAT | O_RDWR, 0644), ends[2];

	SHOW(pwrite(fd, "0123456789", 10, 0));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(sendfile(other, fd, &offset, 4));
	SHOW(offset);
	SHOW(lseek(other, 0, SEEK_CUR));
	SHOW(sendfile(other, fd, NULL, 100));
	SHOW(lseek(fd, 0, SEEK_CUR));
	SHOW(sendfile(99, fd, NULL, 1));
	SHOW(pipe(ends));
	offset = 0;
	SHOW(sendfile(ends[1], fd, &offset, 10));
	SHOW(read(ends[0], buffer, 100));
	SHOW(memcmp(buffer, "0123456789", 10));
	SHOW(copy_file_range(fd, &from, other, &to, 4, 0));
	SHOW(from);
	SHOW(to);
	SHOW(copy_file_range(fd, &from, fd, &to, 4, 0));
	SHOW(copy_file_range(fd, &from, other, &to, 4, 1));
	SHOW(copy_file_range(fd, &from, ends[1], NULL, 4, 0));
	SHOW(lseek(ends[0], 0, SEEK_SET));
	SHOW(pread(ends[0], buffer, 1, 0));
	SHOW(fsync(fd));
	SHOW(fdatasync(fd));
	SHOW(fsync(ends[0]));
	SHOW(fsync(99));
	SHOW(syscall(SYS_syncfs, fd));
	close(ends[0]);
	close(ends[1]);
	close(other);
}

static void rights(void)
{
	struct stat stat;

	SHOW(chmod("file", 04755));
	SHOW(fstat(fd, &stat));
	SHOW(stat.st_mode);
	SHOW(chown("file", 1, 2));
	SHOW(fstat(fd, &stat));
	SHOW(stat.st_mode);
	SHOW(stat.st_uid * 10 + stat.st_gid);
	SHOW(fchown(fd, -1, 0));
	SHOW(fstat(fd, &stat));
	SHOW(stat.st_uid * 10 + stat.st_gid);
	SHOW(chmod("file", 0));
	SHOW(access("file", R_OK | W_OK));
	SHOW(access("file", X_OK));
	SHOW(chmod("none", 0));
	SHOW(fchmod(99, 0));
	SHOW(symlink("file", "link"));
	SHOW(lchown("link", 5, 6));
	SHOW(lstat("link", &stat));
	SHOW(stat.st_uid * 10 + stat.st_gid);
	SHOW(stat.st_size);
	SHOW(stat.st_mode);
	SHOW(umask(0077));
	SHOW(close(open("masked", O_CREAT | O_WRONLY, 0666)));
	SHOW(lstat("masked", &stat));
	SHOW(stat.st_mode);
	SHOW(umask(022));
	SHOW(mkdir("gid", 02755));
	SHOW(chmod("gid", 02777));
	SHOW(chown("gid", 0, 7));
	SHOW(close(open("gid/file", O_CREAT | O_WRONLY, 0666)));
	SHOW(lstat("gid/file", &stat));
	SHOW(stat.st_gid);
	SHOW(mkdir("gid/dir", 0755));
	SHOW(lstat("gid/dir", &stat));
	SHOW(stat.st_mode);
	SHOW(lstat("gid", &stat));
	SHOW(stat.st_size);
}

/* What a user without rights may do. */
static int as_user(void *context)
{
	(void)context;
	SHOW(setgid(100));
	SHOW(setuid(100));
	SHOW(open("file", O_RDONLY));
	SHOW(chmod("masked", 0777));
	SHOW(unlink("masked"));
	SHOW(unlink("sticky/file"));
	SHOW(rename("sticky/file", "sticky/x"));
	SHOW(close(open("sticky/mine", O_CREAT | O_WRONLY, 0600)));
	SHOW(chown("sticky/mine", 101, -1));
	SHOW(chown("sticky/mine", -1, 101));
	SHOW(chown("sticky/mine", -1, 100));
	SHOW(chmod("sticky/mine", 02755));
	SHOW(access("closed/file", F_OK));
	SHOW(chdir("closed"));
	SHOW(open("closed/file", O_RDONLY));
	SHOW(mkdir("new", 0755));
	SHOW(utimensat(AT_FDCWD, "masked", NULL, 0));
	SHOW(utimensat(AT_FDCWD, "sticky/mine", NULL, 0));
	SHOW(truncate("masked", 0));
	SHOW(mknod("sticky/dev", S_IFCHR | 0600, 0));
	SHOW(mknod("sticky/null", S_IFCHR | 0600, 0x103));
	SHOW(chroot("."));
	SHOW(unlink("sticky/mine"));
	return 0;
}

static void users(void)
{
	SHOW(mkdir("sticky", 01777));
	SHOW(chmod("sticky", 01777));
	SHOW(close(open("sticky/file", O_CREAT | O_WRONLY, 0666)));
	SHOW(mkdir("closed", 0700));
	SHOW(close(open("closed/file", O_CREAT | O_WRONLY, 0666)));
	SHOW(chmod(".", 0755));
	show_child("as a user", as_user, NULL);
}

static void times(void)
{
	struct timespec set[2] = {{0, 5}, {0, 7}}, before, after;
	struct stat stat;

	SHOW(utimensat(AT_FDCWD, "file", set, 0));
	SHOW(fstat(fd, &stat));
	SHOW(stat.st_atim.tv_sec + stat.st_atim.tv_nsec);
	SHOW(stat.st_mtim.tv_sec + stat.st_mtim.tv_nsec);
	set[0].tv_nsec = UTIME_OMIT;
	set[1].tv_nsec = 1000000000;
	SHOW(utimensat(AT_FDCWD, "file", set, 0));
	set[1].tv_nsec = 9;
	SHOW(futimens(fd, set));
	SHOW(fstat(fd, &stat));
	SHOW(stat.st_atim.tv_sec + stat.st_atim.tv_nsec);
	SHOW(stat.st_mtim.tv_sec + stat.st_mtim.tv_nsec);
	SHOW(utimensat(AT_FDCWD, "none", set, 0));
	SHOW(utimensat(AT_FDCWD, "link", set, AT_SYMLINK_NOFOLLOW));
	SHOW(utimensat(AT_FDCWD, "file", set, 0x8000));
	before = stat.st_ctim;
	nanosleep(&(struct timespec){0, 20000000}, NULL);
	SHOW(write(fd, "x", 1));
	SHOW(fstat(fd, &stat));
	after = stat.st_ctim;
	SHOW(after.tv_sec > before.tv_sec || after.tv_nsec > before.tv_nsec);
	SHOW(stat.st_mtim.tv_sec == after.tv_sec && stat.st_mtim.tv_nsec == after.tv_nsec);
	/* relatime: the first read after a write counts, the second does not. */
	SHOW(pread(fd, buffer, 1, 0));
	SHOW(fstat(fd, &stat));
	before = stat.st_atim;
	SHOW(before.tv_sec > 0 || before.tv_nsec > 5);
	nanosleep(&(struct timespec){0, 20000000}, NULL);
	SHOW(pread(fd, buffer, 1, 0));
	SHOW(fstat(fd, &stat));
	SHOW(stat.st_atim.tv_sec == before.tv_sec && stat.st_atim.tv_nsec == before.tv_nsec);
}

static int lock(int type, int start, int length, int command)
{
	struct flock flock = {.l_type = type, .l_start = start, .l_len = length};

	int result = fcntl(fd, command, &flock);
	if (result == 0 && command == F_GETLK)
		say("in the way: type %d, %ld to %ld", flock.l_type, (long)flock.l_start,
		    (long)flock.l_len);
	return result;
}

static int other_process(void *context)
{
	(void)context;
	SHOW(lock(F_RDLCK, 0, 10, F_SETLK));
	SHOW(lock(F_WRLCK, 0, 10, F_GETLK));
	SHOW(lock(F_RDLCK, 20, 10, F_SETLK));
	SHOW(lock(F_WRLCK, 20, 10, F_SETLK));
	SHOW(lock(F_WRLCK, 100, 0, F_SETLK));
	SHOW(lock(F_WRLCK, 11, 0, F_GETLK));
	SHOW(lock(F_WRLCK, 45, 0, F_GETLK));
	SHOW(lock(F_WRLCK, 62, 0, F_GETLK));
	SHOW(lock(F_WRLCK, 64, 0, F_GETLK));
	SHOW(lock(F_RDLCK, 45, 0, F_GETLK));
	int again = open("file", O_RDWR);
	SHOW(flock(again, LOCK_EX | LOCK_NB));
	SHOW(flock(again, LOCK_SH | LOCK_NB));
	SHOW(flock(fd, LOCK_EX | LOCK_NB));
	return 0;
}

static void locks(void)
{
	SHOW(lock(F_WRLCK, 0, 10, F_SETLK));
	SHOW(lock(F_RDLCK, 20, 10, F_SETLK));
	SHOW(lock(F_UNLCK, 3, 2, F_SETLK));
	/* Made in an order that is not theirs, and one with a hole of another type. */
	SHOW(lock(F_WRLCK, 60, 10, F_SETLK));
	SHOW(lock(F_RDLCK, 50, 5, F_SETLK));
	SHOW(lock(F_RDLCK, 62, 2, F_SETLK));
	SHOW(lock(F_WRLCK, -1, 2, F_SETLK));
	SHOW(lock(7, 0, 2, F_SETLK));
	SHOW(lock(F_UNLCK, 0, 0, F_GETLK));
	SHOW(flock(fd, LOCK_EX));
	SHOW(flock(fd, 99));
	SHOW(flock(99, LOCK_SH));
	show_child("another process", other_process, NULL);
	int reader = open("masked", O_RDONLY);
	struct flock write_lock = {.l_type = F_WRLCK};
	SHOW(fcntl(reader, F_SETLK, &write_lock));
	SHOW(close(reader));
	/* Closing any descriptor of a file ends the process' locks of it. */
	SHOW(close(open("file", O_RDONLY)));
	SHOW(flock(fd, LOCK_UN));
	show_child("after a close", other_process, NULL);
}

static void file_system(void)
{
	struct statfs statfs_buffer;
	unsigned char statx[256]; /* mask at 0, mode at 28 */

	SHOW(fstatfs(fd, &statfs_buffer));
	SHOW(statfs_buffer.f_type);
	SHOW(statfs_buffer.f_bsize);
	SHOW(statfs_buffer.f_namelen);
	SHOW(statfs_buffer.f_bavail <= statfs_buffer.f_bfree);
	SHOW(statfs("none", &statfs_buffer));
	SHOW(fstatfs(99, &statfs_buffer));
	SHOW(syscall(SYS_statx, AT_FDCWD, "file", 0, 0xfff, statx));
	SHOW((statx[0] | statx[1] << 8) & 0x7ff);
	SHOW(statx[28] | statx[29] << 8);
	SHOW(syscall(SYS_statx, AT_FDCWD, "", 0, 0xfff, statx));
	SHOW(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0xfff, statx));
	SHOW(syscall(SYS_statx, AT_FDCWD, "file", 0x10, 0xfff, statx));
	SHOW(syscall(SYS_statx, AT_FDCWD, "file", 0x6000, 0xfff, statx));
	SHOW(write(open("/dev/null", O_WRONLY), "x", 1));
	SHOW(read(open("/dev/null", O_RDONLY), buffer, 1));
	SHOW(read(open("/dev/zero", O_RDONLY), buffer, 100));
	SHOW(write(open("/dev/full", O_WRONLY), "x", 1));
	SHOW(lseek(open("/dev/null", O_RDONLY), 100, SEEK_SET));
	SHOW(fsync(open("/dev/null", O_RDONLY)));
}

int main(void)
{
	char home[] = "/dev/shm/contents-XXXXXX";

	if (!mkdtemp(home) || chdir(home) != 0) {
		say("no directory: %s", errno_name(errno));
		return 1;
	}
	umask(022);
	fd = open("file", O_CREAT | O_RDWR, 0644);
	positions();
	holes();
	appending();
	between_files();
	rights();
	times();
	users();
	locks();
	file_system();
	return 0;
}
