/*
 * ASLR. How many places there are is as in Linux for x86-64 (vm.mmap_rnd_bits = 28, a stack within
 * 16 GiB, a heap within 32 MiB), so programs meet the same layouts. Without it, by `norandmaps` on
 * the command line or by personality(2), everything lies where Linux puts it then.
 */
#include "proc/aslr.h"

#include "arch/x86_64/layout.h"
#include "lib/cmdline.h"
#include "mm/mmap.h"
#include "proc/random.h"

/* Powers of two: pages. */
#define STACK_PLACES BIT(22)
#define MMAP_PLACES  BIT(28)
#define VDSO_SPAN    (2 * MIB)
#define HEAP_PLACES  (32 * MIB / PAGE_SIZE)

/* Two thirds of user memory. */
#define LOWEST_PIE_BASE 0x555555554000ul

u32 randomize_va_space = 2;

void aslr_init(void)
{
	if (cmdline_has("norandmaps"))
		randomize_va_space = 0;
}

static u64 draw(u64 places)
{
	return random_u64() % places * PAGE_SIZE;
}

/* Above the stack, within the 2 MiB that begin there; where there is no room, the highest mapping. */
static u64 vdso_place(const struct exec_layout *layout)
{
	u64 end = min(ALIGN_DOWN(layout->stack_top, VDSO_SPAN) + VDSO_SPAN, USER_END);
	u64 places = (end - layout->stack_top) / PAGE_SIZE;

	return places ? layout->stack_top + draw(places) : layout->mmap_base - PAGE_SIZE;
}

struct exec_layout aslr_layout(u32 personality)
{
	struct exec_layout layout = {
		.stack_top = USER_END,
		.mmap_base = USER_END - STACK_LIMIT - STACK_GUARD_GAP,
		.pie_base = LOWEST_PIE_BASE,
	};
	layout.vdso = layout.mmap_base - PAGE_SIZE;

	u32 randomize = READ_ONCE(randomize_va_space);

	if ((personality & ADDR_NO_RANDOMIZE) || randomize == 0)
		return layout;
	layout.stack_top -= draw(STACK_PLACES);
	/* Below the lowest place of a stack, whatever this one's is: neither tells of the other. */
	layout.mmap_base -= STACK_PLACES * PAGE_SIZE + draw(MMAP_PLACES);
	layout.pie_base += draw(MMAP_PLACES);
	if (randomize > 1)
		layout.brk_gap = draw(HEAP_PLACES);
	layout.vdso = vdso_place(&layout);
	return layout;
}
