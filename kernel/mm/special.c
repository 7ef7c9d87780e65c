/* The frame of the vDSO, and where an address space has it. */
#include "mm/special.h"

#include "arch/x86_64/vdso.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "lib/string.h"
#include "mm/mmap.h"
#include "mm/page_alloc.h"

void special_init(void)
{
	struct page *page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_SPECIAL);
	size_t size = arch_vdso_end - arch_vdso_start;

	BUG_ON(!page || size > PAGE_SIZE);
	memcpy(page_virt(page), arch_vdso_start, size);

	struct vvar *vvar = page_virt(page) + PAGE_SIZE - sizeof(*vvar);
	*vvar = (struct vvar){.tsc_boot = clock.tsc_boot, .mult = clock.mult};
	special_page = page;
}

int special_map(struct mm *mm, u64 start)
{
	int error = mm_map_segment(mm, start, start + PAGE_SIZE,
				   VM_READ | VM_EXEC | VM_PFNMAP | VM_DONTEXPAND, NULL, 0);

	if (error == 0)
		mm->vdso = start;
	return error;
}
