/*
 * The initramfs: its archive stays where the boot loader put it, and the inodes point into it.
 * Nothing is ever written, so there is no lock.
 *
 * Only regular files and directories; everything else in the archive is skipped with a message.
 * Lookup compares the whole canonical path with each inode: there are a dozen. Tables of
 * directories were rejected for that.
 */
#include "fs/initramfs.h"
#include "arch/x86_64/boot.h"
#include "arch/x86_64/layout.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/panic.h"
#include "fs/cpio.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmap.h"
#include "mm/slab.h"
#include "proc/files.h"

#define ROOT_INO  1
#define ROOT_MODE (S_IFDIR | 0755)
#define ANY_EXEC  0111u

static struct inode *inodes; /* the root first */
static u32 nr_inodes;

static int read_page(struct backing *backing, u64 offset, struct page *page)
{
	const struct inode *inode = container_of(backing, struct inode, backing);
	u64 left = offset < backing->size ? backing->size - offset : 0;
	size_t part = min(left, PAGE_SIZE);
	char *to = page_virt(page);

	memcpy(to, inode->data + offset, part);
	memset(to + part, 0, PAGE_SIZE - part);
	return 0;
}

static const struct backing_ops initramfs_backing_ops = {.read_page = read_page};

/* ---- paths ---- */

/* Appends the components of `path` to the canonical path in `to` (PATH_MAX bytes); ".." at the root
 * stays there. */
static int append_path(char *to, const char *path)
{
	size_t length = strlen(to);

	while (*path) {
		const char *end = path;

		while (*end && *end != '/')
			end++;
		size_t part = end - path;
		if (part == 2 && path[0] == '.' && path[1] == '.') {
			while (length > 0 && to[--length] != '/')
				;
		} else if (part > 0 && !(part == 1 && path[0] == '.')) {
			if (length + 1 + part >= PATH_MAX)
				return -ENAMETOOLONG;
			if (length > 0)
				to[length++] = '/';
			memcpy(to + length, path, part);
			length += part;
		}
		to[length] = '\0';
		path = *end ? end + 1 : end;
	}
	return 0;
}

/* The inode whose path is the first `length` bytes of `path`, or NULL. */
static struct inode *find(const char *path, size_t length)
{
	for (u32 i = 0; i < nr_inodes; i++)
		if (strncmp(inodes[i].path, path, length) == 0 && inodes[i].path[length] == '\0')
			return &inodes[i];
	return NULL;
}

/* Why there is no such path: -ENOTDIR when a file stands where a directory is needed. */
static int reason_of_absence(const char *path)
{
	for (size_t i = 0; path[i]; i++) {
		const struct inode *inode = path[i] == '/' ? find(path, i) : NULL;

		if (inode && (inode->mode & S_IFMT) != S_IFDIR)
			return -ENOTDIR;
	}
	return -ENOENT;
}

int initramfs_lookup(const struct inode *base, const char *path, struct inode **result)
{
	int error = 0;

	if (path[0] == '\0')
		return -ENOENT;
	char *canonical = kmalloc(PATH_MAX, GFP_ZERO);
	if (!canonical)
		return -ENOMEM;
	if (base && path[0] != '/')
		error = append_path(canonical, base->path);
	if (error == 0)
		error = append_path(canonical, path);
	if (error == 0) {
		*result = find(canonical, strlen(canonical));
		if (!*result)
			error = reason_of_absence(canonical);
	}
	kfree(canonical);
	return error;
}

int files_find_program(const char *path, struct backing **program)
{
	struct inode *inode;
	int error = initramfs_lookup(NULL, path, &inode);

	if (error != 0)
		return error;
	if ((inode->mode & S_IFMT) != S_IFREG || !(inode->mode & ANY_EXEC))
		return -EACCES;
	*program = &inode->backing;
	return 0;
}

/* ---- files ---- */

static long read_file(struct file *file, void __user *to, size_t size, u64 *pos)
{
	const struct inode *inode = file->inode;

	if ((inode->mode & S_IFMT) == S_IFDIR)
		return -EISDIR;
	if (*pos >= inode->backing.size)
		return 0;
	size_t part = min(size, (size_t)(inode->backing.size - *pos));
	if (copy_to_user(to, inode->data + *pos, part) != 0)
		return -EFAULT;
	*pos += part;
	return part;
}

static s64 file_size(struct file *file)
{
	return file->inode->backing.size;
}

void initramfs_stat(const struct inode *inode, struct stat *stat)
{
	*stat = (struct stat){
		.dev = 1,
		.ino = inode->ino,
		.nlink = (inode->mode & S_IFMT) == S_IFDIR ? 2 : 1,
		.mode = inode->mode,
		.size = inode->backing.size,
		.blksize = PAGE_SIZE,
		.blocks = (inode->backing.size + 511) / 512,
	};
}

static void stat_file(struct file *file, struct stat *stat)
{
	initramfs_stat(file->inode, stat);
}

static const struct file_ops initramfs_file_ops = {
	.read = read_file,
	.size = file_size,
	.stat = stat_file,
};

int initramfs_open(const struct inode *inode, u32 flags, struct file **result)
{
	bool is_directory = (inode->mode & S_IFMT) == S_IFDIR;
	bool to_write = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);

	if (is_directory && (to_write || (flags & O_CREAT)))
		return -EISDIR;
	if (!is_directory && (flags & O_DIRECTORY))
		return -ENOTDIR;
	if (to_write)
		return -EROFS;
	*result = file_create(&initramfs_file_ops, inode, flags);
	return *result ? 0 : -ENOMEM;
}

/* ---- boot ---- */

static struct cpio_reader open_archive(void)
{
	const struct phys_range *initrd = &boot_info.initrd;

	return (struct cpio_reader){.archive = phys_to_virt(initrd->start),
				    .size = initrd->end - initrd->start};
}

static bool is_supported(const struct cpio_member *member)
{
	u32 type = member->mode & S_IFMT;

	return type == S_IFREG || type == S_IFDIR;
}

static u32 count_members(void)
{
	struct cpio_reader reader = open_archive();
	struct cpio_member member;
	enum cpio_result result;
	u32 nr = 0;

	while ((result = cpio_next(&reader, &member)) == CPIO_MEMBER)
		nr += is_supported(&member);
	if (result == CPIO_FAULT)
		printk("initramfs: malformed at byte %lu; the files before it are there",
		       reader.at);
	return nr;
}

/* Archives call their members "init", "./init" or "/init". */
static char *canonical_name(const char *name)
{
	char *canonical = kmalloc(PATH_MAX, GFP_ZERO);

	if (!canonical || append_path(canonical, name) != 0) {
		kfree(canonical);
		return NULL;
	}
	size_t size = strlen(canonical) + 1;
	char *kept = kmalloc(size, GFP_KERNEL);
	if (kept)
		memcpy(kept, canonical, size);
	kfree(canonical);
	return kept;
}

static void add_inode(const struct cpio_member *member)
{
	const char *path = canonical_name(member->name);

	if (!path) {
		printk("initramfs: left out, no memory or name too long: %s", member->name);
		return;
	}
	if (find(path, strlen(path))) {
		kfree(path); /* the root, or a name that came before */
		return;
	}
	inodes[nr_inodes] = (struct inode){
		.backing = {.ops = &initramfs_backing_ops, .size = member->size},
		.data = member->data,
		.path = path,
		.ino = ROOT_INO + nr_inodes,
		.mode = member->mode & (S_IFMT | 07777),
	};
	nr_inodes++;
}

void initramfs_init(void)
{
	struct cpio_reader reader = open_archive();
	struct cpio_member member;

	/* Nothing writes to it, and nothing shall. */
	if (kmap_protect(reader.archive, reader.size, KMAP_READ_ONLY))
		printk("initramfs: no memory to protect it from writing");
	inodes = kmalloc((1 + count_members()) * sizeof(*inodes), GFP_ZERO);
	if (!inodes)
		panic("initramfs: no memory for its inodes");
	inodes[nr_inodes++] = (struct inode){
		.backing = {.ops = &initramfs_backing_ops},
		.path = "",
		.ino = ROOT_INO,
		.mode = ROOT_MODE,
	};
	while (cpio_next(&reader, &member) == CPIO_MEMBER) {
		if (is_supported(&member))
			add_inode(&member);
		else
			printk("initramfs: left out, neither file nor directory: %s", member.name);
	}
}
