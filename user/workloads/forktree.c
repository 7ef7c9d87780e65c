/*
 * forktree: a tree of processes, each a copy-on-write copy of its parent at the moment of its birth.
 *
 * Every process verifies all it has inherited, then for each of its `--width` children writes a
 * share of its pages and forks; so each child starts from another state of the region, and every
 * page may be shared by any part of the tree. When all children are born it verifies its own copy
 * again: nobody else's writes may show. A width of 1 makes a chain `--depth` long; a width of 8 and
 * a depth of 1 makes a bush.
 *
 * Processes end in random order: each dawdles for a random while, and `--orphans` percent of the
 * inner ones end without waiting for their children, who are then init's; such children report a
 * failure only by their own line, and by the status that init sees. Exit status: 0; 1 when a page was
 * lost or stale here or in a process below that was waited for, or a fork failed; 2 for a wrong
 * command line.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/print.h"
#include "measure.h"
#include "options.h"
#include "pagecheck.h"
#include "random.h"

#define MAX_DEPTH  64
#define MAX_DAWDLE 16 /* times that a process yields before it ends */

/* Who has written the pages of this process: itself and its ancestors, the root first. */
struct ancestry {
	struct generation path[MAX_DEPTH + 1]; /* round: how often it had written when its child of
						* this path was born */
	uint32_t depth;                        /* of this process; the root's is 0 */
};

static uint64_t depth = 3, width = 3, orphans = 25;

/* What a page must hold: the last write of the nearest ancestor that wrote it. */
static struct generation expected(const struct pagecheck *region, const struct ancestry *self,
				  uint64_t page)
{
	for (uint32_t d = self->depth + 1; d-- > 0;) {
		struct generation g = self->path[d];

		for (; g.round > 0; g.round--) {
			if (pagecheck_is_written(region, page, g))
				return g;
		}
	}
	return (struct generation){0, 0};
}

/* Verifies every page in an order of this process's own. */
static void verify_all(const struct pagecheck *region, const struct ancestry *self)
{
	struct generation g = self->path[self->depth];
	struct random_order order =
		random_order(region->nr_pages, region->seed ^ ((uint64_t)g.writer << 32 | g.round));

	for (uint64_t i = 0; i < region->nr_pages; i++) {
		uint64_t page = random_order_at(&order, i);
		pagecheck_verify(region, page, expected(region, self, page));
	}
}

static void write_share(const struct pagecheck *region, struct generation g)
{
	for (uint64_t page = 0; page < region->nr_pages; page++) {
		if (pagecheck_is_written(region, page, g))
			pagecheck_write(region, page, g);
	}
}

static uint64_t random_of(const struct pagecheck *region, uint32_t writer)
{
	return random_mix(random_mix(region->seed) ^ writer);
}

/* A number for a child that no other process has, as far as 32 bits go. Never 0: that is who filled
 * the region. */
static uint32_t child_number(uint32_t parent, uint32_t child)
{
	return (uint32_t)random_mix((uint64_t)parent << 32 | child) | 1;
}

/* Waits for one child; returns whether it did well. */
static bool collect_child(void)
{
	int status;
	pid_t pid = wait4(-1, &status, 0, NULL);

	if (pid < 0) {
		print("forktree: wait4: %s\n", strerror(errno));
		return false;
	}
	if (status != 0)
		print("forktree: child %d failed: wait status %#x\n", pid, (unsigned int)status);
	return status == 0;
}

static int live(const struct pagecheck *region, struct ancestry *self);

/* Begins the life of a child; returns whether there is one. */
static bool bear(const struct pagecheck *region, struct ancestry *self, uint32_t child)
{
	struct generation *g = &self->path[self->depth];
	pid_t pid = fork();

	if (pid == 0) {
		uint32_t number = child_number(g->writer, child);

		self->path[++self->depth] = (struct generation){.writer = number, .round = 0};
		_exit(live(region, self));
	}
	if (pid < 0)
		print("forktree: fork: %s\n", strerror(errno));
	return pid > 0;
}

static int live(const struct pagecheck *region, struct ancestry *self)
{
	struct generation *g = &self->path[self->depth];
	uint64_t random = random_of(region, g->writer);
	uint64_t nr_born = 0, nr_children = self->depth < depth ? width : 0;
	bool abandons = self->depth > 0 && random % 100 < orphans, well = true;

	verify_all(region, self);
	for (uint32_t child = 1; child <= nr_children; child++) {
		g->round++;
		write_share(region, *g);
		nr_born += bear(region, self, child);
	}
	well = nr_born == nr_children;
	g->round++;
	write_share(region, *g);
	for (uint64_t i = 0; i < (random >> 32) % MAX_DAWDLE; i++)
		sched_yield();
	if (!abandons)
		while (nr_born-- > 0)
			well = collect_child() && well;
	verify_all(region, self);
	return !well;
}

static uint64_t tree_size(void)
{
	uint64_t total = 0, level = 1;

	for (uint64_t d = 0; d <= depth; d++, level *= width)
		total += level;
	return total;
}

int main(int argc, char **argv)
{
	uint64_t size = 4u << 20, seed = 1, writes = 25;
	const struct option options[] = {
		{"--size", OPTION_SIZE, &size, PAGE_SIZE, UINT64_C(1) << 40},
		{"--depth", OPTION_NUMBER, &depth, 1, MAX_DEPTH},
		{"--width", OPTION_NUMBER, &width, 1, 1000},
		{"--orphans", OPTION_NUMBER, &orphans, 0, 100},
		{"--seed", OPTION_NUMBER, &seed, 0, UINT32_MAX},
		{"--writes", OPTION_NUMBER, &writes, 0, 100},
	};
	options_parse(options, sizeof(options) / sizeof(options[0]), argc, argv);

	struct pagecheck region = pagecheck_map(size, seed, writes);
	struct ancestry root = {.path = {{.writer = 1, .round = 0}}};

	for (uint64_t page = 0; page < region.nr_pages; page++)
		pagecheck_write(&region, page, (struct generation){0, 0});
	int failed = live(&region, &root);

	print("forktree.size %llu pages\n", (unsigned long long)region.nr_pages);
	print("forktree.processes %llu processes\n", (unsigned long long)tree_size());
	print("forktree.failed %d processes\n", failed);
	measure_print_faults("forktree");
	return failed;
}
