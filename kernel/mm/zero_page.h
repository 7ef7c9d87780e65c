/* The page of zeroes that first reads of anonymous memory map. Never counted, listed, written or
 * freed. */
#ifndef MM_ZERO_PAGE_H
#define MM_ZERO_PAGE_H

#include "mm/page.h"

extern struct page *zero_page;

#endif
