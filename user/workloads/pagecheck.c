/*
 * Owns the layout of a stamped page: one stamp in each 512-byte disk sector, at another offset in
 * each, so that a single sector that was not transferred is noticed too. Filling whole pages was
 * rejected: under an emulator the program would then measure its own memset rather than the
 * kernel's paging.
 */
#include "pagecheck.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/print.h"
#include "random.h"

struct stamp {
	uint64_t address; /* of the page, not of the stamp */
	uint64_t generation;
	uint64_t checksum; /* of the two above, the seed and the sector */
};

#define NR_STAMPS 8u
#define STAMP_STRIDE \
	568u /* one sector and seven words: the last stamp still ends inside the last sector */

_Static_assert((NR_STAMPS - 1) * STAMP_STRIDE + sizeof(struct stamp) <= PAGE_SIZE,
	       "the last stamp must lie in the page");
_Static_assert((NR_STAMPS - 1) * STAMP_STRIDE + sizeof(struct stamp) == PAGECHECK_SPARE, "spare");
_Static_assert((NR_STAMPS - 1) * STAMP_STRIDE / 512 == NR_STAMPS - 1, "one stamp in each sector");

static struct stamp *stamp_at(const struct pagecheck *region, uint64_t page, uint64_t sector)
{
	return (struct stamp *)(region->base + page * PAGE_SIZE + sector * STAMP_STRIDE);
}

/* `origin` is the page whose address the stamp carries. */
static struct stamp make_stamp(const struct pagecheck *region, uint64_t origin, uint64_t sector,
			       struct generation g)
{
	struct stamp stamp = {
		.address = (uint64_t)(region->base + origin * PAGE_SIZE),
		.generation = (uint64_t)g.writer << 32 | g.round,
	};

	stamp.checksum = random_mix(region->seed + sector);
	stamp.checksum = random_mix(stamp.checksum ^ stamp.address);
	stamp.checksum = random_mix(stamp.checksum ^ stamp.generation);
	return stamp;
}

struct pagecheck pagecheck_map(uint64_t size_bytes, uint64_t seed, uint64_t write_percent)
{
	struct pagecheck region = {
		.nr_pages = size_bytes / PAGE_SIZE + (size_bytes % PAGE_SIZE != 0),
		.seed = seed,
		.write_percent = write_percent,
	};

	region.base = mmap(NULL, region.nr_pages * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (region.base == MAP_FAILED) {
		print("cannot map %llu bytes: %s\n", (unsigned long long)size_bytes,
		      strerror(errno));
		_exit(1);
	}
	return region;
}

bool pagecheck_is_written(const struct pagecheck *region, uint64_t page, struct generation g)
{
	if (g.writer == 0 && g.round == 0)
		return true;

	uint64_t hash = random_mix(region->seed ^ ((uint64_t)g.writer << 32 | g.round));
	return random_mix(hash + page) % 100 < region->write_percent;
}

struct generation pagecheck_latest(const struct pagecheck *region, uint64_t page, uint32_t round)
{
	struct generation g = {.writer = 0, .round = round};

	while (!pagecheck_is_written(region, page, g))
		g.round--;
	return g;
}

void pagecheck_write(const struct pagecheck *region, uint64_t page, struct generation g)
{
	for (uint64_t sector = 0; sector < NR_STAMPS; sector++)
		*stamp_at(region, page, sector) = make_stamp(region, page, sector, g);
}

static void report(const struct pagecheck *region, uint64_t page, uint64_t sector,
		   const struct stamp *want, const struct stamp *found)
{
	print("LOST page %p (page %llu of %llu, pid %d) sector %llu: expected address %#llx "
	      "generation %#llx checksum %#llx, found address %#llx generation %#llx checksum "
	      "%#llx\n",
	      (void *)(region->base + page * PAGE_SIZE), (unsigned long long)page,
	      (unsigned long long)region->nr_pages, getpid(), (unsigned long long)sector,
	      (unsigned long long)want->address, (unsigned long long)want->generation,
	      (unsigned long long)want->checksum, (unsigned long long)found->address,
	      (unsigned long long)found->generation, (unsigned long long)found->checksum);
}

static void verify_stamp(const struct pagecheck *region, uint64_t page, uint64_t sector,
			 const struct stamp *want)
{
	struct stamp found = *stamp_at(region, page, sector);

	if (memcmp(want, &found, sizeof(found)) != 0) {
		report(region, page, sector, want, &found);
		_exit(1);
	}
}

void pagecheck_verify(const struct pagecheck *region, uint64_t page, struct generation g)
{
	pagecheck_verify_moved(region, page, page, g);
}

void pagecheck_verify_moved(const struct pagecheck *region, uint64_t page, uint64_t origin,
			    struct generation g)
{
	for (uint64_t sector = 0; sector < NR_STAMPS; sector++) {
		struct stamp want = make_stamp(region, origin, sector, g);

		verify_stamp(region, page, sector, &want);
	}
}

void pagecheck_verify_zero(const struct pagecheck *region, uint64_t page)
{
	const struct stamp want = {0, 0, 0};

	for (uint64_t sector = 0; sector < NR_STAMPS; sector++)
		verify_stamp(region, page, sector, &want);
}
