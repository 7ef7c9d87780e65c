/* The files that proc/coredump.c writes, and what it asks of those that are mapped. */
#include "fs/change.h"
#include "fs/open.h"
#include "fs/regular.h"
#include "fs/tmpfs.h"
#include "proc/files.h"

#define CORE_MODE 0600u

int core_file_open(const char *name, struct file **result)
{
	/* One that is in the way goes, and nothing is written through a link or to a file that others can
	 * read. What remains in the way, O_EXCL finds. */
	(void)do_unlink(AT_FDCWD, name);
	return do_open(AT_FDCWD, name, O_CREAT | O_EXCL | O_RDWR | O_NOFOLLOW | O_LARGEFILE,
		       CORE_MODE, result);
}

long core_file_write(struct file *file, const void *from, size_t n, u64 *pos)
{
	return regular_write_kernel(file, from, n, pos);
}

void core_file_close(struct file *file)
{
	file_put(file);
}

const char *files_mapping_path(struct address_space *mapping, char *buffer, bool *is_named)
{
	struct inode *inode = tmpfs_inode_of(mapping);

	if (!inode)
		return NULL;
	*is_named = READ_ONCE(inode->nlink) != 0;
	return inode_path_text(inode, buffer, MAPPING_PATH_MAX);
}
