/*
 * Unpacking the initramfs into the root: files, directories, links, devices, with their rights,
 * owners and times. Frames of the archive go to the page allocator as soon as what lies in them is
 * unpacked, so a small machine never holds all of it twice.
 *
 * Members with the same inode number and more than one link are names of one file; its content
 * stands with one of them.
 */
#include "fs/initramfs.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/layout.h"
#include "cpu/panic.h"
#include "fs/attr.h"
#include "fs/change.h"
#include "fs/cpio.h"
#include "fs/open.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page_alloc.h"
#include "mm/slab.h"

/* A file with more than one name, and the first of them. */
struct linked {
	struct list_head node;
	u32 ino;
	char name[];
};

struct unpacking {
	struct cpio_reader reader;
	phys_addr_t released; /* the archive's frames below it are free already */
	struct list_head links;
};

/* ---- members ---- */

static struct linked *find_link(struct unpacking *unpacking, u32 ino)
{
	struct linked *linked;

	list_for_each_entry (linked, &unpacking->links, node)
		if (linked->ino == ino)
			return linked;
	return NULL;
}

static int remember_link(struct unpacking *unpacking, const struct cpio_member *member)
{
	size_t size = strlen(member->name) + 1;
	struct linked *linked = kmalloc(sizeof(*linked) + size, GFP_KERNEL);

	if (!linked)
		return -ENOMEM;
	linked->ino = member->ino;
	memcpy(linked->name, member->name, size);
	list_add(&linked->node, &unpacking->links);
	return 0;
}

static int write_content(const struct cpio_member *member)
{
	struct file *file;
	int error =
		do_open(AT_FDCWD, member->name, O_WRONLY | O_CREAT, member->mode & 07777, &file);

	if (error != 0)
		return error;
	struct inode *inode = file->inode;
	u32 done = 0;

	down_write(&inode->lock);
	while (done < member->size && error == 0) {
		long n = mapping_write_kernel(&inode->mapping, done, member->data + done,
					      member->size - done);
		if (n > 0)
			done += n;
		else
			error = n < 0 ? (int)n : -EIO;
	}
	up_write(&inode->lock);
	file_put(file);
	return error;
}

static int make_file(struct unpacking *unpacking, const struct cpio_member *member)
{
	struct linked *linked = member->nlink > 1 ? find_link(unpacking, member->ino) : NULL;
	int error = 0;

	if (linked)
		error = do_link(AT_FDCWD, linked->name, AT_FDCWD, member->name, 0);
	else if (member->nlink > 1)
		error = remember_link(unpacking, member);
	if (error == 0 && (!linked || member->size > 0))
		error = write_content(member);
	return error;
}

static int make_link(const struct cpio_member *member)
{
	char *body = kmalloc(member->size + 1, GFP_ZERO);

	if (!body)
		return -ENOMEM;
	memcpy(body, member->data, member->size);
	int error = do_symlink(body, AT_FDCWD, member->name);
	kfree(body);
	return error;
}

static int set_attributes(const struct cpio_member *member)
{
	struct timestamp time = {.sec = member->mtime};
	struct path path;
	int error = path_lookup(AT_FDCWD, member->name, 0, &path);

	if (error != 0)
		return error;
	struct inode *inode = path.dentry->inode;

	spin_lock(&inode->attr_lock);
	inode->uid = member->uid;
	inode->gid = member->gid;
	if (!is_symlink(inode))
		inode->mode = (inode->mode & S_IFMT) | (member->mode & 07777);
	inode->atime = inode->mtime = time;
	spin_unlock(&inode->attr_lock);
	path_put(&path);
	return 0;
}

static int unpack_member(struct unpacking *unpacking, const struct cpio_member *member)
{
	int error;

	switch (member->mode & S_IFMT) {
	case S_IFREG:
		error = make_file(unpacking, member);
		break;
	case S_IFDIR:
		error = do_mkdir(AT_FDCWD, member->name, member->mode & 07777);
		if (error == -EEXIST)
			error = 0;
		break;
	case S_IFLNK:
		error = make_link(member);
		break;
	default:
		error = do_mknod(AT_FDCWD, member->name, member->mode,
				 MKDEV(member->rdev_major, member->rdev_minor));
	}
	return error == 0 ? set_attributes(member) : error;
}

/* ---- the archive ---- */

/* Frees the frames of the archive that end at or below `end`. */
static void release_frames(struct unpacking *unpacking, phys_addr_t end)
{
	pfn_t first = unpacking->released >> PAGE_SHIFT, last = end >> PAGE_SHIFT;

	if (last <= first)
		return;
	page_alloc_add(first, last);
	unpacking->released = (phys_addr_t)last << PAGE_SHIFT;
}

static void unpack_all(struct unpacking *unpacking, phys_addr_t start)
{
	struct cpio_member member;
	enum cpio_result result;

	while ((result = cpio_next(&unpacking->reader, &member)) == CPIO_MEMBER) {
		int error = unpack_member(unpacking, &member);

		if (error == -ENOSPC || error == -ENOMEM)
			panic("initramfs: no room for %s: the machine needs more memory, "
			      "or rootflags=size= a larger root",
			      member.name);
		if (error != 0)
			printk("initramfs: %s: error %d", member.name, -error);
		release_frames(unpacking, start + unpacking->reader.at);
	}
	if (result == CPIO_FAULT)
		printk("initramfs: malformed at byte %lu; the files before it are there",
		       unpacking->reader.at);
}

void initramfs_unpack(void)
{
	const struct phys_range *initrd = &boot_info.initrd;
	struct unpacking unpacking = {
		.reader = {.archive = phys_to_virt(initrd->start),
			   .size = initrd->end - initrd->start},
		.released = initrd->start & PAGE_MASK,
	};

	list_init(&unpacking.links);
	unpack_all(&unpacking, initrd->start);
	release_frames(&unpacking, PAGE_ALIGN(initrd->end));
	while (!list_empty(&unpacking.links)) {
		struct linked *linked = list_first_entry(&unpacking.links, struct linked, node);

		list_del(&linked->node);
		kfree(linked);
	}
}
