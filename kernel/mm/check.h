/* mm_check(): one verifier that walks everything and compares it with everything else. */
#ifndef MM_CHECK_H
#define MM_CHECK_H

#include "lib/types.h"

/* Sets the scratch memory aside; after swap_on(). */
void mm_check_init(void);

/* Compares page tables, rmap, LRU lists, swap map, reference counts and free lists with each other;
 * prints "mm_check: clean", or a line for each disagreement (20 at most) that names the page. All
 * CPUs quiesced. Returns the number of disagreements. */
u32 mm_check(void);

#endif
