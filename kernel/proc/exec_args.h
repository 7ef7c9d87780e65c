/*
 * The texts that exec carries from the old address space to the new one: path, arguments,
 * environment, in this order, in pages of the kernel.
 */
#ifndef PROC_EXEC_ARGS_H
#define PROC_EXEC_ARGS_H

#include "mm/page_alloc.h"

/* Linux's limits, in bytes with terminators: of one text, of all in any case, and at most. */
#define ARG_MAX_TEXT   (128 * KIB)
#define ARG_MIN_LIMIT  (128 * KIB)
#define ARG_MAX_LIMIT  (6 * MIB)
#define ARGS_PER_TABLE (PAGE_SIZE / sizeof(struct page *))
#define ARG_TABLES     (ARG_MAX_LIMIT / PAGE_SIZE / ARGS_PER_TABLE)

struct exec_args {
	struct page **tables[ARG_TABLES]; /* each a page of pointers to pages, or NULL */
	u32 size;                         /* bytes, terminators included */
	u32 limit;                        /* size may not become larger */
	u32 argc, envc;
};

/* Sets the limit from that of the stack and the number of pointers that will lie there, too: 0 or -E2BIG. */
int exec_args_set_limit(struct exec_args *args, u64 nr_texts);

/* Counts the pointers of a NULL-terminated array of the program: a number, -EFAULT, -E2BIG, or -EINTR for a task that is
 * killed. A NULL array is empty. */
long exec_args_count(const char __user *const __user *texts);

/* Each appends: 0, -E2BIG when there is no room, -ENOMEM, -EFAULT. All may sleep. */
int exec_args_add_kernel(struct exec_args *args, const char *text);
/* The texts of a NULL-terminated array of the program; counts them in *count. A NULL array is
 * empty. */
int exec_args_add_user(struct exec_args *args, const char __user *const __user *texts, u32 *count);

/* Puts a script's interpreter, its argument (or NULL) and the script's name in the place of the first
 * argument. 0, -E2BIG, -ENOMEM: nothing has changed. */
int exec_args_prepend(struct exec_args *args, const char *interpreter, const char *argument,
		      const char *script);

/* Copies all to `to` in the current address space. 0 or -EFAULT. */
int exec_args_copy_out(const struct exec_args *args, u64 to);

/* Offset behind the text that begins at `offset`. */
u32 exec_args_next(const struct exec_args *args, u32 offset);

void exec_args_release(struct exec_args *args);

#endif
