/*
 * Per-CPU lists of free frames.
 *
 * Only its own CPU touches a list, the kernel is not preempted, and no interrupt handler allocates
 * or frees (block completions run in a thread): so there is no lock, and interrupts stay on. Other
 * CPUs read the count.
 *
 * The head is warm: a freed frame goes there and the next allocation takes it. What is given back
 * comes from the tail. Of frames for what cannot be moved (buddy.h) it is the tail that is warm.
 *
 * An array rather than DEFINE_PER_CPU: a list head must be initialised where it lies, and the areas
 * of other CPUs do not exist yet when CPU 0 begins to allocate.
 */
#include "mm/pcp.h"

#include "cpu/percpu.h"
#include "mm/buddy.h"

static struct pcp {
	struct list_head frames;
	u32 nr;
} __aligned(64) pcps[MAX_CPUS];

/* Frames moved at a time, and the most a list holds. */
static u32 batch, high;

void pcp_init(u32 nr_frames)
{
	/* A thousandth of RAM for each CPU, so that a small machine does not run dry while the
	 * others sit on free frames; 64 frames amortise the buddy lock well enough. A batch is a
	 * quarter, so that an alternation of allocating and freeing at either end of a list does
	 * not take the lock each time. */
	high = min(max(nr_frames / 1024, 8u), 64u);
	batch = high / 4;
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		list_init(&pcps[cpu].frames);
}

struct page *pcp_alloc(enum page_kind kind, bool reserve)
{
	struct pcp *pcp = &pcps[cpu_id()];
	enum mobility mobility = kind_mobility(kind);
	struct page *page;

	page = mobility_list_end(&pcp->frames, mobility);
	if (!page || buddy_mobility(page) != mobility) {
		pcp->nr += buddy_take(&pcp->frames, batch, mobility);
		page = mobility_list_end(&pcp->frames, mobility);
	}
	if (!page)
		return NULL;
	list_del(&page->lru);
	pcp->nr--;
	page_clear_untraced(page, PG_PCP);
	TRACE(mm_page_alloc, .pfn = page_pfn(page), .order = 0, .kind = kind, .pcp = 1,
	      .reserve = reserve);
	return page;
}

bool pcp_refill_idle(void)
{
	struct pcp *pcp = &pcps[cpu_id()];
	u32 taken;

	/* With room for a batch that comes back before any goes out. */
	if (pcp->nr + 2 * batch > high)
		return false;
	taken = buddy_take(&pcp->frames, batch, MOVABLE);
	pcp->nr += taken;
	return taken;
}

static void drain(struct pcp *pcp, u32 nr)
{
	buddy_give(&pcp->frames, nr, cpu_id());
	pcp->nr -= nr;
}

void pcp_free(struct page *page, enum page_kind kind)
{
	struct pcp *pcp = &pcps[cpu_id()];

	page->order = 0;
	page_set_untraced(page, PG_PCP);
	mobility_list_add(page, &pcp->frames);
	TRACE(mm_page_free, .pfn = page_pfn(page), .order = 0, .kind = kind, .pcp = 1);
	if (++pcp->nr > high)
		drain(pcp, batch);
}

void pcp_drain_local(void)
{
	struct pcp *pcp = &pcps[cpu_id()];

	if (pcp->nr)
		drain(pcp, pcp->nr);
}

u32 pcp_nr(u32 cpu)
{
	return READ_ONCE(pcps[cpu].nr);
}

u64 pcp_baseline(void)
{
	struct page *page;
	u64 records = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		list_for_each_entry (page, &pcps[cpu].frames, lru) {
			TRACE(state_free, .pfn = page_pfn(page), .pcp_cpu = cpu, .order = 0);
			records++;
		}
	return records;
}

u32 pcp_check(u32 *frames)
{
	struct page *page;
	u32 faults = 0;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		u32 seen = 0;

		list_for_each_entry (page, &pcps[cpu].frames, lru) {
			seen++;
			if (page_test(page, PG_PCP) && page->kind == PAGE_FREE &&
			    !atomic_read(&page->refcount))
				continue;
			printk("pcp: pfn %u on the list of cpu %u has flags %x, kind %u, %d "
			       "references",
			       page_pfn(page), cpu, page->flags, page->kind,
			       atomic_read(&page->refcount));
			faults++;
		}
		if (seen != pcps[cpu].nr) {
			printk("pcp: %u frames on the list of cpu %u, counted %u", seen, cpu,
			       pcps[cpu].nr);
			faults++;
		}
		*frames += seen;
	}
	return faults;
}
