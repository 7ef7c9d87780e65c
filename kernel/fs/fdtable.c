/*
 * Descriptor tables (proc/files.h for the life of a table, fs/fdtable.h for its use). A table
 * belongs to one task; fork copies it.
 *
 * table->lock (RANK_FILES) guards the pointers and the close-on-exec bits; it is never held while a
 * file is closed.
 */
#include "fs/fdtable.h"
#include "fs/console.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/files.h"
#include "proc/task.h"

struct file_table {
	spinlock_t lock;
	u64 cloexec; /* bit per descriptor */
	struct file *files[MAX_FDS];
};

static_assert(MAX_FDS <= 64, "one word of close-on-exec bits");

static struct file_table *create_table(void)
{
	struct file_table *table = kmalloc(sizeof(*table), GFP_ZERO);

	if (table)
		spin_lock_init(&table->lock, RANK_FILES);
	return table;
}

struct file_table *files_create(void)
{
	struct file_table *table = create_table();

	if (!table)
		return NULL;
	table->files[0] = console_open();
	if (!table->files[0]) {
		kfree(table);
		return NULL;
	}
	for (u32 fd = 1; fd <= 2; fd++) {
		file_get(table->files[0]);
		table->files[fd] = table->files[0];
	}
	return table;
}

struct file_table *files_fork(struct file_table *parent)
{
	struct file_table *table = create_table();

	if (!table)
		return NULL;
	spin_lock(&parent->lock);
	table->cloexec = parent->cloexec;
	for (u32 fd = 0; fd < MAX_FDS; fd++) {
		table->files[fd] = parent->files[fd];
		if (table->files[fd])
			file_get(table->files[fd]);
	}
	spin_unlock(&parent->lock);
	return table;
}

/* Takes a file out of the table; NULL when there is none. Its reference passes to the caller. */
static struct file *take_out(struct file_table *table, u32 fd)
{
	spin_lock(&table->lock);
	struct file *file = table->files[fd];
	table->files[fd] = NULL;
	table->cloexec &= ~BIT(fd);
	spin_unlock(&table->lock);
	return file;
}

void files_exec(struct file_table *table)
{
	for (u32 fd = 0; fd < MAX_FDS; fd++) {
		if (!(READ_ONCE(table->cloexec) & BIT(fd)))
			continue;
		struct file *file = take_out(table, fd);
		if (file)
			file_put(file);
	}
}

void files_release(struct file_table *table)
{
	if (!table)
		return;
	for (u32 fd = 0; fd < MAX_FDS; fd++)
		if (table->files[fd])
			file_put(table->files[fd]);
	kfree(table);
}

static struct file_table *current_table(void)
{
	return current_proc->files;
}

struct file *fd_get(u32 fd)
{
	struct file_table *table = current_table();

	if (fd >= MAX_FDS)
		return NULL;
	spin_lock(&table->lock);
	struct file *file = table->files[fd];
	if (file)
		file_get(file);
	spin_unlock(&table->lock);
	return file;
}

/* table->lock held. */
static void put_in(struct file_table *table, u32 fd, struct file *file, u32 flags)
{
	table->files[fd] = file;
	table->cloexec &= ~BIT(fd);
	if (flags & O_CLOEXEC)
		table->cloexec |= BIT(fd);
}

int fd_install(struct file *file, u32 lowest, u32 flags)
{
	struct file_table *table = current_table();
	int result = -EMFILE;

	spin_lock(&table->lock);
	for (u32 fd = lowest; fd < MAX_FDS; fd++) {
		if (table->files[fd])
			continue;
		put_in(table, fd, file, flags);
		result = fd;
		break;
	}
	spin_unlock(&table->lock);
	return result;
}

int fd_replace(struct file *file, u32 fd, u32 flags)
{
	struct file_table *table = current_table();

	if (fd >= MAX_FDS)
		return -EBADF;
	file_get(file);
	spin_lock(&table->lock);
	struct file *old = table->files[fd];
	put_in(table, fd, file, flags);
	spin_unlock(&table->lock);
	if (old)
		file_put(old);
	return fd;
}

int fd_close(u32 fd)
{
	struct file *file = fd < MAX_FDS ? take_out(current_table(), fd) : NULL;

	if (!file)
		return -EBADF;
	file_put(file);
	return 0;
}

static bool is_open(struct file_table *table, u32 fd)
{
	return fd < MAX_FDS && table->files[fd];
}

int fd_get_cloexec(u32 fd)
{
	struct file_table *table = current_table();

	spin_lock(&table->lock);
	int result = is_open(table, fd) ? (int)(table->cloexec >> fd & 1) : -EBADF;
	spin_unlock(&table->lock);
	return result;
}

int fd_set_cloexec(u32 fd, bool on)
{
	struct file_table *table = current_table();
	int result = 0;

	spin_lock(&table->lock);
	if (!is_open(table, fd))
		result = -EBADF;
	else if (on)
		table->cloexec |= BIT(fd);
	else
		table->cloexec &= ~BIT(fd);
	spin_unlock(&table->lock);
	return result;
}
