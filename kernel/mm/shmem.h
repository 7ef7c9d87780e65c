/*
 * Shared memory that has no file: MAP_SHARED | MAP_ANONYMOUS, System V segments. To the rest of mm it is a
 * file nobody can open.
 */
#ifndef MM_SHMEM_H
#define MM_SHMEM_H

#include "mm/address_space.h"

struct mm;

void shmem_init(void);

/* A mapping of `size` bytes with one reference, the caller's, to be given back by mapping_put(). Charged
 * to `mm` unless vm_flags has VM_NORESERVE. NULL and *error = -ENOMEM. May sleep. */
struct address_space *shmem_create(const struct mm *mm, u64 size, u32 vm_flags, int *error);

#endif
