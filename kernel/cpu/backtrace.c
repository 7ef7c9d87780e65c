/*
 * Walking the frame pointers. A chain ends at a frame that is no kernel address, or at a return
 * address that is none: the frame of an entry from user mode holds what the program had. It must
 * also lead upwards, so a damaged one cannot make a circle.
 */
#include "cpu/backtrace.h"
#include "cpu/panic.h"
#include "cpu/symbols.h"
#include "lib/printf.h"

#define MAX_FRAMES  32
#define KERNEL_HALF 0xffff800000000000ul
#define UPPER_HALF  0xffffffff00000000ul

/* What a function's prologue leaves with frame pointers. */
struct stack_frame {
	const struct stack_frame *caller;
	u64 return_address;
};

static bool is_frame(const struct stack_frame *frame)
{
	return (u64)frame >= KERNEL_HALF && (u64)frame % sizeof(u64) == 0 &&
	       frame->return_address >= KERNEL_HALF;
}

static const struct stack_frame *next_frame(const struct stack_frame *frame)
{
	return frame->caller > frame ? frame->caller : NULL;
}

void backtrace_save(struct backtrace *saved, const void *at)
{
	const struct stack_frame *frame = at;

	for (u32 i = 0; i < SAVED_FRAMES; i++) {
		saved->pcs[i] = is_frame(frame) ? (u32)frame->return_address : 0;
		if (!saved->pcs[i])
			return;
		frame = next_frame(frame);
	}
}

void backtrace_describe(char text[LOCATION_MAX], u64 address)
{
	u64 offset, size;
	const char *name = symbol_find(address, &offset, &size);

	/* A call that never returns may be the last instruction of its function. */
	if (name && !offset && (name = symbol_find(address - 1, &offset, &size)))
		offset++;
	if (name)
		snprintf(text, LOCATION_MAX, "%s+0x%lx/0x%lx", name, offset, size);
	else
		snprintf(text, LOCATION_MAX, "%016lx", address);
}

static void print_location(u64 address)
{
	char text[LOCATION_MAX];

	backtrace_describe(text, address);
	printk("  %016lx %s", address, text);
}

void backtrace_print_saved(const struct backtrace *saved)
{
	for (u32 i = 0; i < SAVED_FRAMES && saved->pcs[i]; i++)
		print_location(UPPER_HALF | saved->pcs[i]);
}

/* A frame that a bug has destroyed may fault here: in a panic that is a panic inside the panic. */
void backtrace_print(u64 rip, u64 rbp)
{
	const struct stack_frame *frame = (const struct stack_frame *)rbp;

	print_location(rip);
	for (u32 i = 0; i < MAX_FRAMES && is_frame(frame); i++) {
		print_location(frame->return_address);
		frame = next_frame(frame);
	}
}

static bool is_frame_on(const struct stack_frame *frame, u64 bottom, u64 top)
{
	return (u64)frame >= bottom && (u64)frame <= top - sizeof(*frame) && is_frame(frame);
}

void backtrace_print_stack(u64 rip, u64 rbp, u64 bottom, u64 top)
{
	const struct stack_frame *frame = (const struct stack_frame *)rbp;

	print_location(rip);
	while (is_frame_on(frame, bottom, top)) {
		print_location(frame->return_address);
		frame = next_frame(frame);
	}
}

u64 backtrace_find_outside(u64 rbp, u64 bottom, u64 top, const char *from, const char *to)
{
	const struct stack_frame *frame = (const struct stack_frame *)rbp;

	while (is_frame_on(frame, bottom, top)) {
		u64 address = frame->return_address;

		if (address < (u64)from || address >= (u64)to)
			return address;
		frame = next_frame(frame);
	}
	return 0;
}
