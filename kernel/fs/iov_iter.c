/* Vectors of user buffers: importing one, and copying piece by piece. */
#include "fs/iov_iter.h"
#include "arch/x86_64/uaccess.h"
#include "fs/file.h"
#include "lib/errno.h"
#include "mm/slab.h"

/* Checks the parts and sums them up; what is behind MAX_TRANSFER bytes is cut off. */
static int check_parts(struct iovec *parts, u64 nr, size_t *count)
{
	size_t total = 0;

	for (u64 i = 0; i < nr; i++) {
		if ((s64)parts[i].size < 0)
			return -EINVAL;
	}
	for (u64 i = 0; i < nr; i++) {
		if (!user_range_ok((const void __user *)parts[i].base, parts[i].size))
			return -EFAULT;
		parts[i].size = min(parts[i].size, MAX_TRANSFER - total);
		total += parts[i].size;
	}
	*count = total;
	return 0;
}

int iov_import(u64 vector, u64 nr, struct iovec fast[IOV_FAST], struct iovec **parts,
	       struct iov_iter *iter)
{
	struct iovec *copy = fast;
	size_t count;
	int error = -EFAULT;

	if (nr > IOV_MAX)
		return -EINVAL;
	if (nr > IOV_FAST)
		copy = kmalloc(nr * sizeof(*copy), GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	if (copy_from_user(copy, (const void __user *)vector, nr * sizeof(*copy)) == 0)
		error = check_parts(copy, nr, &count);
	if (error != 0) {
		if (copy != fast)
			kfree(copy);
		return error;
	}
	*parts = copy;
	*iter = iov_iter(copy, count);
	return 0;
}

struct iovec iov_iter_part(struct iov_iter *iter)
{
	while (iter->offset == iter->part->size) {
		iter->part++;
		iter->offset = 0;
	}
	return (struct iovec){.base = iter->part->base + iter->offset,
			      .size = iter->part->size - iter->offset};
}

void iov_iter_advance(struct iov_iter *iter, size_t size)
{
	iter->count -= size;
	while (size > 0) {
		size_t step = min(size, (size_t)iov_iter_part(iter).size);

		iter->offset += step;
		size -= step;
	}
}

int copy_to_iter(struct iov_iter *iter, const void *from, size_t size)
{
	struct iov_iter at = *iter;

	while (size > 0) {
		struct iovec part = iov_iter_part(&at);
		size_t step = min(size, (size_t)part.size);

		if (iter->is_kernel)
			memcpy((void *)part.base, from, step);
		else if (copy_to_user((void __user *)part.base, from, step) != 0)
			return -EFAULT;
		iov_iter_advance(&at, step);
		from = (const u8 *)from + step;
		size -= step;
	}
	*iter = at;
	return 0;
}

int copy_from_iter(void *to, struct iov_iter *iter, size_t size)
{
	struct iov_iter at = *iter;

	while (size > 0) {
		struct iovec part = iov_iter_part(&at);
		size_t step = min(size, (size_t)part.size);

		if (iter->is_kernel)
			memcpy(to, (const void *)part.base, step);
		else if (copy_from_user(to, (const void __user *)part.base, step) != 0)
			return -EFAULT;
		iov_iter_advance(&at, step);
		to = (u8 *)to + step;
		size -= step;
	}
	*iter = at;
	return 0;
}
