/* The frame of the vDSO, and where an address space has it. */
#include "mm/special.h"

#include "arch/x86_64/vdso.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "lib/string.h"
#include "mm/mmap.h"
#include "mm/page_alloc.h"

/* In the page. */
static struct vvar *vvar;
static_assert(VVAR_OFFSET + sizeof(*vvar) == PAGE_SIZE, "the last bytes");

void special_init(void)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_SPECIAL);
	size_t size = arch_vdso_end - arch_vdso_start;

	BUG_ON(!page || size > PAGE_SIZE);
	memcpy(page_virt(page), arch_vdso_start, size);

	vvar = page_virt(page) + VVAR_OFFSET;
	*vvar = (struct vvar){.tsc_boot = clock.tsc_boot,
			      .sec_mult = clock.sec_mult,
			      .nsec_per_sec = NSEC_PER_SEC,
			      .usec_per_sec = NSEC_PER_SEC / NSEC_PER_USEC};
	special_page = page;
}

void special_tick(void)
{
	if (unlikely(!vvar))
		return;
	u64 now = clock_ns() / NSEC_PER_SEC, seconds = READ_ONCE(vvar->seconds);

	/* Another CPU may be ahead, whose time is not taken back. */
	while (now > seconds && !__atomic_compare_exchange_n(&vvar->seconds, &seconds, now, false,
							     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

u64 special_seconds(void)
{
	return READ_ONCE(vvar->seconds);
}

int special_map(struct mm *mm, u64 start)
{
	int error = mm_map_segment(mm, start, start + PAGE_SIZE,
				   VM_READ | VM_EXEC | VM_PFNMAP | VM_DONTEXPAND, NULL, 0);

	if (error == 0)
		mm->vdso = start;
	return error;
}
