/*
 * How the OOM killer ranks candidates: a function between two files, so that another way of scoring
 * is another file. Chosen on the kernel command line: oom_policy=NAME.
 */
#ifndef MM_OOM_SCORE_H
#define MM_OOM_SCORE_H

#include "lib/types.h"

struct oom_usage {
	u32 resident;    /* frames it maps */
	u32 swapped;     /* swap entries it holds */
	u32 page_tables; /* frames of its page tables */
};

struct oom_policy {
	const char *name;
	/* The candidate with the highest score dies. */
	u64 (*score)(const struct oom_usage *usage);
};

extern const struct oom_policy oom_policy_resident;

#endif
