/*
 * The shadow, and the reports. Nothing here is instrumented itself. The functions that the compiler
 * calls are in kasan_calls.c.
 *
 * No locks: the shadow of memory changes while nobody but its owner may use it, and a race between
 * a bug and a change of owner is reported as what it is or a moment later.
 *
 * A shadow at a fixed offset of the whole address space, as Linux has it, was rejected: with
 * outlined checks a comparison finds out what has a shadow, and neither boot code nor devices need
 * one made of zeros.
 */
#include "cpu/kasan.h"
#include "cpu/backtrace.h"
#include "cpu/current.h"
#include "cpu/kasan_calls.h"
#include "cpu/panic.h"
#include "lib/printf.h"
#include "lib/string.h"

#define MAX_COVERED 2

/* Bytes of shadow in a row of a report, and rows before and after the one in question. */
#define ROW_GRANULES 16
#define ROWS_AROUND  2

static struct covered {
	u64 start, size;
	u8 *shadow;
} covered[MAX_COVERED]; /* written at boot, on one CPU; unused ones are empty */

void (*kasan_describe)(u64 address);

/* The shadow byte of an address; NULL when it has none. */
static inline u8 *shadow_of(u64 address)
{
	for (u32 i = 0; i < MAX_COVERED; i++)
		if (address - covered[i].start < covered[i].size)
			return covered[i].shadow + (address - covered[i].start) / KASAN_GRANULE;
	return NULL;
}

void kasan_cover(const void *start, size_t size, u8 *shadow)
{
	u32 i = 0;

	while (i < MAX_COVERED && covered[i].size)
		i++;
	BUG_ON(i == MAX_COVERED || (u64)start % KASAN_GRANULE);
	covered[i].start = (u64)start;
	covered[i].shadow = shadow;
	covered[i].size = size;
}

void kasan_poison(const void *start, size_t size, enum kasan_state state)
{
	u8 *shadow = shadow_of((u64)start);

	BUG_ON((u64)start % KASAN_GRANULE || size % KASAN_GRANULE);
	if (shadow)
		memset(shadow, state, size / KASAN_GRANULE);
}

void kasan_unpoison(const void *start, size_t size)
{
	u8 *shadow = shadow_of((u64)start);

	BUG_ON((u64)start % KASAN_GRANULE);
	if (!shadow)
		return;
	memset(shadow, 0, size / KASAN_GRANULE);
	if (size % KASAN_GRANULE)
		shadow[size / KASAN_GRANULE] = size % KASAN_GRANULE;
}

/* Whether this byte of its granule may be used. */
static inline bool granule_allows(u8 shadow, u64 address)
{
	return likely(!shadow) || (s8)(address % KASAN_GRANULE) < (s8)shadow;
}

bool kasan_is_poisoned(const void *address)
{
	const u8 *shadow = shadow_of((u64)address);

	return shadow && !granule_allows(*shadow, (u64)address);
}

/* Whether all of them are 0. */
static bool all_zero(const u8 *shadow, const u8 *end)
{
	while (shadow < end && (u64)shadow % sizeof(u64))
		if (*shadow++)
			return false;
	for (; end - shadow >= (long)sizeof(u64); shadow += sizeof(u64))
		if (*(const u64 *)shadow)
			return false;
	while (shadow < end)
		if (*shadow++)
			return false;
	return true;
}

bool kasan_allows(u64 address, size_t size)
{
	u64 last = address + size - 1;
	const u8 *first_shadow, *last_shadow;

	first_shadow = shadow_of(address);
	if (!first_shadow)
		return true;
	last_shadow = first_shadow + (last / KASAN_GRANULE - address / KASAN_GRANULE);
	return granule_allows(*last_shadow, last) && all_zero(first_shadow, last_shadow);
}

/* ---- reports ---- */

static u64 first_forbidden(u64 address, size_t size)
{
	u64 end = address + size;

	while (address < end && !kasan_is_poisoned((const void *)address))
		address++;
	return address;
}

static const char *bug_name(u64 address)
{
	const u8 *shadow = shadow_of(address);
	u8 state = *shadow;

	if (state < KASAN_GRANULE) /* the reason is behind the part that may be used */
		state = shadow[1];
	switch (state) {
	case KASAN_FREE_PAGE:
		return "use-after-free";
	case KASAN_SLAB_FREE:
		return "slab-use-after-free";
	case KASAN_PAGE_REDZONE:
	case KASAN_SLAB_REDZONE:
		return "slab-out-of-bounds";
	case KASAN_GLOBAL_REDZONE:
		return "global-out-of-bounds";
	default:
		return "out-of-bounds";
	}
}

static void print_row(u64 row)
{
	char text[ROW_GRANULES * 3 + 1];
	size_t length = 0;

	for (u32 i = 0; i < ROW_GRANULES; i++) {
		const u8 *shadow = shadow_of(row + i * KASAN_GRANULE);

		length += snprintf(text + length, sizeof(text) - length, shadow ? " %02x" : " --",
				   shadow ? *shadow : 0);
	}
	printk(" %016lx:%s", row, text);
}

/* Points at one byte of the row above. */
static void print_pointer(u32 granule)
{
	char text[1 + 16 + 1 + ROW_GRANULES * 3 + 1];
	u32 at = 1 + 16 + 1 + granule * 3 + 1;

	memset(text, ' ', at);
	strscpy_pad(text + at, "^^", sizeof(text) - at);
	printk("%s", text);
}

static void print_shadow(u64 address)
{
	const u64 row_size = ROW_GRANULES * KASAN_GRANULE;
	u64 row = ALIGN_DOWN(address, row_size) - ROWS_AROUND * row_size;

	printk("Memory state around the buggy address:");
	for (u32 i = 0; i < 2 * ROWS_AROUND + 1; i++) {
		print_row(row + i * row_size);
		if (i == ROWS_AROUND)
			print_pointer(address % row_size / KASAN_GRANULE);
	}
}

/* `rip` and `rbp`: where the access is, and the frame of the function. */
void kasan_report(u64 address, size_t size, enum kasan_access access, u64 rip, u64 rbp)
{
	u64 at = first_forbidden(address, size);
	char place[LOCATION_MAX];

	/* The last words use what they need. */
	if (panic_in_progress())
		return;
	panic_begin();
	backtrace_describe(place, rip);
	printk("BUG: KASAN: %s in %s", bug_name(at), place);
	printk("%s of size %zu at addr %016lx by task %s/%d",
	       access == KASAN_WRITE ? "Write" : "Read", size, address, current->comm,
	       current->pid);
	if (kasan_describe)
		kasan_describe(at);
	print_shadow(at);
	panic_at(rip, rbp, "KASAN: %s in %s", bug_name(at), place);
}

void kasan_report_free(const void *address)
{
	panic_begin();
	printk("BUG: KASAN: double-free or invalid-free of addr %016lx by task %s/%d", (u64)address,
	       current->comm, current->pid);
	if (kasan_describe)
		kasan_describe((u64)address);
	print_shadow((u64)address);
	panic("KASAN: double-free or invalid-free of %p", address);
}

/* ---- routines that the compiler does not see ---- */

#define CALLER_RIP ((u64)__builtin_return_address(0))
#define CALLER_RBP (*(const u64 *)__builtin_frame_address(0))

void kasan_check_read(const void *start, size_t size)
{
	if (size && unlikely(!kasan_allows((u64)start, size)))
		kasan_report((u64)start, size, KASAN_READ, CALLER_RIP, CALLER_RBP);
}

void kasan_check_write(const void *start, size_t size)
{
	if (size && unlikely(!kasan_allows((u64)start, size)))
		kasan_report((u64)start, size, KASAN_WRITE, CALLER_RIP, CALLER_RBP);
}
