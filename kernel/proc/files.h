/* What proc needs of files, declared below the layer that implements it: fs/. All may sleep. */
#ifndef PROC_FILES_H
#define PROC_FILES_H

#include "mm/address_space.h"

struct address_space;
struct file;
struct file_table;
struct fs;

/* A table with the console as descriptors 0, 1 and 2; NULL without memory. */
struct file_table *files_create(void);
/* A copy for a child, whose open files (and positions) are shared with the parent; NULL without
 * memory. */
struct file_table *files_fork(struct file_table *parent);
/* Closes what is marked close-on-exec. */
void files_exec(struct file_table *files);
/* One more task shares it: CLONE_FILES. */
void files_get(struct file_table *files);
bool files_is_shared(struct file_table *files);
/* A task leaves it; the last one closes everything and frees the table. NULL is allowed. */
void files_release(struct file_table *files);

/* Root, working directory and umask of a task, with the life of a table of files. NULL without
 * memory. */
struct fs *fs_create(void);
struct fs *fs_fork(struct fs *parent);
void fs_get(struct fs *fs); /* CLONE_FS */
void fs_release(struct fs *fs);

/* ---- programs ---- */

#define AT_FDCWD (-100)

/* Opens a file to execute it, by execveat(2)'s rules and flags: regular, executable for the
 * current task, not open for writing (-ETXTBSY), and it cannot be opened for writing until
 * program_put(). 0, or what a path gives, -EACCES, -ENOMEM. */
int program_open(s32 dirfd, const char *name, u32 flags, struct file **program);
void program_put(struct file *program);
/* Its rights and owner, as exec looks at them: without set-id bits where the mount forbids them. */
void program_owner(struct file *program, u32 *mode, u32 *uid, u32 *gid);
/* Its content. */
struct address_space *program_mapping(struct file *program);

/* ---- core files ---- */

/* Makes an empty file by that name, in the place of what had it. 0, or what open(2) gives. */
int core_file_open(const char *name, struct file **result);
/* Writes at *pos, which moves. How many, or -errno. */
long core_file_write(struct file *file, const void *from, size_t n, u64 *pos);
void core_file_close(struct file *file);

#define MAPPING_PATH_MAX 4096
/* The path of the file that has this content, in `buffer` of MAPPING_PATH_MAX bytes, and whether a directory
 * still has it. NULL: it is no file's. */
const char *files_mapping_path(struct address_space *mapping, char *buffer, bool *is_named);

#endif
