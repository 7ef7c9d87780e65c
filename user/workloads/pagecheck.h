/*
 * Pages that know who they are: a region of anonymous memory in which every page carries its own
 * address and the generation of its content, so that a page that was lost, swapped with another, or
 * brought back stale is noticed at the first read, with its address, what was expected and what was
 * found.
 *
 * What the content of a page must be follows from the region's parameters alone: there is no table
 * of expectations that could be damaged along with the pages. A page is written in round 0 and
 * then, in each later round, when a hash of (seed, writer, round, page) falls below the share of
 * writes; its generation is the last round in which it was written.
 *
 * Terms: a round is one visit of all pages. A writer is 0 for the process that filled the region, 1
 * and up for forked children that write their own copies.
 */
#ifndef USER_WORKLOADS_PAGECHECK_H
#define USER_WORKLOADS_PAGECHECK_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_SIZE 4096u

struct pagecheck {
	unsigned char *base;
	uint64_t nr_pages;
	uint64_t seed;
	uint64_t write_percent; /* share of pages that a round after the first writes */
};

/* Who wrote a page, and in which of its rounds. */
struct generation {
	uint32_t writer;
	uint32_t round;
};

/*
 * Maps size_bytes, rounded up to pages. Nothing is touched. On failure prints a line and exits with
 * status 1.
 */
struct pagecheck pagecheck_map(uint64_t size_bytes, uint64_t seed, uint64_t write_percent);

/* Whether `writer` writes this page in this round; always in round 0 of writer 0. */
bool pagecheck_is_written(const struct pagecheck *region, uint64_t page, struct generation g);

/* What writer 0 has left in a page after this round. */
struct generation pagecheck_latest(const struct pagecheck *region, uint64_t page, uint32_t round);

/* Stamps one page. */
void pagecheck_write(const struct pagecheck *region, uint64_t page, struct generation g);

/* Reads every stamp of one page; a wrong one prints where and what, and exits the process with
 * status 1. */
void pagecheck_verify(const struct pagecheck *region, uint64_t page, struct generation g);

/* The same for a page whose content was stamped as page `origin` and moved since. */
void pagecheck_verify_moved(const struct pagecheck *region, uint64_t page, uint64_t origin,
			    struct generation g);

/* The same for a page that was never stamped: where stamps would be there are zeroes. */
void pagecheck_verify_zero(const struct pagecheck *region, uint64_t page);

/* The first byte behind the last stamp: from here to the end a page is nobody's. */
#define PAGECHECK_SPARE 4000u

#endif
