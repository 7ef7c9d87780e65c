/*
 * Buffers of programs that one transfer fills or empties: the parts of readv and writev, or the one
 * of read and write. A transfer takes from the front and advances.
 */
#ifndef FS_IOV_ITER_H
#define FS_IOV_ITER_H

#include "lib/types.h"

#define IOV_MAX  1024
#define IOV_FAST 8 /* parts that need no allocation */

/* struct iovec of the ABI. */
struct iovec {
	u64 base, size;
};

struct iov_iter {
	const struct iovec *part; /* the one at the front */
	size_t offset;            /* bytes of it that are done */
	size_t count;             /* bytes left in all parts */
	bool is_kernel;           /* kernel memory, which needs no check */
};

/* What `nr` parts cover, `count` bytes. */
static inline struct iov_iter iov_iter(const struct iovec *parts, size_t count)
{
	return (struct iov_iter){.part = parts, .count = count};
}

/* Copies the vector of a program. Checks it as Linux does: -EINVAL for too many parts or a size
 * that is negative, -EFAULT where it or what it covers lies above user memory, -ENOMEM. Cut to
 * MAX_TRANSFER bytes. *parts is `fast`, or memory that the caller gives back with kfree(). */
int iov_import(u64 vector, u64 nr, struct iovec fast[IOV_FAST], struct iovec **parts,
	       struct iov_iter *iter);

/* The rest of the part at the front; not empty while count > 0. */
struct iovec iov_iter_part(struct iov_iter *iter);
void iov_iter_advance(struct iov_iter *iter, size_t size);

/* Copies `size` bytes, at most iter->count, and advances; or -EFAULT, and it has not moved: how much
 * was copied is unspecified then. May sleep. */
int __must_check copy_to_iter(struct iov_iter *iter, const void *from, size_t size);
int __must_check copy_from_iter(void *to, struct iov_iter *iter, size_t size);

#endif
