/* Moving the image and the direct map (kaslr.c). Called by pvh.S and boot.c, in this order. */
#ifndef ARCH_KASLR_H
#define ARCH_KASLR_H

#include "lib/types.h"

/* Sets boot_seed, and unless the command line says `nokaslr` chooses the places, maps them and
 * relocates the image. Afterwards every address in the image is one of the new place, and the
 * caller goes there. Runs at the place where the image was linked. */
void kaslr_relocate(phys_addr_t start_info);

/* Unmaps the place where the image was linked. */
void kaslr_finish(void);

#endif
