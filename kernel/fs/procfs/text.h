/* Text that grows in a buffer: what a generated file says. What does not fit is counted, so that
 * the caller can try again with a larger one. */
#ifndef FS_PROCFS_TEXT_H
#define FS_PROCFS_TEXT_H

#include "lib/types.h"

struct text {
	char *buffer;
	size_t size;
	size_t used; /* bytes wanted so far, perhaps more than size */
};

void text_put(struct text *text, const void *bytes, size_t size);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...) __printf(2, 3);
void text_put_octal(struct text *text, u32 number);
/* A set of numbers from 0 to 63 as Linux lists it: "0-2,4". */
void text_put_list(struct text *text, u64 mask);
/* Spaces up to a column of the line that began at `start`. */
void text_pad(struct text *text, size_t start, size_t column);
/* A path: '\n' and the others of `escape` as octal. */
void text_put_escaped(struct text *text, const char *string, const char *escape);

#endif
