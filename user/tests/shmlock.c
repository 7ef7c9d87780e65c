/*
 * shmlock: two segments of System V shared memory under memory pressure, one of them locked. The one is swapped
 * out and comes back, the other stays; when it is unlocked, it goes too. A child that removes and unmaps
 * takes part, so the last detach is another process's.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define PAGE     4096ul
#define SEGMENT  (3ul << 20)
#define PRESSURE (32ul << 20)

static void fill(char *at, uint64_t seed)
{
	for (uint64_t i = 0; i < SEGMENT / PAGE; i++)
		*(uint64_t *)(at + i * PAGE + 8 * (i % 512)) = i ^ seed;
}

static bool holds(const char *at, uint64_t seed)
{
	for (uint64_t i = 0; i < SEGMENT / PAGE; i++) {
		if (*(const uint64_t *)(at + i * PAGE + 8 * (i % 512)) != (i ^ seed))
			return false;
	}
	return true;
}

/* Bytes of the segment in memory and in swap, as /proc/sysvipc/shm tells. */
struct place {
	unsigned long rss, swap;
};

static struct place place_of(int id)
{
	struct place place = {0, 0};
	char line[400];
	FILE *file = fopen("/proc/sysvipc/shm", "r");
	int found;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*d %d %*o %*u %*d %*d %*u %*d %*d %*d %*d %*u %*u %*u %lu %lu",
			   &found, &place.rss, &place.swap) == 3 &&
		    found == id)
			break;
	}
	if (file)
		fclose(file);
	return place;
}

static int use_memory(void *context)
{
	char *at = mmap(NULL, PRESSURE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)context;
	for (uint64_t i = 0; i < PRESSURE; i += PAGE)
		at[i] = 1;
	return 0;
}

static int leave(void *segment)
{
	return holds(segment, 7) && shmdt(segment) == 0 ? 0 : 1;
}

static const char *test_under_pressure(void)
{
	int locked = shmget(IPC_PRIVATE, SEGMENT, 0600), other = shmget(IPC_PRIVATE, SEGMENT, 0600);
	char *kept = shmat(locked, NULL, 0), *goes = shmat(other, NULL, 0);
	struct place place;

	CHECK(locked >= 0 && other >= 0 && kept != (char *)-1 && goes != (char *)-1);
	fill(kept, 7);
	fill(goes, 8);
	CHECK(shmctl(locked, SHM_LOCK, NULL) == 0);
	CHECK(check_in_child(use_memory, NULL) == CHECK_EXITED(0));
	place = place_of(locked);
	CHECK(place.rss == SEGMENT && place.swap == 0);
	CHECK(madvise(kept, SEGMENT, 21 /* MADV_PAGEOUT */) == 0);
	place = place_of(locked);
	CHECK(place.rss == SEGMENT && place.swap == 0);
	place = place_of(other);
	CHECK(place.swap > SEGMENT / 2 && place.rss + place.swap == SEGMENT);
	CHECK(shmctl(locked, SHM_UNLOCK, NULL) == 0);
	CHECK(check_in_child(use_memory, NULL) == CHECK_EXITED(0));
	place = place_of(locked);
	CHECK(place.swap > SEGMENT / 2 && place.rss + place.swap == SEGMENT);
	CHECK(holds(kept, 7) && holds(goes, 8));
	CHECK(shmctl(locked, IPC_RMID, NULL) == 0 && shmctl(other, IPC_RMID, NULL) == 0);
	CHECK(munmap(goes, SEGMENT) == 0);
	CHECK(check_in_child(leave, kept) == CHECK_EXITED(0));
	CHECK(holds(kept, 7) && shmdt(kept) == 0);
	CHECK(shmat(locked, NULL, 0) == (void *)-1);
	return NULL;
}

int main(void)
{
	static const struct check checks[] = {{"shmlock_under_pressure", test_under_pressure}};

	return check_run(checks, 1);
}
