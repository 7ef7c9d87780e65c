/*
 * A disk that fails at a chosen moment, for any program: preloaded, it counts the calls that change what is on the disk.
 *
 *   FAULTY_DISK=count:N  the N-th call and all after it go through (N is ignored); their number is written to
 *                        $FAULTY_DISK_COUNT when the program exits
 *   FAULTY_DISK=kill:N   the program is killed in front of the N-th call
 *   FAULTY_DISK=full:N   from the N-th call on, writing fails with ENOSPC
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
	bool known, kills, fills;
	unsigned long at, calls;
} fault;

static void read_fault(void)
{
	const char *what = getenv("FAULTY_DISK");

	fault.known = true;
	if (!what || !strchr(what, ':'))
		return;
	fault.kills = strncmp(what, "kill", 4) == 0;
	fault.fills = strncmp(what, "full", 4) == 0;
	fault.at = strtoul(strchr(what, ':') + 1, NULL, 10);
}

/* One more call; true: there is no space for it. */
static bool comes_to_grief(void)
{
	if (!fault.known)
		read_fault();
	fault.calls++;
	if (fault.kills && fault.calls == fault.at)
		kill(getpid(), SIGKILL);
	return fault.fills && fault.calls >= fault.at;
}

__attribute__((destructor)) static void tell(void)
{
	const char *path = getenv("FAULTY_DISK_COUNT");
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!file)
		return;
	fprintf(file, "%lu\n", fault.calls);
	fclose(file);
}

static void *next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

/* ISO C has no cast from an object pointer to a function pointer; a union does it. */
#define CALL_NEXT(type, name, ...)                \
	({                                        \
		union {                           \
			void *object;             \
			type call;                \
		} next_ = {.object = next(name)}; \
		next_.call(__VA_ARGS__);          \
	})

typedef ssize_t pwrite_call(int, const void *, size_t, off_t);
typedef int path_call(const char *);
typedef int two_paths_call(const char *, const char *);
typedef int fd_call(int);

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	if (comes_to_grief()) {
		errno = ENOSPC;
		return -1;
	}
	return CALL_NEXT(pwrite_call *, "pwrite", fd, bytes, size, offset);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset);
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset)
{
	return pwrite(fd, bytes, size, offset);
}

int fsync(int fd)
{
	if (comes_to_grief()) {
		errno = ENOSPC;
		return -1;
	}
	return CALL_NEXT(fd_call *, "fsync", fd);
}

int rename(const char *from, const char *to)
{
	if (comes_to_grief()) {
		errno = ENOSPC;
		return -1;
	}
	return CALL_NEXT(two_paths_call *, "rename", from, to);
}

/* Removing needs no space. */
int rmdir(const char *path)
{
	comes_to_grief();
	return CALL_NEXT(path_call *, "rmdir", path);
}

int unlink(const char *path)
{
	comes_to_grief();
	return CALL_NEXT(path_call *, "unlink", path);
}
