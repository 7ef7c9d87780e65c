/* /proc of a process, as far as it is the same everywhere: forms, names, and what must be true of
 * numbers. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static char text[1 << 18];

static int read_all(const char *name)
{
	int fd = open(name, O_RDONLY);
	size_t used = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, text + used, sizeof(text) - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
	close(fd);
	return n < 0 ? -1 : (int)used;
}

static int nr_words(void)
{
	int words = 0;

	for (char *p = strtok(text, " \n"); p; p = strtok(NULL, " \n"))
		words++;
	return words;
}

/* The number behind "Name:". */
static long value_of(const char *name)
{
	const char *at = text;
	size_t length = strlen(name);

	while (at && strncmp(at, name, length) != 0) {
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return at ? strtol(at + length, NULL, 10) : -1;
}

static void about_itself(void)
{
	char link[64] = "", comm[17] = "";

	SHOW(read_all("/proc/self/stat") > 0);
	SHOW(nr_words());
	SHOW(read_all("/proc/self/statm") > 0);
	SHOW(nr_words());
	SHOW(read_all("/proc/self/comm"));
	say("comm %.*s", (int)strcspn(text, "\n"), text);
	SHOW(prctl(PR_SET_NAME, "renamed"));
	SHOW(read_all("/proc/self/comm"));
	int fd = open("/proc/self/comm", O_WRONLY | O_TRUNC);
	SHOW(write(fd, "again\n", 6));
	close(fd);
	SHOW(prctl(PR_GET_NAME, comm));
	say("name %.5s, %d more", comm, (int)strlen(comm) - 5);
	SHOW(readlink("/proc/self", link, sizeof(link)) > 0);
	SHOW(atoi(link) == getpid());
	SHOW(read_all("/proc/self/status") > 0);
	SHOW(value_of("Pid:") == getpid());
	SHOW(value_of("PPid:") == getppid());
	SHOW(value_of("Threads:"));
	SHOW(value_of("VmRSS:") > 0);
	SHOW(value_of("VmHWM:") >= value_of("VmRSS:"));
	long peak = value_of("VmPeak:"), size = value_of("VmSize:");
	SHOW(peak >= size);
	void *memory = mmap(NULL, 64 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW(munmap(memory, 64 << 20));
	SHOW(read_all("/proc/self/status") > 0);
	SHOW(value_of("VmPeak:") >= size + (64 << 10));
	SHOW(value_of("VmSize:") == size);
	SHOW(value_of("VmSwap:"));
	SHOW(value_of("VmRSS:") ==
	     value_of("RssAnon:") + value_of("RssFile:") + value_of("RssShmem:"));
	SHOW(value_of("TracerPid:"));
	SHOW(read_all("/proc/self/oom_score_adj") > 0);
	SHOW(open("/proc/self/none", O_RDONLY));
	SHOW(open("/proc/self/stat", O_WRONLY | O_CREAT | O_EXCL, 0600));
	SHOW(open("/proc/999999999", O_RDONLY));
	SHOW(mkdir("/proc/x", 0700));
	SHOW(unlink("/proc/self/stat"));
	SHOW(access("/proc/self/task", X_OK));
}

static void about_memory(void)
{
	uint64_t entry = 0, count = 0;
	char *memory =
		mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/proc/self/pagemap", O_RDONLY), counts = open("/proc/kpagecount", O_RDONLY);
	char line[128];

	memory[4096] = 1;
	SHOW(pread(fd, &entry, 8, (off_t)((uintptr_t)memory / 4096 * 8)));
	SHOW(entry >> 63);
	SHOW(pread(fd, &entry, 8, (off_t)((uintptr_t)memory / 4096 * 8 + 8)));
	SHOW(entry >> 63);
	SHOW(entry >> 61 & 3);
	SHOW(pread(fd, &entry, 7, 0));
	SHOW(pread(fd, &entry, 8, 4));
	/* Frames are told only to who has the right. */
	if (entry & ((1ull << 55) - 1) && counts >= 0) {
		if (pread(counts, &count, 8, (off_t)(entry & ((1ull << 55) - 1)) * 8) == 8 &&
		    count != 1)
			say("a private page is mapped %lu times", (unsigned long)count);
	}
	SHOW(read_all("/proc/self/maps") > 0);
	snprintf(line, sizeof(line), "%lx-", (unsigned long)(uintptr_t)memory);
	SHOW(strstr(text, "[stack]") != NULL);
	SHOW(strstr(text, "[vdso]") != NULL);
	SHOW(mprotect(memory, 4096, PROT_READ));
	SHOW(mprotect(memory + 8192, 4096, PROT_NONE));
	SHOW(read_all("/proc/self/maps") > 0);
	snprintf(line, sizeof(line), "%08lx-%08lx r--p 00000000 00:00 0 \n",
		 (unsigned long)(uintptr_t)memory, (unsigned long)(uintptr_t)memory + 4096);
	SHOW(strstr(text, line) != NULL);
	SHOW(read_all("/proc/self/smaps") > 0);
	char *part = strstr(text, line);
	SHOW(part && strstr(part, "Size:                  4 kB") != NULL);
	SHOW(part && strstr(part, "VmFlags: rd ") != NULL);
}

/* A mapped file is told by its path, also when it has none any more. */
static void about_files(void)
{
	char name[] = "/dev/shm/procfs-XXXXXX", deleted[64];
	int fd = mkstemp(name);

	SHOW(ftruncate(fd, 8192));
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	memory[4096] = 1;
	SHOW(read_all("/proc/self/maps") > 0);
	SHOW(strstr(text, name) != NULL);
	SHOW(unlink(name));
	close(fd);
	snprintf(deleted, sizeof(deleted), "%s (deleted)", name);
	SHOW(read_all("/proc/self/maps") > 0);
	SHOW(strstr(text, deleted) != NULL);
}

/* A pipe that is opened again has ends already: nobody waits for another one. */
static void about_pipes(void)
{
	int ends[2];

	SHOW(pipe(ends));
	SHOW(dup2(ends[0], 20));
	SHOW(write(ends[1], "left", 4));
	SHOW(close(ends[1]));
	int reader = open("/proc/self/fd/20", O_RDONLY);
	SHOW(read(reader, text, 16));
	SHOW(read(reader, text, 16));
	SHOW(open("/proc/self/fd/99", O_RDONLY));
	SHOW(readlink("/proc/self/fd/20", text, 6));
	SHOW(memcmp(text, "pipe:[", 6));
}

/* A directory of a process that ends while somebody stands in it. */
static void about_the_dead(void)
{
	char name[64];
	int status, ends[2];

	SHOW(pipe(ends));
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], name, 1) == 0 ? 3 : 4);
	}
	snprintf(name, sizeof(name), "/proc/%d", pid);
	int dir = open(name, O_RDONLY | O_DIRECTORY), file = openat(dir, "stat", O_RDONLY);
	int maps = openat(dir, "maps", O_RDONLY);
	SHOW(pread(file, text, 100, 0) > 10);
	close(ends[0]);
	close(ends[1]);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("child", status);
	SHOW(pread(file, text, 100, 0));
	SHOW(pread(maps, text, 100, 0) <= 0);
	SHOW(openat(dir, "status", O_RDONLY));
	SHOW(open(name, O_RDONLY));
}

static int is_told(pid_t pid)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/%d/wchan", pid);
	int fd = open(name, O_RDONLY), told = read(fd, text, 100) > 0 && text[0] != '0';

	close(fd);
	return told;
}

/* Where a task sleeps is a name, of whatever function of the kernel. */
static void about_sleepers(void)
{
	int ends[2], status;

	SHOW(is_told(getpid()));
	SHOW(pipe(ends));
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[1]);
		_exit(read(ends[0], text, 1) == 0 ? 3 : 4);
	}
	while (!is_told(pid))
		sched_yield();
	close(ends[0]);
	close(ends[1]);
	SHOW(waitpid(pid, &status, 0) == pid);
	show_status("sleeper", status);
}

int main(void)
{
	about_itself();
	about_memory();
	about_files();
	about_pipes();
	about_the_dead();
	about_sleepers();
	return 0;
}
