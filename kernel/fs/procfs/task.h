/* Looking at a process from outside, while it may end: each returns something referenced, or NULL
 * when it is gone. Private to procfs/. */
#ifndef FS_PROCFS_TASK_H
#define FS_PROCFS_TASK_H

#include "fs/procfs/procfs.h"
#include "proc/process.h"

extern const struct proc_node proc_process_nodes[];

/* Whether the task has been reaped. Racy unless tasks_lock is held. */
bool proc_task_is_gone(const struct task *task);

struct mm *proc_get_mm(struct task *task);            /* mm_put() */
struct file_table *proc_get_files(struct task *task); /* files_release() */
struct fs *proc_get_fs(struct task *task);            /* fs_release() */

/* Directories of descriptors: fd, fdinfo. */
int proc_lookup_fd(const struct proc_inode *dir, const char *name, u32 length,
		   struct inode **result);
int proc_lookup_fdinfo(const struct proc_inode *dir, const char *name, u32 length,
		       struct inode **result);
bool proc_next_fd(const struct proc_inode *dir, u64 *number, char *name);

/* Links to places. */
int proc_link_cwd(const struct proc_inode *proc, struct link_target *target);
int proc_link_root(const struct proc_inode *proc, struct link_target *target);
int proc_link_exe(const struct proc_inode *proc, struct link_target *target);

/* Binary files. */
long proc_read_pagemap(const struct proc_inode *proc, void __user *to, size_t size, u64 *pos);
long proc_read_kpagecount(const struct proc_inode *proc, void __user *to, size_t size, u64 *pos);
long proc_read_kpageflags(const struct proc_inode *proc, void __user *to, size_t size, u64 *pos);
int proc_write_clear_refs(const struct proc_inode *proc, char *data);

int proc_write_oom_score_adj(const struct proc_inode *proc, char *data);
int proc_write_oom_adj(const struct proc_inode *proc, char *data);
int proc_write_comm(const struct proc_inode *proc, char *data);

#endif
