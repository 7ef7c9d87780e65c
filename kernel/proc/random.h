/*
 * Random numbers for AT_RANDOM and getrandom(2): a small generator stirred with the time-stamp
 * counter. Good enough to make two runs of a hash table differ; not fit for cryptography, and the
 * machine has no better source.
 */
#ifndef PROC_RANDOM_H
#define PROC_RANDOM_H

#include "lib/types.h"

/* Fills n bytes. Any context. */
void random_bytes(void *to, size_t n);

#endif
