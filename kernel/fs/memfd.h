/* Files without a name, and seals: what may not be done to a file any more. Seals are Linux's F_SEAL_*, kept in
 * the mapping under the file's lock. */
#ifndef FS_MEMFD_H
#define FS_MEMFD_H

#include "fs/file.h"

/* A new file called "memfd:NAME", of size 0; `sealable`: seals can be added. 0 or -errno. */
int memfd_create(const char *name, bool sealable, struct file **result);

/* F_ADD_SEALS: 0; -EPERM when the file is not open for writing or sealed against this; -EBUSY when it is mapped
 * writable; -EINVAL for unknown seals or another kind of file. F_GET_SEALS: the seals, or -EINVAL. */
int memfd_add_seals(struct file *file, u64 seals);
long memfd_get_seals(struct file *file);

#endif
