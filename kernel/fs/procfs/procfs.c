/* The tree of nodes as a file system: inodes, lookup, listing, reading and writing. */
#include "fs/procfs/procfs.h"
#include "arch/x86_64/uaccess.h"
#include "fs/dentry.h"
#include "fs/procfs/sysfs.h"
#include "fs/procfs/task.h"
#include "fs/readdir.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/task.h"

#define PROC_MAGIC  0x9fa0
#define SYSFS_MAGIC 0x62656572
#define ROOT_INO    1

#define FIRST_SIZE 1024
#define MAX_SIZE   (4 * MIB)
#define MAX_WRITE  4096

static const struct inode_ops proc_inode_ops;
static const struct inode_ops proc_directory_ops;
static const struct file_ops proc_file_ops;

static struct proc_inode *proc_of(const struct inode *inode)
{
	return inode->private;
}

/* The inode and what it tells of are one block. */
struct proc_block {
	struct proc_inode proc;
	struct super_block *sb;
	u64 ino;
};

struct super_block *proc_sb(const struct proc_inode *proc)
{
	return container_of(proc, struct proc_block, proc)->sb;
}

/* FNV-1a over the directory's number and the name: equal paths have equal numbers. */
u64 proc_ino(const struct proc_inode *dir, const char *name, u32 length)
{
	u64 hash = 14695981039346656037ul ^ container_of(dir, struct proc_block, proc)->ino;

	for (u32 i = 0; i < length; i++)
		hash = (hash ^ (u8)name[i]) * 1099511628211ul;
	return (u32)(hash ^ hash >> 32) | BIT(31);
}

/* Who owns the files of a process that may not be looked into: root, but for the directories that all may
 * read. */
static bool is_roots(const struct proc_node *node, const struct task *task)
{
	return !task || (!READ_ONCE(task->cred.dumpable) && node->mode != (S_IFDIR | 0555));
}

int proc_inode_create(struct super_block *sb, const struct proc_node *node, u64 ino,
		      struct task *task, u64 number, struct inode **result)
{
	struct proc_block *block = kmalloc(sizeof(*block), GFP_ZERO);
	struct inode *inode = block ? inode_create(sb, node->mode) : NULL;

	if (!inode) {
		kfree(block);
		return -ENOMEM;
	}
	block->proc = (struct proc_inode){.node = node, .task = task, .number = number};
	block->sb = sb;
	block->ino = ino;
	if (task)
		task_get(task);
	inode->ino = ino;
	inode->uid = is_roots(node, task) ? 0 : READ_ONCE(task->cred.euid);
	inode->gid = is_roots(node, task) ? 0 : READ_ONCE(task->cred.egid);
	inode->private = &block->proc;
	inode->ops = &proc_inode_ops;
	inode->file_ops = &proc_file_ops;
	if (is_directory(inode)) {
		inode->ops = &proc_directory_ops;
		inode->file_ops = &directory_ops;
		inode->nlink = 2;
	}
	*result = inode;
	return 0;
}

static void evict(struct inode *inode)
{
	struct proc_inode *proc = proc_of(inode);

	if (proc->task)
		task_put(proc->task);
	kfree(container_of(proc, struct proc_block, proc));
}

/* ---- directories ---- */

static int lookup(struct inode *dir, const char *name, u32 length, struct inode **result)
{
	const struct proc_inode *proc = proc_of(dir);
	const struct proc_node *node = proc->node->children;

	for (; node && node->name; node++)
		if (strlen(node->name) == length && memcmp(node->name, name, length) == 0)
			return proc_inode_create(dir->sb, node, proc_ino(proc, name, length),
						 proc->task, proc->number, result);
	return proc->node->lookup ? proc->node->lookup(proc, name, length, result) : -ENOENT;
}

/* Positions: "." and ".." are 0 and 1, then come the fixed names, from NUMBERED on the others. */
#define NUMBERED BIT(20)

static int iterate(struct inode *dir, struct dir_context *context)
{
	const struct proc_inode *proc = proc_of(dir);
	const struct proc_node *node = proc->node->children;
	char name[PROC_NAME_LEN];

	if (!dir_emit_dots(context))
		return 0;
	for (u64 pos = 2; node && node->name; node++, pos++) {
		u32 length = strlen(node->name);

		if (pos >= context->pos &&
		    !dir_emit_next(context, node->name, length, proc_ino(proc, node->name, length),
				   node->mode, pos + 1))
			return 0;
	}
	if (!proc->node->next)
		return 0;
	u64 number = context->pos >= NUMBERED ? context->pos - NUMBERED : 0;
	for (; proc->node->next(proc, &number, name); number++) {
		u32 length = strlen(name);

		if (!dir_emit_next(context, name, length, proc_ino(proc, name, length),
				   proc->node->next_mode, NUMBERED + number + 1))
			return 0;
	}
	return 0;
}

/* Nothing is below a process that is gone. Its own descriptors a process always sees. */
static int may_enter(struct inode *inode, u32 mask)
{
	const struct proc_inode *proc = proc_of(inode);

	if (proc->task && proc_task_is_gone(proc->task))
		return -ESRCH;
	if (proc->node->lookup == proc_lookup_fd && proc->task->process == current_process)
		return 0;
	return inode_check_mode(inode, mask);
}

static int may_inspect(const struct proc_inode *proc)
{
	if (!proc->node->is_private)
		return 0;
	spin_lock(&tasks_lock);
	bool may = cred_may_inspect(proc->task);
	spin_unlock(&tasks_lock);
	return may ? 0 : -EACCES;
}

static const struct inode_ops proc_directory_ops = {
	.permission = may_enter,
	.lookup = lookup,
	.iterate = iterate,
};

static int get_link(struct inode *inode, struct link_target *target)
{
	const struct proc_inode *proc = proc_of(inode);
	int error = may_inspect(proc);

	return error != 0 ? error : proc->node->get_link(proc, target);
}

static void getattr(struct inode *inode, struct stat *stat)
{
	const struct proc_inode *proc = proc_of(inode);

	stat->blksize = 1024;
	if (is_symlink(inode) && proc->node->link_size)
		stat->size = proc->node->link_size;
}

/* Shells open with O_TRUNC what they write to. */
static int truncate(struct inode *inode, u64 size)
{
	(void)inode;
	(void)size;
	return 0;
}

static const struct inode_ops proc_inode_ops = {
	.truncate = truncate,
	.get_link = get_link,
	.getattr = getattr,
};

/* ---- files ---- */

/* The text of a file, as long as it is open: file->private. */
struct content {
	struct text text;
};

static int make_text(struct text *text, const struct proc_inode *proc)
{
	size_t size = text->size ? text->size : FIRST_SIZE;

	for (;;) {
		if (size > text->size) {
			kfree(text->buffer);
			text->size = 0;
			text->buffer = kmalloc(size, GFP_NOOOM);
			if (!text->buffer)
				return -ENOMEM;
			text->size = size;
		}
		text->used = 0;
		/* It may have executed another program since the file was opened. */
		int error = may_inspect(proc);
		if (error == 0)
			error = proc->node->show(text, proc);
		if (error != 0)
			return error;
		if (text->used <= text->size)
			return 0;
		if (size >= MAX_SIZE) {
			text->used = text->size;
			return 0;
		}
		size = min(max(size * 2, PAGE_ALIGN(text->used)), MAX_SIZE);
	}
}

static int open_file(struct inode *inode, struct file *file)
{
	const struct proc_node *node = proc_of(inode)->node;

	int error = may_inspect(proc_of(inode));

	if (error != 0)
		return error;
	if ((file->mode & FMODE_WRITE) && !node->write)
		return -EIO;
	if (node->show) {
		file->private = kmalloc(sizeof(struct content), GFP_ZERO);
		if (!file->private)
			return -ENOMEM;
	}
	return 0;
}

static void release_file(struct file *file)
{
	struct content *content = file->private;

	if (content)
		kfree(content->text.buffer);
	kfree(content);
}

/* pread() from several threads: file->lock is not held, so the text is made apart. */
static long read_apart(struct file *file, void __user *to, size_t size, u64 *pos)
{
	struct text text = {0};
	long done = make_text(&text, proc_of(file->inode));

	if (done == 0 && *pos < text.used) {
		done = min(size, text.used - (size_t)*pos);
		if (copy_to_user(to, text.buffer + *pos, done) != 0)
			done = -EFAULT;
		else
			*pos += done;
	}
	kfree(text.buffer);
	return done;
}

static long read_file(struct file *file, void __user *to, size_t size, u64 *pos)
{
	const struct proc_inode *proc = proc_of(file->inode);
	struct content *content = file->private;

	if (proc->node->read)
		return may_inspect(proc) ?: proc->node->read(proc, to, size, pos);
	if (!proc->node->show)
		return -EINVAL;
	if (pos != &file->pos)
		return read_apart(file, to, size, pos);
	if (*pos == 0 || !content->text.buffer) {
		int error = make_text(&content->text, proc);

		if (error != 0)
			return error;
	}
	if (*pos >= content->text.used)
		return 0;
	size = min(size, content->text.used - (size_t)*pos);
	if (copy_to_user(to, content->text.buffer + *pos, size) != 0)
		return -EFAULT;
	*pos += size;
	return size;
}

static long write_file(struct file *file, const void __user *from, size_t size, u64 *pos)
{
	const struct proc_inode *proc = proc_of(file->inode);

	if (size > MAX_WRITE)
		return -EINVAL;
	char *data = kmalloc(size + 1, GFP_KERNEL);
	if (!data)
		return -ENOMEM;
	int error = copy_from_user(data, from, size);
	if (error == 0) {
		data[size] = '\0';
		error = proc->node->write(proc, data);
	}
	kfree(data);
	if (error != 0)
		return error;
	*pos += size;
	return size;
}

static s64 seek_file(struct file *file, s64 offset, u32 whence)
{
	s64 base = whence == SEEK_CUR ? (s64)file->pos : 0, pos;

	if (whence > SEEK_CUR || __builtin_add_overflow(base, offset, &pos) || pos < 0)
		return -EINVAL;
	return pos;
}

static const struct file_ops proc_file_ops = {
	.open = open_file,
	.release = release_file,
	.read = read_file,
	.write = write_file,
	.seek = seek_file,
};

/* ---- the file systems ---- */

static void fill_statfs(struct super_block *sb, struct statfs *statfs)
{
	statfs->type = sb->magic;
}

static const struct super_ops proc_super_ops = {
	.evict = evict,
	.statfs = fill_statfs,
};

static int mount_tree(const struct file_system_type *type, const struct proc_node *root, u64 magic,
		      struct super_block **result)
{
	struct super_block *sb = super_create(type, &proc_super_ops);
	struct inode *inode;

	if (!sb)
		return -ENOMEM;
	sb->flags = SB_UNHASHED;
	sb->magic = magic;
	int error = proc_inode_create(sb, root, ROOT_INO, NULL, 0, &inode);
	if (error == 0)
		error = super_set_root(sb, inode);
	if (error != 0)
		super_kill(sb);
	else
		*result = sb;
	return error;
}

static int mount_procfs(const struct file_system_type *type, char *options,
			struct super_block **result)
{
	(void)options;
	return mount_tree(type, &proc_root, PROC_MAGIC, result);
}

static int mount_sysfs(const struct file_system_type *type, char *options,
		       struct super_block **result)
{
	(void)options;
	return mount_tree(type, &sysfs_root, SYSFS_MAGIC, result);
}

const struct file_system_type procfs_type = {.name = "proc", .mount = mount_procfs};
const struct file_system_type sysfs_type = {.name = "sysfs", .mount = mount_sysfs};

/* ---- numbers ---- */

bool proc_parse_number(const char *name, u32 length, u64 *number)
{
	*number = 0;
	if (length == 0 || length > 10 || (length > 1 && name[0] == '0'))
		return false;
	for (u32 i = 0; i < length; i++) {
		if (name[i] < '0' || name[i] > '9')
			return false;
		*number = *number * 10 + (u32)(name[i] - '0');
	}
	return true;
}

int proc_parse_u64(const char *data, u64 *number)
{
	*number = 0;
	while (*data == ' ')
		data++;
	if (*data < '0' || *data > '9')
		return -EINVAL;
	for (; *data >= '0' && *data <= '9'; data++)
		if (__builtin_mul_overflow(*number, 10, number) ||
		    __builtin_add_overflow(*number, (u64)(*data - '0'), number))
			return -EINVAL;
	return *data == '\0' || *data == ' ' || *data == '\n' ? 0 : -EINVAL;
}
