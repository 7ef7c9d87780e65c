#include "trace/ingest/target.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static struct error *cannot(const char *path, const char *what)
{
	return error_new(ERROR_FATAL, "%s: cannot be %s: %s; nothing was written", path, what,
			 strerror(errno));
}

/* Removes the files in it; what SQLite left there has no directories. */
static void empty(int dir_fd)
{
	int fd = dup(dir_fd);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	rewinddir(dir);
	while ((entry = readdir(dir)))
		unlinkat(dir_fd, entry->d_name, 0);
	closedir(dir);
}

/* Whether the directory that `fd` has open is still the one of that name: the run that held the lock before may have
 * removed it. */
static bool is_named(int fd, const char *path)
{
	struct stat by_fd, by_name;

	return fstat(fd, &by_fd) == 0 && stat(path, &by_name) == 0 &&
	       by_fd.st_ino == by_name.st_ino && by_fd.st_dev == by_name.st_dev;
}

static struct error *lock_dir(struct target *target)
{
	do {
		if (target->dir_fd >= 0)
			close(target->dir_fd);
		target->dir_fd = -1;
		if (mkdir(target->tmp_dir, 0777) != 0 && errno != EEXIST)
			return cannot(target->tmp_dir, "made");
		target->dir_fd = open(target->tmp_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		/* An earlier version left a file of that name. */
		if (target->dir_fd < 0 && errno == ENOTDIR && unlink(target->tmp_dir) == 0)
			continue;
		if (target->dir_fd < 0)
			return cannot(target->tmp_dir, "opened");
		if (flock(target->dir_fd, LOCK_EX | LOCK_NB) != 0) {
			close(target->dir_fd);
			target->dir_fd = -1;
			return error_new(ERROR_FATAL,
					 "%s: is being written by another run: wait for its end",
					 target->path);
		}
	} while (target->dir_fd < 0 || !is_named(target->dir_fd, target->tmp_dir));
	return NULL;
}

struct error *target_open(struct target *target, const char *path)
{
	struct error *error;

	*target = (struct target){.dir_fd = -1};
	target->path = strdup(path);
	if (!target->path || asprintf(&target->tmp_dir, "%s.tmp", path) < 0 ||
	    asprintf(&target->tmp_path, "%s.tmp/db", path) < 0)
		return error_new(ERROR_FATAL, "out of memory");
	error = lock_dir(target);
	if (!error)
		empty(target->dir_fd);
	return error;
}

static int sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	int status = fd >= 0 ? fsync(fd) : -1;

	if (fd >= 0)
		close(fd);
	return status;
}

struct error *target_commit(struct target *target)
{
	char *copy = strdup(target->path);
	struct error *error = NULL;

	if (!copy)
		return error_new(ERROR_FATAL, "out of memory");
	if (sync_path(target->tmp_path, O_RDONLY) != 0)
		error = cannot(target->tmp_path, "made to last");
	else if (rename(target->tmp_path, target->path) != 0)
		error = cannot(target->tmp_path, "renamed");
	else if (sync_path(dirname(copy), O_RDONLY | O_DIRECTORY) != 0)
		error = error_new(ERROR_FATAL,
				  "%s: is written, but may not survive a power cut: %s",
				  target->path, strerror(errno));
	free(copy);
	return error;
}

void target_close(struct target *target)
{
	if (target->tmp_dir && target->dir_fd >= 0) {
		empty(target->dir_fd);
		rmdir(target->tmp_dir);
		close(target->dir_fd);
	}
	free(target->path);
	free(target->tmp_dir);
	free(target->tmp_path);
	*target = (struct target){.dir_fd = -1};
}
