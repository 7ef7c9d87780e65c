/* The directory of a process: its files, its threads, its descriptors, its links. */
#include "fs/procfs/task.h"
#include "fs/dentry.h"
#include "fs/fdtable.h"
#include "fs/fs.h"
#include "fs/procfs/nodes.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "mm/mm.h"
#include "proc/files.h"

#define DIR_RIGHTS  (S_IFDIR | 0555)
#define FILE_RIGHTS (S_IFREG | 0444)
#define LINK_RIGHTS (S_IFLNK | 0777)

/* ---- what a task has ---- */

bool proc_task_is_gone(const struct task *task)
{
	return list_empty(&task->node);
}

struct mm *proc_get_mm(struct task *task)
{
	spin_lock(&tasks_lock);
	struct task *thread;
	struct mm *mm = task->cur.mm;
	/* The leader may have left it before the others. */
	if (!mm && task->process)
		for_each_thread (task->process, thread)
			mm = mm ? mm : thread->cur.mm;
	if (mm && !atomic_inc_not_zero(&mm->users))
		mm = NULL;
	spin_unlock(&tasks_lock);
	return mm;
}

struct file_table *proc_get_files(struct task *task)
{
	spin_lock(&tasks_lock);
	struct file_table *files = task->files;
	if (files)
		files_get(files);
	spin_unlock(&tasks_lock);
	return files;
}

struct fs *proc_get_fs(struct task *task)
{
	spin_lock(&tasks_lock);
	struct fs *fs = task->fs;
	if (fs)
		fs_get(fs);
	spin_unlock(&tasks_lock);
	return fs;
}

/* ---- links ---- */

int proc_link_cwd(const struct proc_inode *proc, struct link_target *target)
{
	struct fs *fs = proc_get_fs(proc->task);

	if (!fs)
		return -ENOENT;
	fs_get_cwd(fs, target->jump);
	fs_release(fs);
	return 0;
}

int proc_link_root(const struct proc_inode *proc, struct link_target *target)
{
	struct fs *fs = proc_get_fs(proc->task);

	if (!fs)
		return -ENOENT;
	fs_get_root(fs, target->jump);
	fs_release(fs);
	return 0;
}

int proc_link_exe(const struct proc_inode *proc, struct link_target *target)
{
	struct mm *mm = proc_get_mm(proc->task);

	if (!mm)
		return -ENOENT;
	struct file *program = mm->program;
	if (program) {
		*target->jump = program->path;
		path_get(target->jump);
	}
	mm_put(mm);
	return program ? 0 : -ENOENT;
}

/* ---- descriptors ---- */

static struct file *get_file(const struct proc_inode *proc, u32 fd)
{
	struct file_table *files = proc_get_files(proc->task);
	struct file *file = files ? files_get_file(files, fd) : NULL;

	if (files)
		files_release(files);
	return file;
}

static int link_fd(const struct proc_inode *proc, struct link_target *target)
{
	struct file *file = get_file(proc, proc->number);

	if (!file)
		return -ENOENT;
	*target->jump = file->path;
	path_get(target->jump);
	file_put(file);
	return 0;
}

static int show_fdinfo(struct text *text, const struct proc_inode *proc)
{
	struct file *file = get_file(proc, proc->number);

	if (!file)
		return -ENOENT;
	text_printf(text, "pos:\t%lu\nflags:\t0", file->pos);
	text_put_octal(text, READ_ONCE(file->flags));
	text_printf(text, "\nmnt_id:\t%u\nino:\t%lu\n", file->path.mount->id, file->inode->ino);
	file_put(file);
	return 0;
}

static const struct proc_node fd_node = {
	.name = "", .mode = LINK_RIGHTS, .is_private = true, .get_link = link_fd, .link_size = 64};
static const struct proc_node fdinfo_node = {
	.name = "", .mode = S_IFREG | 0400, .is_private = true, .show = show_fdinfo};

static int lookup_descriptor(const struct proc_inode *dir, const struct proc_node *node,
			     const char *name, u32 length, struct inode **result)
{
	u64 fd;
	struct file *file = proc_parse_number(name, length, &fd) ? get_file(dir, fd) : NULL;

	if (!file)
		return -ENOENT;
	u32 rights = (file->mode & FMODE_READ ? 0500 : 0) | (file->mode & FMODE_WRITE ? 0300 : 0);
	file_put(file);
	int error = proc_inode_create(proc_sb(dir), node, proc_ino(dir, name, length), dir->task,
				      fd, result);
	if (error == 0 && node == &fd_node)
		(*result)->mode = S_IFLNK | rights;
	return error;
}

int proc_lookup_fd(const struct proc_inode *dir, const char *name, u32 length,
		   struct inode **result)
{
	return lookup_descriptor(dir, &fd_node, name, length, result);
}

int proc_lookup_fdinfo(const struct proc_inode *dir, const char *name, u32 length,
		       struct inode **result)
{
	return lookup_descriptor(dir, &fdinfo_node, name, length, result);
}

bool proc_next_fd(const struct proc_inode *dir, u64 *number, char *name)
{
	struct file_table *files = proc_get_files(dir->task);
	u32 fd = files ? files_next(files, *number) : NO_FD;

	if (files)
		files_release(files);
	*number = fd;
	snprintf(name, PROC_NAME_LEN, "%u", fd);
	return fd != NO_FD;
}

/* ---- threads ---- */

static const struct proc_node thread_nodes[];
static const struct proc_node thread_node = {
	.name = "", .mode = DIR_RIGHTS, .children = thread_nodes};

static int lookup_thread(const struct proc_inode *dir, const char *name, u32 length,
			 struct inode **result)
{
	u64 tid;

	if (!proc_parse_number(name, length, &tid) || tid > INT32_MAX)
		return -ENOENT;
	spin_lock(&tasks_lock);
	struct task *task = task_find(tid);
	if (task && (task == dir->task || (task->process && task->process == dir->task->process)))
		task_get(task);
	else
		task = NULL;
	spin_unlock(&tasks_lock);
	if (!task)
		return -ENOENT;
	int error = proc_inode_create(proc_sb(dir), &thread_node, proc_ino(dir, name, length), task,
				      0, result);
	task_put(task);
	return error;
}

static bool next_thread(const struct proc_inode *dir, u64 *number, char *name)
{
	struct task *task, *found = NULL;

	spin_lock(&tasks_lock);
	list_for_each_entry (task, &task_list, node) {
		bool is_his =
			task == dir->task || (task->process && task->process == dir->task->process);

		if (!is_his || (u64)task->cur.pid < *number)
			continue;
		found = task;
		*number = task->cur.pid;
		break;
	}
	spin_unlock(&tasks_lock);
	snprintf(name, PROC_NAME_LEN, "%lu", *number);
	return found;
}

/* ---- the tables ---- */

#define COMMON_NODES                                                                          \
	{.name = "cmdline", .mode = FILE_RIGHTS, .show = proc_show_task_cmdline},             \
		{.name = "comm",                                                              \
		 .mode = S_IFREG | 0644,                                                      \
		 .show = proc_show_task_comm,                                                 \
		 .write = proc_write_comm},                                                   \
		{.name = "cwd",                                                               \
		 .mode = LINK_RIGHTS,                                                         \
		 .is_private = true,                                                          \
		 .get_link = proc_link_cwd},                                                  \
		{.name = "environ",                                                           \
		 .mode = S_IFREG | 0400,                                                      \
		 .is_private = true,                                                          \
		 .show = proc_show_task_environ},                                             \
		{.name = "exe",                                                               \
		 .mode = LINK_RIGHTS,                                                         \
		 .is_private = true,                                                          \
		 .get_link = proc_link_exe},                                                  \
		{.name = "fd",                                                                \
		 .mode = S_IFDIR | 0500,                                                      \
		 .lookup = proc_lookup_fd,                                                    \
		 .next = proc_next_fd,                                                        \
		 .next_mode = S_IFLNK},                                                       \
		{.name = "fdinfo",                                                            \
		 .mode = DIR_RIGHTS,                                                          \
		 .lookup = proc_lookup_fdinfo,                                                \
		 .next = proc_next_fd,                                                        \
		 .next_mode = S_IFREG},                                                       \
		{.name = "maps",                                                              \
		 .mode = FILE_RIGHTS,                                                         \
		 .is_private = true,                                                          \
		 .show = proc_show_task_maps},                                                \
		{.name = "mountinfo", .mode = FILE_RIGHTS, .show = proc_show_mountinfo},      \
		{.name = "mounts", .mode = FILE_RIGHTS, .show = proc_show_mounts},            \
		{.name = "limits", .mode = FILE_RIGHTS, .show = proc_show_task_limits},       \
		{.name = "oom_adj",                                                           \
		 .mode = S_IFREG | 0644,                                                      \
		 .show = proc_show_task_oom_adj,                                              \
		 .write = proc_write_oom_adj},                                                \
		{.name = "oom_score_adj",                                                     \
		 .mode = S_IFREG | 0644,                                                      \
		 .show = proc_show_task_oom_score_adj,                                        \
		 .write = proc_write_oom_score_adj},                                          \
		{.name = "oom_score", .mode = FILE_RIGHTS, .show = proc_show_task_oom_score}, \
		{.name = "pagemap",                                                           \
		 .mode = S_IFREG | 0400,                                                      \
		 .is_private = true,                                                          \
		 .read = proc_read_pagemap},                                                  \
		{.name = "root",                                                              \
		 .mode = LINK_RIGHTS,                                                         \
		 .is_private = true,                                                          \
		 .get_link = proc_link_root},                                                 \
		{.name = "smaps",                                                             \
		 .mode = FILE_RIGHTS,                                                         \
		 .is_private = true,                                                          \
		 .show = proc_show_task_smaps},                                               \
		{.name = "smaps_rollup",                                                      \
		 .mode = FILE_RIGHTS,                                                         \
		 .is_private = true,                                                          \
		 .show = proc_show_task_smaps_rollup},                                        \
		{.name = "stat", .mode = FILE_RIGHTS, .show = proc_show_task_stat},           \
		{.name = "statm", .mode = FILE_RIGHTS, .show = proc_show_task_statm},         \
		{.name = "status", .mode = FILE_RIGHTS, .show = proc_show_task_status},       \
	{                                                                                     \
		.name = "wchan", .mode = FILE_RIGHTS, .show = proc_show_task_wchan            \
	}

static const struct proc_node thread_nodes[] = {COMMON_NODES, {.name = NULL}};

const struct proc_node proc_process_nodes[] = {
	{.name = "task",
	 .mode = DIR_RIGHTS,
	 .lookup = lookup_thread,
	 .next = next_thread,
	 .next_mode = S_IFDIR},
	COMMON_NODES,
	{.name = NULL},
};
