/* Who called whom, by the frame pointers; the symbols come from the kernel's own table. Any
 * context. */
#ifndef CPU_BACKTRACE_H
#define CPU_BACKTRACE_H

#include "lib/types.h"

/* A backtrace kept for a later report, innermost first: the low halves of the addresses, whose
 * upper halves are all ones throughout the image. The first 0 is its end. */
#define SAVED_FRAMES 8

struct backtrace {
	u32 pcs[SAVED_FRAMES];
};

/* Saves the callers of the function whose frame this is: pass __builtin_frame_address(0). */
void backtrace_save(struct backtrace *saved, const void *frame);
void backtrace_print_saved(const struct backtrace *saved);

/* Prints `rip` and then the callers that the frame at `rbp` leads to. */
void backtrace_print(u64 rip, u64 rbp);

/* The same, looking at nothing but the stack [bottom, top): for a stack that may be anything. */
void backtrace_print_stack(u64 rip, u64 rbp, u64 bottom, u64 top);

/* The first return address on the stack [bottom, top) that does not lie in [from, to), or 0. */
u64 backtrace_find_outside(u64 rbp, u64 bottom, u64 top, const char *from, const char *to);

/* "function+0x12/0x80", or the bare number of an address outside the text. */
#define LOCATION_MAX 96
void backtrace_describe(char text[LOCATION_MAX], u64 address);

#endif
