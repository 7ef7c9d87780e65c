/* The whole memory state as state_* records. */
#ifndef MM_BASELINE_H
#define MM_BASELINE_H

#include "lib/types.h"

/* Emits every object that mm knows. All CPUs quiesced. Returns the records emitted. */
u64 mm_baseline(void);

#endif
