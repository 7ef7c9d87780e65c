/* memfd_create(2), and the seals of fcntl(2). */
#include "fs/memfd.h"

#include "fs/inode.h"
#include "fs/regular.h"
#include "fs/tmpfs.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/i_mmap.h"

#define MEMFD_NAME_SIZE 256

int memfd_create(const char *name, bool sealable, struct file **result)
{
	char full[MEMFD_NAME_SIZE + sizeof("memfd:")];
	int error;

	snprintf(full, sizeof(full), "memfd:%s", name);
	error = tmpfs_create_file(full, 0, O_RDWR | O_LARGEFILE, result);
	if (error == 0 && sealable)
		(*result)->inode->mapping.seals &= ~F_SEAL_SEAL;
	return error;
}

static bool has_seals(const struct file *file)
{
	return file->ops == &regular_ops;
}

/* The file's lock is held. */
static int add_seals(struct address_space *mapping, u32 seals)
{
	int error = 0;

	if (mapping->seals & F_SEAL_SEAL)
		return -EPERM;
	if ((seals & F_SEAL_WRITE) && !(mapping->seals & F_SEAL_WRITE))
		error = mapping_deny_writable(mapping);
	if (error == 0)
		WRITE_ONCE(mapping->seals, mapping->seals | seals);
	return error;
}

int memfd_add_seals(struct file *file, u64 seals)
{
	int error;

	if (seals > UINT32_MAX)
		return -EINVAL;
	if (!(file->mode & FMODE_WRITE))
		return -EPERM;
	if ((seals & ~(u64)F_ALL_SEALS) || !has_seals(file))
		return -EINVAL;
	down_write(&file->inode->lock);
	error = add_seals(&file->inode->mapping, seals);
	up_write(&file->inode->lock);
	return error;
}

long memfd_get_seals(struct file *file)
{
	return has_seals(file) ? (long)READ_ONCE(file->inode->mapping.seals) : -EINVAL;
}
