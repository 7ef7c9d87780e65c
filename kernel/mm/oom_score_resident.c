/*
 * score = 2 * resident + swapped + page_tables
 *
 * The kill must bring frames, now. A resident page and a page table give one each, a swapped page
 * gives only a slot, so Linux's plain sum overrates a task that was swapped out long ago and whose
 * death frees little memory. Doubling the resident part makes one frame worth two slots. Page
 * tables count once: they are freed late, by the victim itself.
 */
#include "mm/oom_score.h"

static u64 score(const struct oom_usage *usage)
{
	return 2ul * usage->resident + usage->swapped + usage->page_tables;
}

const struct oom_policy oom_policy_resident = {.name = "resident", .score = score};
