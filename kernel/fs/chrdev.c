/* Which operations character device numbers have. The table is filled at boot and not changed
 * afterwards, so nothing locks it. */
#include "fs/chrdev.h"
#include "cpu/panic.h"
#include "fs/tmpfs.h"

#define MAX_RANGES 32

static struct chrdev_range {
	u32 first, nr;
	const struct file_ops *ops;
} ranges[MAX_RANGES];
static u32 nr_ranges;

void chrdev_register(u32 dev, u32 nr_minors, const char *name, u32 mode, const struct file_ops *ops)
{
	if (nr_ranges == MAX_RANGES)
		panic("chrdev: more than %d ranges", MAX_RANGES);
	ranges[nr_ranges++] = (struct chrdev_range){dev, nr_minors, ops};
	if (name && devtmpfs_create(name, S_IFCHR | mode, dev, NULL) != 0)
		panic("chrdev: no memory for /dev/%s", name);
}

const struct file_ops *chrdev_find(u32 dev)
{
	for (u32 i = 0; i < nr_ranges; i++)
		if (dev >= ranges[i].first && dev - ranges[i].first < ranges[i].nr)
			return ranges[i].ops;
	return NULL;
}
