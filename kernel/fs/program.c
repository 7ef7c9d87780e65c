/* A program is a file that is open for exec: nobody may write to it as long as an address space runs
 * it (-ETXTBSY). */
#include "fs/program.h"
#include "fs/open.h"
#include "lib/errno.h"
#include "mm/backing.h"
#include "mm/mm.h"
#include "mm/slab.h"
#include "proc/files.h"

/* What VMAs of a program read from. */
struct program {
	struct backing backing;
	struct address_space *mapping;
};

static int read_page(struct backing *backing, u64 offset, struct page *page)
{
	struct program *program = container_of(backing, struct program, backing);
	long n = mapping_read_kernel(program->mapping, offset, page_virt(page), PAGE_SIZE);

	if (n >= 0)
		memset((char *)page_virt(page) + n, 0, PAGE_SIZE - n);
	return n < 0 ? (int)n : 0;
}

static const struct backing_ops backing_ops = {.read_page = read_page};

static void release_program(struct file *file)
{
	kfree(file->private);
}

static const struct file_ops program_ops = {.release = release_program};

static int check_program(const struct path *path)
{
	struct inode *inode = path->dentry->inode;

	if (is_symlink(inode))
		return -ELOOP;
	if (!is_regular(inode) || (path->mount->flags & MS_NOEXEC))
		return -EACCES;
	return inode_permission(inode, MAY_EXEC);
}

int program_open(s32 dirfd, const char *name, u32 flags, struct file **result)
{
	u32 how = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) |
		  (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
	struct path path;

	int error = path_lookup(dirfd, name, how, &path);
	if (error != 0)
		return error;
	error = check_program(&path);
	if (error == 0)
		error = inode_deny_write(path.dentry->inode);
	if (error != 0)
		goto out;
	struct file *file = file_create(&program_ops, path.dentry->inode, O_RDONLY);
	struct program *program = kmalloc(sizeof(*program), GFP_ZERO);
	if (!file || !program) {
		kfree(file);
		kfree(program);
		inode_allow_write(path.dentry->inode);
		error = -ENOMEM;
		goto out;
	}
	program->mapping = &file->inode->mapping;
	program->backing.ops = &backing_ops;
	program->backing.size = READ_ONCE(program->mapping->size);
	file->private = program;
	file->mode |= FMODE_OPENED;
	file->path = path;
	*result = file;
	return 0;
out:
	path_put(&path);
	return error;
}

/* One more address space runs it. */
static void get_program(struct file *program)
{
	int error = inode_deny_write(program->inode);

	BUG_ON(error != 0); /* it is denied already */
	file_get(program);
}

void program_put(struct file *program)
{
	inode_allow_write(program->inode);
	file_put(program);
}

struct address_space *program_mapping(struct file *program)
{
	return &program->inode->mapping;
}

struct backing *program_backing(struct file *file)
{
	struct program *program = file->private;

	return &program->backing;
}

static const struct mm_program_ops ops = {.get = get_program, .put = program_put};

void program_init(void)
{
	mm_program_ops = &ops;
}
