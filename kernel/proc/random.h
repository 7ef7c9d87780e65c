/*
 * Random numbers for programs: the places of ASLR, AT_RANDOM, getrandom(2). A keyed function of a
 * counter, the key being the seed of the boot: the same seed and the same order of calls give the
 * same numbers, and who sees some cannot compute others. With a seed from the command line they
 * are no secret, of course.
 */
#ifndef PROC_RANDOM_H
#define PROC_RANDOM_H

#include "lib/types.h"

/* Any context. */
u64 random_u64(void);
void random_bytes(void *to, size_t n);

#endif
