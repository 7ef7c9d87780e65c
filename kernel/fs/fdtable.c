/*
 * Descriptor tables (proc/files.h for the life of a table, fs/fdtable.h for its use). A table
 * belongs to the tasks that share it by CLONE_FILES; fork copies it. It begins with FIRST_FDS
 * descriptors and grows to what is asked for, below the limit.
 *
 * table->lock (RANK_FILES) guards the arrays and what is in them; it is never held while a file is
 * closed or memory is allocated. Who looks a file up takes a reference under it, so a descriptor
 * may be closed by another thread meanwhile.
 */
#include "fs/fdtable.h"
#include "arch/x86_64/uaccess.h"
#include "fs/console.h"
#include "fs/lock.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/files.h"
#include "proc/process.h"

#define FIRST_FDS 64

struct file_table {
	atomic_t refs;
	spinlock_t lock;
	u32 capacity; /* a multiple of 64; never shrinks */
	u32 lowest;   /* no descriptor below it is free */
	u64 *cloexec; /* bit per descriptor */
	struct file **files;
};

/* What a table consists of beside its structure: one block, the bits behind the pointers. */
static struct file **alloc_arrays(u32 capacity)
{
	return kmalloc(capacity * sizeof(struct file *) + capacity / 8, GFP_ZERO);
}

static void set_arrays(struct file_table *table, struct file **files, u32 capacity)
{
	table->files = files;
	table->cloexec = (u64 *)(files + capacity);
	table->capacity = capacity;
}

static struct file_table *create_table(u32 capacity)
{
	struct file_table *table = kmalloc(sizeof(*table), GFP_ZERO);
	struct file **files = table ? alloc_arrays(capacity) : NULL;

	if (!files) {
		kfree(table);
		return NULL;
	}
	atomic_set(&table->refs, 1);
	spin_lock_init(&table->lock, RANK_FILES);
	set_arrays(table, files, capacity);
	return table;
}

static void free_table(struct file_table *table)
{
	kfree(table->files);
	kfree(table);
}

/* Makes room for `fd`. 0, -EMFILE, -ENOMEM. */
static int grow(struct file_table *table, u32 fd)
{
	u32 capacity = FIRST_FDS;

	while (capacity <= fd)
		capacity *= 2;
	struct file **files = alloc_arrays(capacity), **unused = files;
	if (!files)
		return -ENOMEM;
	spin_lock(&table->lock);
	if (table->capacity < capacity) { /* nobody else was faster */
		unused = table->files;
		memcpy(files, table->files, table->capacity * sizeof(*files));
		memcpy(files + capacity, table->cloexec, table->capacity / 8);
		set_arrays(table, files, capacity);
	}
	spin_unlock(&table->lock);
	kfree(unused);
	return 0;
}

/* ---- the life of a table ---- */

struct file_table *files_create(void)
{
	struct file_table *table = create_table(FIRST_FDS);

	if (!table)
		return NULL;
	table->files[0] = console_open();
	if (!table->files[0]) {
		free_table(table);
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
	u32 capacity = READ_ONCE(parent->capacity);
	struct file_table *table = create_table(capacity);

	if (!table)
		return NULL;
	spin_lock(&parent->lock);
	while (parent->capacity > capacity) {
		capacity = parent->capacity;
		spin_unlock(&parent->lock);
		free_table(table);
		table = create_table(capacity);
		if (!table)
			return NULL;
		spin_lock(&parent->lock);
	}
	table->lowest = parent->lowest;
	memcpy(table->cloexec, parent->cloexec, capacity / 8);
	for (u32 fd = 0; fd < capacity; fd++) {
		table->files[fd] = parent->files[fd];
		if (table->files[fd])
			file_get(table->files[fd]);
	}
	spin_unlock(&parent->lock);
	return table;
}

void files_get(struct file_table *table)
{
	atomic_inc(&table->refs);
}

bool files_is_shared(struct file_table *table)
{
	return atomic_read(&table->refs) > 1;
}

/* table->lock held. */
static void set_cloexec(struct file_table *table, u32 fd, bool on)
{
	if (on)
		table->cloexec[fd / 64] |= BIT(fd % 64);
	else
		table->cloexec[fd / 64] &= ~BIT(fd % 64);
}

static bool get_cloexec(const struct file_table *table, u32 fd)
{
	return table->cloexec[fd / 64] >> (fd % 64) & 1;
}

/* Takes a file out of the table, if it is to be closed by exec or that does not matter; NULL when
 * there is none. Its reference passes to the caller. */
static struct file *take_out(struct file_table *table, u32 fd, bool only_cloexec)
{
	struct file *file = NULL;

	spin_lock(&table->lock);
	if (fd < table->capacity && (!only_cloexec || get_cloexec(table, fd)))
		file = table->files[fd];
	if (file) {
		table->files[fd] = NULL;
		table->lowest = min(table->lowest, fd);
		set_cloexec(table, fd, false);
	}
	spin_unlock(&table->lock);
	return file;
}

/* A descriptor of a table is gone: what that ends beside the file. */
static void close_file(struct file_table *table, struct file *file)
{
	if (!(file->mode & FMODE_PATH))
		file_locks_close(file, table);
	file_put(file);
}

void files_exec(struct file_table *table)
{
	for (u32 fd = 0; fd < READ_ONCE(table->capacity); fd++) {
		struct file *file = take_out(table, fd, true);

		if (file)
			close_file(table, file);
	}
}

void files_release(struct file_table *table)
{
	if (!table || atomic_dec_return(&table->refs) > 0)
		return;
	for (u32 fd = 0; fd < table->capacity; fd++)
		if (table->files[fd])
			close_file(table, table->files[fd]);
	free_table(table);
}

/* ---- the current task's ---- */

static struct file_table *current_table(void)
{
	return current_proc->files;
}

struct file *files_get_file(struct file_table *table, u32 fd)
{
	struct file *file = NULL;

	spin_lock(&table->lock);
	if (fd < table->capacity)
		file = table->files[fd];
	if (file)
		file_get(file);
	spin_unlock(&table->lock);
	return file;
}

u32 fd_limit(void)
{
	return limit_soft(current_process, RLIMIT_NOFILE);
}

struct file *fd_get(u32 fd)
{
	return files_get_file(current_table(), fd);
}

/* table->lock held. */
static void put_in(struct file_table *table, u32 fd, struct file *file, u32 flags)
{
	table->files[fd] = file;
	set_cloexec(table, fd, flags & O_CLOEXEC);
}

/* The lowest free descriptor from `lowest` on, perhaps the capacity. table->lock held. */
static u32 find_free(struct file_table *table, u32 lowest)
{
	u32 fd = max(lowest, table->lowest);

	while (fd < table->capacity && table->files[fd])
		fd++;
	if (lowest <= table->lowest)
		table->lowest = fd;
	return fd;
}

int fd_install(struct file *file, u32 lowest, u32 flags)
{
	struct file_table *table = current_table();

	for (;;) {
		spin_lock(&table->lock);
		u32 fd = find_free(table, lowest);
		bool fits = fd < table->capacity;
		if (fits && fd < fd_limit())
			put_in(table, fd, file, flags);
		spin_unlock(&table->lock);
		if (fd >= fd_limit())
			return -EMFILE;
		if (fits)
			return fd;
		int error = grow(table, fd);
		if (error != 0)
			return error;
	}
}

int fd_install_new(struct file *file, u32 flags)
{
	int fd = fd_install(file, 0, flags);

	if (fd < 0)
		file_put(file);
	return fd;
}

int fd_install_pair(struct file *files[2], u32 flags, u64 to)
{
	s32 fds[2];

	fds[0] = fd_install_new(files[0], flags);
	if (fds[0] < 0) {
		file_put(files[1]);
		return fds[0];
	}
	fds[1] = fd_install_new(files[1], flags);
	if (fds[1] >= 0 && copy_to_user((void __user *)to, fds, sizeof(fds)) == 0)
		return 0;
	fd_close(fds[0]);
	if (fds[1] < 0)
		return fds[1];
	fd_close(fds[1]);
	return -EFAULT;
}

int fd_replace(struct file *file, u32 fd, u32 flags)
{
	struct file_table *table = current_table();

	if (fd >= fd_limit())
		return -EBADF;
	if (fd >= READ_ONCE(table->capacity)) {
		int error = grow(table, fd);
		if (error != 0)
			return error;
	}
	file_get(file);
	spin_lock(&table->lock);
	struct file *old = table->files[fd];
	put_in(table, fd, file, flags);
	spin_unlock(&table->lock);
	if (old)
		close_file(table, old);
	return fd;
}

u32 fd_capacity(void)
{
	return READ_ONCE(current_table()->capacity);
}

int fd_close(u32 fd)
{
	struct file *file = take_out(current_table(), fd, false);

	if (!file)
		return -EBADF;
	close_file(current_table(), file);
	return 0;
}

static bool is_open(struct file_table *table, u32 fd)
{
	return fd < table->capacity && table->files[fd];
}

int fd_get_cloexec(u32 fd)
{
	struct file_table *table = current_table();

	spin_lock(&table->lock);
	int result = is_open(table, fd) ? (int)get_cloexec(table, fd) : -EBADF;
	spin_unlock(&table->lock);
	return result;
}

int fd_set_cloexec(u32 fd, bool on)
{
	struct file_table *table = current_table();
	int result = 0;

	spin_lock(&table->lock);
	if (is_open(table, fd))
		set_cloexec(table, fd, on);
	else
		result = -EBADF;
	spin_unlock(&table->lock);
	return result;
}

u32 files_next(struct file_table *table, u32 fd)
{
	spin_lock(&table->lock);
	while (fd < table->capacity && !table->files[fd])
		fd++;
	if (fd >= table->capacity)
		fd = NO_FD;
	spin_unlock(&table->lock);
	return fd;
}

u32 fd_next(u32 fd)
{
	return files_next(current_table(), fd);
}

int fd_unshare(void)
{
	struct file_table *shared = current_table();

	if (!files_is_shared(shared))
		return 0;
	struct file_table *own = files_fork(shared);
	if (!own)
		return -ENOMEM;
	files_release(task_set_files(current_proc, own));
	return 0;
}

u32 files_capacity(const struct file_table *table)
{
	return READ_ONCE(table->capacity);
}
