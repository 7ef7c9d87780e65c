/*
 * System V shared memory. Segments have keys made of the pid, so that two runs on one machine do not meet,
 * and go at the end whatever happened: a child that is killed leaves its parent to remove them.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define PAGE 4096ul
#define SIZE (4 * PAGE)
/* Some headers lack it. */
#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#ifndef SHM_EXEC
#define SHM_EXEC 0100000
#endif

static int ids[16], nr_ids;

static int make(key_t key, size_t size, int flags)
{
	int id = shmget(key, size, flags);

	if (id >= 0 && nr_ids < (int)(sizeof(ids) / sizeof(ids[0])))
		ids[nr_ids++] = id;
	return id;
}

static void remove_all(void)
{
	while (nr_ids > 0)
		shmctl(ids[--nr_ids], IPC_RMID, NULL);
}

static key_t key_of(int n)
{
	return 0x50000000 + getpid() * 16 + n;
}

static struct shmid_ds stat_of(int id)
{
	struct shmid_ds status;

	memset(&status, 0, sizeof(status));
	if (shmctl(id, IPC_STAT, &status) != 0)
		status.shm_nattch = 999;
	return status;
}

static unsigned long nattch(int id)
{
	return stat_of(id).shm_nattch;
}

static void getting(void)
{
	key_t key = key_of(0);
	int id;

	SHOW(shmget(key, SIZE, 0600));
	SHOW(shmget(key, 0, IPC_CREAT | 0600));
	SHOW(shmget(IPC_PRIVATE, 0, 0600));
	SHOW(shmget(IPC_PRIVATE, (size_t)-1, 0600));
	SHOW(shmget(IPC_PRIVATE, 0x7fffffffffffffff, 0600));
	SHOW_OK(id = make(key, SIZE, IPC_CREAT | 0640));
	SHOW(shmget(key, SIZE, IPC_CREAT | IPC_EXCL | 0600));
	SHOW(shmget(key, SIZE, IPC_CREAT | 0600) == id);
	SHOW(shmget(key, SIZE, IPC_EXCL) == id);
	SHOW(shmget(key, 0, 0) == id);
	SHOW(shmget(key, SIZE + 1, 0));
	SHOW(shmget(key, SIZE + 1, IPC_CREAT));
	SHOW(shmget(key, 1, 0600) == id);
	SHOW(make(IPC_PRIVATE, 1, 0600) != id);
	SHOW(make(IPC_PRIVATE, 1, IPC_CREAT | IPC_EXCL | 0600) != id);
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmget(key, SIZE, 0));
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW_OK(id = make(key, 5000, IPC_CREAT));
	say("size %lu, mode %o", stat_of(id).shm_segsz, stat_of(id).shm_perm.mode);
	remove_all();
}

static void telling(void)
{
	struct shmid_ds status;
	struct shm_info totals;
	struct shminfo limits;
	int id, highest, index = -1;

	SHOW_OK(id = make(key_of(1), SIZE, IPC_CREAT | 0751));
	SHOW(shmctl(id, IPC_STAT, &status));
	say("key %d mode %o uid %d gid %d cuid %d cgid %d size %lu nattch %lu cpid %d lpid %d "
	    "atime %ld dtime %ld",
	    status.shm_perm.__key == key_of(1), status.shm_perm.mode, status.shm_perm.uid,
	    status.shm_perm.gid, status.shm_perm.cuid, status.shm_perm.cgid, status.shm_segsz,
	    status.shm_nattch, status.shm_cpid == getpid(), status.shm_lpid, status.shm_atime,
	    status.shm_dtime);
	SHOW(highest = shmctl(0, SHM_INFO, (struct shmid_ds *)&totals) >= 0);
	say("used %d, total %d", totals.used_ids >= 1, totals.shm_tot >= 4);
	highest = shmctl(0, IPC_INFO, (struct shmid_ds *)&limits);
	say("shmmax %lx shmmin %lu shmmni %lu shmseg %lu shmall %lx", limits.shmmax, limits.shmmin,
	    limits.shmmni, limits.shmseg, limits.shmall);
	for (int i = 0; i <= highest; i++) {
		if (shmctl(i, SHM_STAT, &status) == id)
			index = i;
	}
	SHOW(index >= 0);
	SHOW(index == (id & 0x7fff));
	SHOW(shmctl(index, SHM_STAT_ANY, &status) == id);
	say("by index: size %lu", status.shm_segsz);
	SHOW(shmctl(-1, IPC_STAT, &status));
	SHOW(shmctl(-1, IPC_INFO, &status));
	SHOW(shmctl(id + 0x8000, IPC_STAT, &status));
	SHOW(shmctl(0x7fff, SHM_STAT, &status));
	SHOW(shmctl(id, 99, &status));
	SHOW(shmctl(id, -1, &status));
	SHOW(shmctl(id, IPC_STAT, NULL));
	SHOW(shmctl(id, IPC_SET, NULL));
	status = stat_of(id);
	status.shm_perm.mode = 07777;
	status.shm_perm.uid = 12;
	status.shm_perm.gid = 34;
	status.shm_perm.cuid = 56;
	status.shm_segsz = 1;
	SHOW(shmctl(id, IPC_SET, &status));
	status = stat_of(id);
	say("set: mode %o uid %d gid %d cuid %d cgid %d size %lu", status.shm_perm.mode,
	    status.shm_perm.uid, status.shm_perm.gid, status.shm_perm.cuid, status.shm_perm.cgid,
	    status.shm_segsz);
	status.shm_perm.uid = (uid_t)-1;
	SHOW(shmctl(id, IPC_SET, &status));
	remove_all();
}

/* The line of a segment in /proc/sysvipc/shm, without what differs between runs. */
static void show_line(int id)
{
	char line[400];
	FILE *file = fopen("/proc/sysvipc/shm", "r");
	int found = 0;

	while (fgets(line, sizeof(line), file)) {
		unsigned long size, attached, rss, swap;
		int key, line_id, cpid, lpid, uid, gid, cuid, cgid;
		unsigned int mode;

		if (!found++)
			say("%.*s|", (int)strlen(line) - 1, line);
		if (sscanf(line, "%d %d %o %lu %d %d %lu %d %d %d %d %*u %*u %*u %lu %lu", &key,
			   &line_id, &mode, &size, &cpid, &lpid, &attached, &uid, &gid, &cuid,
			   &cgid, &rss, &swap) != 13 ||
		    line_id != id)
			continue;
		say("mode %o size %lu cpid %d lpid %d nattch %lu uid %d gid %d cuid %d cgid %d rss "
		    "%lu length %zu",
		    mode, size, cpid == getpid(), lpid == getpid(), attached, uid, gid, cuid, cgid,
		    rss + swap, strlen(line));
	}
	fclose(file);
}

/* The rights and the name that /proc/self/maps has for an address; "-" when it has none. */
static const char *maps_line(const void *address, int id)
{
	static char text[200];
	char line[400];
	FILE *file = fopen("/proc/self/maps", "r");

	strcpy(text, "-");
	while (fgets(line, sizeof(line), file)) {
		unsigned long start, end, offset, inode;
		char rights[5], name[100] = "";

		if (sscanf(line, "%lx-%lx %4s %lx %*s %lu %99[^\n]", &start, &end, rights, &offset,
			   &inode, name) >= 5 &&
		    (unsigned long)address >= start && (unsigned long)address < end)
			snprintf(text, sizeof(text), "%s, %lu pages from %lx, inode %s, %s", rights,
				 (end - start) / PAGE, offset,
				 inode == (unsigned long)id ? "is id" : "other", name);
	}
	fclose(file);
	return text;
}

static void attaching(void)
{
	int id, other;
	char *first, *second, *room;

	SHOW_OK(id = make(IPC_PRIVATE, SIZE - 100, 0600));
	SHOW_OK(other = make(IPC_PRIVATE, PAGE, 0600));
	SHOW(shmat(-1, NULL, 0));
	SHOW(shmat(id + 0x8000, NULL, 0));
	SHOW(shmat(id, (void *)123, 0));
	SHOW(shmat(id, NULL, SHM_REMAP));
	SHOW(shmat(id, (void *)123, SHM_RND | SHM_REMAP));
	SHOW(shmat(id, (void *)-PAGE, 0));
	SHOW(shmat(id, (void *)0x7ffffffff000, 0));
	SHOW(shmdt((void *)PAGE));
	SHOW(shmdt((void *)123));
	SHOW(nattch(id));
	SHOW_OK(first = shmat(id, NULL, 0));
	say("%s", maps_line(first, id));
	strcpy(first + PAGE, "hello");
	SHOW_OK(second = shmat(id, NULL, SHM_RDONLY));
	say("%s", maps_line(second, id));
	SHOW(strcmp(second + PAGE, "hello"));
	SHOW(nattch(id));
	SHOW(stat_of(id).shm_lpid == getpid());
	SHOW(stat_of(id).shm_atime >= stat_of(id).shm_ctime);
	SHOW(stat_of(id).shm_dtime);
	SHOW(mprotect(second, PAGE, PROT_READ | PROT_WRITE));
	SHOW(mprotect(first, PAGE, PROT_READ | PROT_EXEC));
	SHOW(nattch(id));
	say("%s", maps_line(first, id));
	SHOW(mprotect(first, PAGE, PROT_READ | PROT_WRITE));
	SHOW(nattch(id));
	SHOW(shmdt(first + PAGE));
	SHOW(shmdt(first));
	SHOW(nattch(id));
	SHOW(shmdt(first));
	SHOW(shmdt(second));
	SHOW(nattch(id));
	SHOW(stat_of(id).shm_dtime >= stat_of(id).shm_atime);

	room = mmap(NULL, 2 * SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SHOW(shmat(id, room, 0));
	SHOW(shmat(id, room + 100, SHM_REMAP));
	SHOW(shmat(id, room + 100, SHM_REMAP | SHM_RND) == room);
	say("%s", maps_line(room, id));
	SHOW(shmat(other, room + PAGE, SHM_REMAP) == room + PAGE);
	say("%s", maps_line(room, id));
	say("%s", maps_line(room + PAGE, other));
	say("%s", maps_line(room + 2 * PAGE, id));
	SHOW(strcmp(room + PAGE, ""));
	SHOW(nattch(id));
	SHOW(nattch(other));
	SHOW(shmdt(room));
	SHOW(nattch(id));
	SHOW(nattch(other));
	SHOW(shmdt(room + PAGE));
	SHOW(nattch(other));
	munmap(room, SIZE);
	SHOW(shmat(id, room, SHM_EXEC) == room);
	say("%s", maps_line(room, id));
	SHOW(shmdt(room));
	SHOW(shmat(id, room + PAGE + 5, SHM_RND) == room + PAGE);
	SHOW(shmat(id, room + PAGE, 0));
	SHOW(shmdt(room + PAGE));
	munmap(room, 2 * SIZE);
	remove_all();
}

/* What happens to an attachment that is treated as any mapping. */
static void mapping(void)
{
	char *at, *second, *moved;
	int id;

	SHOW_OK(id = make(IPC_PRIVATE, SIZE, 0600));
	at = shmat(id, NULL, 0);
	memset(at, 'x', SIZE);
	SHOW(munmap(at, PAGE));
	SHOW(nattch(id));
	SHOW(munmap(at + 2 * PAGE, PAGE));
	SHOW(nattch(id));
	SHOW(shmdt(at + 3 * PAGE));
	SHOW(shmdt(at));
	SHOW(nattch(id));
	SHOW_OK(at = shmat(id, NULL, 0));
	SHOW(at[SIZE - 1]);
	SHOW_OK(moved = mremap(at, SIZE, 2 * SIZE, MREMAP_MAYMOVE));
	SHOW(nattch(id));
	SHOW(moved[0]);
	SHOW(mremap(moved, 2 * SIZE, PAGE, 0) == moved);
	SHOW(nattch(id));
	SHOW(madvise(moved, PAGE, MADV_DONTNEED));
	SHOW(moved[0]);
	SHOW(madvise(moved, PAGE, MADV_REMOVE));
	SHOW(moved[0]);
	SHOW_OK(second = mremap(moved, 0, SIZE, MREMAP_MAYMOVE));
	SHOW(nattch(id));
	SHOW(second[PAGE]);
	SHOW(shmdt(moved));
	SHOW(shmdt(second));
	SHOW(nattch(id));
	remove_all();
}

static int use_and_leave(void *context)
{
	char *at = context;

	at[0]++;
	return 0;
}

static void living(void)
{
	struct shmid_ds status;
	char *at, *again;
	pid_t pid;
	int id, go[2];

	SHOW_OK(id = make(key_of(2), SIZE, IPC_CREAT | 0600));
	at = shmat(id, NULL, 0);
	show_child("uses it", use_and_leave, at);
	SHOW(at[0]);
	SHOW(nattch(id));
	SHOW(stat_of(id).shm_lpid != getpid());
	SHOW(pipe(go));
	pid = fork();
	if (pid == 0) {
		char *exec[] = {"/proc/self/exe", "wait", NULL};

		dup2(go[0], 0);
		close(go[1]);
		execv(exec[0], exec);
		_exit(99);
	}
	close(go[0]);
	/* The child's copy goes when it becomes another program, which then waits. */
	while (nattch(id) != 1)
		;
	close(go[1]);
	waitpid(pid, NULL, 0);
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmctl(id, IPC_STAT, &status));
	say("removed: mode %o, private %d", status.shm_perm.mode,
	    status.shm_perm.__key == IPC_PRIVATE);
	SHOW(shmget(key_of(2), SIZE, 0));
	SHOW(at[0]);
	SHOW_OK(again = shmat(id, NULL, 0));
	SHOW(nattch(id));
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	SHOW(shmdt(at));
	SHOW(shmdt(again));
	SHOW(nattch(id));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	SHOW(shmctl(id, IPC_STAT, &status));
	SHOW(shmat(id, NULL, 0));
	nr_ids = 0;

	SHOW_OK(id = make(IPC_PRIVATE, PAGE, 0600));
	at = shmat(id, NULL, 0);
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(munmap(at, PAGE));
	SHOW(shmctl(id, IPC_STAT, &status));
	nr_ids = 0;
}

/* As somebody else. */
static int try_rights(void *context)
{
	int id = *(int *)context;
	struct shmid_ds status = stat_of(id);

	if (setgid(500) != 0 || setuid(500) != 0)
		return 99;
	SHOW(shmctl(id, IPC_STAT, &status));
	SHOW(shmctl(id, IPC_SET, &status));
	SHOW(shmctl(id, IPC_RMID, NULL));
	SHOW(shmctl(id, SHM_LOCK, NULL));
	SHOW(shmctl(id & 0x7fff, SHM_STAT, &status) == id);
	SHOW(shmctl(id & 0x7fff, SHM_STAT_ANY, &status) == id);
	SHOW_OK(shmat(id, NULL, SHM_RDONLY));
	SHOW_OK(shmat(id, NULL, 0));
	SHOW_OK(shmat(id, NULL, SHM_RDONLY | SHM_EXEC));
	SHOW(shmget(key_of(3), 0, 0));
	return 0;
}

static void rights(void)
{
	static const int modes[] = {0600, 0604, 0606, 0605, 0066, 0060};
	struct shmid_ds status;
	int id;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		id = make(IPC_PRIVATE, PAGE, modes[i]);
		say("mode %o", modes[i]);
		show_child("a stranger", try_rights, &id);
	}
	status = stat_of(id);
	status.shm_perm.gid = 500;
	SHOW(shmctl(id, IPC_SET, &status));
	show_child("of its group", try_rights, &id);
	status.shm_perm.uid = 500;
	SHOW(shmctl(id, IPC_SET, &status));
	show_child("its owner", try_rights, &id);
	nr_ids--;
	remove_all();
}

static void locking(void)
{
	int id;
	char *at;

	SHOW_OK(id = make(IPC_PRIVATE, SIZE, 0600));
	at = shmat(id, NULL, 0);
	memset(at, 1, SIZE);
	SHOW(shmctl(id, SHM_LOCK, NULL));
	say("mode %o", stat_of(id).shm_perm.mode);
	SHOW(shmctl(id, SHM_LOCK, NULL));
	show_line(id);
	SHOW(shmctl(id, SHM_UNLOCK, NULL));
	SHOW(shmctl(id, SHM_UNLOCK, NULL));
	say("mode %o", stat_of(id).shm_perm.mode);
	SHOW(shmctl(id + 0x8000, SHM_LOCK, NULL));
	SHOW(mlock(at, SIZE));
	SHOW(munlock(at, SIZE));
	SHOW(shmdt(at));
	remove_all();
}

int main(int argc, char **argv)
{
	char byte;

	(void)argv;
	if (argc > 1)
		return (int)read(0, &byte, 1);
	atexit(remove_all);
	getting();
	telling();
	attaching();
	mapping();
	living();
	rights();
	locking();
	return 0;
}
