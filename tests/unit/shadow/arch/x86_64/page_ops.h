/* Stands in for kernel/arch/x86_64/page_ops.h: by libc, so that the sanitizer sees the accesses. */
#ifndef ARCH_PAGE_OPS_H
#define ARCH_PAGE_OPS_H

#include "lib/string.h"
#include "lib/types.h"

static inline void clear_page(void *page)
{
	memset(page, 0, PAGE_SIZE);
}
static inline void copy_page(void *to, const void *from)
{
	memcpy(to, from, PAGE_SIZE);
}

#endif
