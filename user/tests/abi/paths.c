/* Names: what makes, moves and removes them, how they are walked, and every errno on the way. On a
 * tmpfs (/dev/shm) of its own directory. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../abi.h"

static char long_name[300], long_path[5000];

/* An open that is closed again. */
static int opens(const char *name, int flags)
{
	int fd = open(name, flags, 0644);

	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int type_of(const char *name)
{
	struct stat stat;

	return lstat(name, &stat) == 0 ? (int)((stat.st_mode & S_IFMT) >> 12) : -1;
}

static int links_of(const char *name)
{
	struct stat stat;

	return lstat(name, &stat) == 0 ? (int)stat.st_nlink : -1;
}

static void creation(void)
{
	SHOW(opens("none", O_RDONLY));
	SHOW(opens("", O_RDONLY));
	SHOW(opens("file", O_CREAT | O_WRONLY));
	SHOW(opens("file", O_CREAT | O_EXCL | O_WRONLY));
	SHOW(opens("file", O_CREAT | O_WRONLY));
	SHOW(opens("file", O_RDONLY | O_DIRECTORY));
	SHOW(opens("file/", O_RDONLY));
	SHOW(opens("file/x", O_RDONLY));
	SHOW(opens("file/..", O_RDONLY));
	SHOW(opens("none/", O_CREAT | O_WRONLY));
	SHOW(opens("none/x", O_CREAT | O_WRONLY));
	SHOW(opens(".", O_CREAT | O_RDONLY));
	SHOW(opens(".", O_WRONLY));
	SHOW(opens(".", O_RDWR));
	SHOW(opens(".", O_RDONLY | O_TRUNC));
	SHOW(opens(".", O_RDONLY));
	SHOW(opens("..", O_CREAT | O_RDONLY));
	SHOW(opens("/", O_CREAT | O_RDONLY));
	SHOW(opens(long_name, O_CREAT | O_WRONLY));
	SHOW(opens(long_path, O_RDONLY));
	SHOW(opens("tmp", O_TMPFILE | O_WRONLY));
	SHOW(opens(".", O_TMPFILE | O_RDONLY));
	SHOW(opens(".", O_TMPFILE | O_WRONLY));
	SHOW(opens(".", O_PATH));
	SHOW(opens("file", O_PATH | O_DIRECTORY));
	SHOW(openat(99, "file", O_RDONLY));
	SHOW(openat(99, "/", O_PATH) > 2);
}

static void directories(void)
{
	SHOW(mkdir("dir", 0755));
	SHOW(mkdir("dir", 0755));
	SHOW(mkdir("dir/", 0755));
	SHOW(mkdir("file", 0755));
	SHOW(mkdir("file/x", 0755));
	SHOW(mkdir("none/x", 0755));
	SHOW(mkdir("slash/", 0755));
	SHOW(mkdir(".", 0755));
	SHOW(mkdir("/", 0755));
	SHOW(mkdir("", 0755));
	SHOW(mkdir(long_name, 0755));
	SHOW(links_of("dir"));
	SHOW(mkdir("dir/sub", 0755));
	SHOW(links_of("dir"));
	SHOW(rmdir("dir"));
	SHOW(rmdir("dir/."));
	SHOW(rmdir("dir/sub/.."));
	SHOW(rmdir("file"));
	SHOW(rmdir("none"));
	SHOW(rmdir("/"));
	SHOW(unlink("dir"));
	SHOW(unlink("file/"));
	SHOW(unlink("none"));
	SHOW(unlink("."));
	SHOW(unlinkat(AT_FDCWD, "slash", 0x4000));
	SHOW(unlinkat(AT_FDCWD, "slash", AT_REMOVEDIR));
	SHOW(mknod("fifo", S_IFIFO | 0600, 0));
	SHOW(type_of("fifo"));
	SHOW(mknod("dir", S_IFREG | 0600, 0));
	SHOW(mknod("adir", S_IFDIR | 0700, 0));
	SHOW(mknod("strange", 0130000, 0));
	SHOW(mknod("plain", 0600, 0));
	SHOW(type_of("plain"));
	SHOW(mknod("none/x", S_IFREG, 0));
}

static void links(void)
{
	char text[64];

	SHOW(symlink("file", "link"));
	SHOW(symlink("file", "link"));
	SHOW(symlink("", "empty"));
	SHOW(symlink("none", "dangling"));
	SHOW(symlink("loop", "loop"));
	SHOW(symlink("dir", "to_dir"));
	SHOW(symlink("x", "none/x"));
	SHOW(symlink("x", "y/"));
	SHOW(readlink("link", text, sizeof(text)));
	SHOW(readlink("link", text, 2));
	SHOW(readlink("link", text, 0));
	SHOW(readlink("file", text, sizeof(text)));
	SHOW(readlink("none", text, sizeof(text)));
	SHOW(readlink("loop/x", text, sizeof(text)));
	SHOW(opens("link", O_RDONLY | O_NOFOLLOW));
	SHOW(opens("link", O_PATH | O_NOFOLLOW));
	SHOW(opens("link/", O_RDONLY));
	SHOW(opens("loop", O_RDONLY));
	SHOW(opens("loop/x", O_RDONLY));
	SHOW(opens("dangling", O_RDONLY));
	SHOW(opens("dangling", O_CREAT | O_EXCL | O_WRONLY));
	SHOW(opens("dangling", O_CREAT | O_WRONLY));
	SHOW(type_of("none"));
	SHOW(unlink("none"));
	SHOW(opens("to_dir/new", O_CREAT | O_WRONLY));
	SHOW(unlink("dir/new"));
	SHOW(mkdir("dangling", 0755));
	SHOW(rmdir("to_dir"));
	SHOW(rmdir("to_dir/"));
	SHOW(unlink("to_dir/"));
	SHOW(type_of("to_dir"));
	SHOW(type_of("to_dir/"));
	SHOW(opens("to_dir", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
	SHOW(access("dangling", F_OK));
	SHOW(faccessat(AT_FDCWD, "link", 0100, 0));
	SHOW(link("file", "hard"));
	SHOW(links_of("file"));
	SHOW(link("file", "hard"));
	SHOW(link("dir", "hard_dir"));
	SHOW(link("none", "x"));
	SHOW(link("link", "hard_link"));
	SHOW(type_of("hard_link"));
	SHOW(linkat(AT_FDCWD, "link", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
	SHOW(type_of("followed"));
	SHOW(links_of("file"));
	SHOW(linkat(AT_FDCWD, "file", AT_FDCWD, "x", 1));
	SHOW(link("file", "none/x"));
	SHOW(link("file", "/proc/x"));
	SHOW(unlink("followed"));
	SHOW(unlink("hard"));
	SHOW(links_of("file"));
}

/* A chain of links, each to the next: 40 may be followed. */
static void chain(void)
{
	char from[16], to[16];

	for (int i = 0; i < 42; i++) {
		snprintf(from, sizeof(from), "c%d", i);
		snprintf(to, sizeof(to), i == 0 ? "file" : "c%d", i - 1);
		if (symlink(to, from) != 0)
			say("chain: %s", errno_name(errno));
	}
	SHOW(opens("c39", O_RDONLY));
	SHOW(opens("c40", O_RDONLY));
	for (int i = 0; i < 42; i++) {
		snprintf(from, sizeof(from), "c%d", i);
		unlink(from);
	}
}

static void renames(void)
{
	SHOW(rename("none", "x"));
	SHOW(rename("file", "moved"));
	SHOW(type_of("file"));
	SHOW(rename("moved", "file"));
	SHOW(rename("file", "file"));
	SHOW(rename("file", "dir"));
	SHOW(rename("dir", "file"));
	SHOW(rename("dir", "dir/sub/x"));
	SHOW(rename("dir/sub", "dir"));
	SHOW(rename("file", "none/x"));
	SHOW(rename("file/", "x"));
	SHOW(rename("file", "x/"));
	SHOW(rename("dir/.", "x"));
	SHOW(rename("dir", "."));
	SHOW(rename("", "x"));
	SHOW(rename("file", long_name));
	SHOW(mkdir("other", 0755));
	SHOW(rename("dir/sub", "other/sub"));
	SHOW(links_of("dir"));
	SHOW(links_of("other"));
	SHOW(rename("other", "dir"));
	SHOW(links_of("dir"));
	SHOW(type_of("other"));
	SHOW(mkdir("other", 0755));
	SHOW(rename("other", "dir"));
	SHOW(rename("link", "file"));
	SHOW(type_of("file"));
	SHOW(unlink("file"));
	SHOW(opens("file", O_CREAT | O_WRONLY));
	SHOW(link("file", "same"));
	SHOW(rename("file", "same"));
	SHOW(links_of("same"));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "same", 1));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "fresh", 1));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "fresh", AT_FDCWD, "dir", 2));
	SHOW(type_of("fresh"));
	SHOW(type_of("dir"));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "fresh", AT_FDCWD, "dir", 2));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "fresh", AT_FDCWD, "none", 2));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "fresh", AT_FDCWD, "dir", 3));
	SHOW(syscall(SYS_renameat2, AT_FDCWD, "fresh", AT_FDCWD, "dir", 64));
	SHOW(rename("fresh", "/proc/x"));
}

/* Directories that are somebody's, and gone. */
static void working_directory(const char *home)
{
	char text[256];
	int fd = open(".", O_RDONLY | O_DIRECTORY);

	SHOW(chdir("none"));
	SHOW(chdir("fresh"));
	SHOW(chdir("dir/sub"));
	SHOW((long)syscall(SYS_getcwd, text, 1));
	SHOW((long)syscall(SYS_getcwd, text, sizeof(text)) - (long)strlen(home));
	SHOW(rmdir("../sub"));
	SHOW((long)syscall(SYS_getcwd, text, sizeof(text)));
	SHOW(opens("x", O_CREAT | O_WRONLY));
	SHOW(mkdir("x", 0755));
	SHOW(opens(".", O_RDONLY));
	SHOW(opens("..", O_RDONLY));
	SHOW(fchdir(99));
	SHOW(fchdir(fd));
	SHOW(type_of("fresh"));
	SHOW(close(fd));
}

/* What a directory lists, newest first. */
static void listing(void)
{
	struct dirent *entry;
	char names[200] = "";

	SHOW(mkdir("list", 0755));
	SHOW(opens("list/one", O_CREAT | O_WRONLY));
	SHOW(mkdir("list/two", 0755));
	SHOW(symlink("x", "list/three"));
	DIR *dir = opendir("list");
	while (dir && (entry = readdir(dir))) {
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, " %.20s:%d", entry->d_name,
			 entry->d_type);
	}
	say("list:%s", names);
	char buffer[64];
	SHOW(lseek(dirfd(dir), 0, SEEK_SET));
	SHOW(syscall(SYS_getdents64, dirfd(dir), buffer, 10));
	SHOW(syscall(SYS_getdents64, dirfd(dir), buffer, 24));
	SHOW(syscall(SYS_getdents64, dirfd(dir), NULL, 64));
	SHOW(lseek(dirfd(dir), -1, SEEK_SET));
	SHOW(read(dirfd(dir), buffer, 8));
	closedir(dir);
	int fd = open("file", O_RDONLY);
	SHOW(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)));
	SHOW(syscall(SYS_getdents64, 99, buffer, sizeof(buffer)));
	close(fd);
}

/* Descriptors that only name a place; files that lost or never had a name. */
static void nameless(void)
{
	struct stat stat;
	char byte = 'x', path[64];
	int fd = open("list", O_PATH);

	SHOW(read(fd, &byte, 1));
	SHOW(fchmod(fd, 0700));
	SHOW(ftruncate(fd, 0));
	SHOW(fstat(fd, &stat));
	SHOW(fcntl(fd, F_GETFL) & ~0100000);
	SHOW(fcntl(fd, F_SETFL, 0));
	SHOW(openat(fd, "one", O_RDONLY) > 0);
	SHOW(close(fd));
	fd = open("gone", O_CREAT | O_RDWR, 0644);
	SHOW(unlink("gone"));
	SHOW(fstat(fd, &stat));
	SHOW(stat.st_nlink);
	SHOW(write(fd, &byte, 1));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
	SHOW(opens(path, O_RDONLY));
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0644);
	SHOW(fstat(fd, &stat));
	SHOW(stat.st_nlink);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "back", AT_SYMLINK_FOLLOW));
	SHOW(links_of("back"));
	close(fd);
	fd = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0644);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "back2", AT_SYMLINK_FOLLOW));
	close(fd);
}

int main(void)
{
	char home[] = "/dev/shm/paths-XXXXXX";

	memset(long_name, 'n', sizeof(long_name) - 1);
	memset(long_path, 'p', sizeof(long_path) - 1);
	for (size_t i = 100; i < sizeof(long_path); i += 100)
		long_path[i] = '/';
	if (!mkdtemp(home) || chdir(home) != 0) {
		say("no directory: %s", errno_name(errno));
		return 1;
	}
	umask(022);
	creation();
	directories();
	links();
	chain();
	renames();
	working_directory(home);
	listing();
	nameless();
	return 0;
}
