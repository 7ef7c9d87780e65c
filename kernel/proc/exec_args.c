/*
 * Owns the pages of a struct exec_args. Pages instead of one buffer, because megabytes in one piece are not there
 * when memory is short.
 */
#include "proc/exec_args.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "mm/limits.h"
#include "mm/slab.h"

int exec_args_set_limit(struct exec_args *args, u64 nr_texts)
{
	u64 limit = min(current_rlimit(MEM_RLIMIT_STACK) / 4, (u64)ARG_MAX_LIMIT);

	limit = max(limit, (u64)ARG_MIN_LIMIT);
	if (limit <= nr_texts * sizeof(u64))
		return -E2BIG;
	/* They must fit into the stack, too; a page of it is there in any case. */
	args->limit =
		min(limit - nr_texts * sizeof(u64),
		    max(current_rlimit(MEM_RLIMIT_STACK) & PAGE_MASK, PAGE_SIZE) - sizeof(u64));
	return 0;
}

long exec_args_count(const char __user *const __user *texts)
{
	for (long count = 0; texts; count++) {
		const char __user *text;

		if (copy_from_user(&text, texts + count, sizeof(text)) != 0)
			return -EFAULT;
		if (!text)
			return count;
		if (count == INT32_MAX)
			return -E2BIG;
		if (current_is_dying())
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/* The page that holds the byte at an offset, which is there. */
static char *byte_at(const struct exec_args *args, u32 offset)
{
	u32 index = offset >> PAGE_SHIFT;
	const struct page *page = args->tables[index / ARGS_PER_TABLE][index % ARGS_PER_TABLE];

	return (char *)page_virt(page) + (offset & ~PAGE_MASK);
}

/* Where the pointer to a page is, its table allocated if need be; NULL without memory. */
static struct page **page_slot(struct exec_args *args, u32 index)
{
	struct page ***table = &args->tables[index / ARGS_PER_TABLE];

	if (!*table) {
		struct page *page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_KERNEL);

		if (!page)
			return NULL;
		*table = page_virt(page);
	}
	return &(*table)[index % ARGS_PER_TABLE];
}

/* The rest of the page that takes the next byte, allocated if need be. NULL and *error when there
 * is none. */
static char *room_for_more(struct exec_args *args, u32 *room, int *error)
{
	struct page **page;

	*error = -E2BIG;
	if (args->size >= args->limit)
		return NULL;
	*error = -ENOMEM;
	page = page_slot(args, args->size >> PAGE_SHIFT);
	if (page && !*page)
		*page = alloc_page(GFP_KERNEL, PAGE_KERNEL);
	if (!page || !*page)
		return NULL;
	*room = min((u32)PAGE_SIZE - (args->size & (u32)~PAGE_MASK), args->limit - args->size);
	return byte_at(args, args->size);
}

static int add_bytes(struct exec_args *args, const char *text, size_t left)
{
	while (left > 0) {
		int error = 0;
		u32 room;
		char *to = room_for_more(args, &room, &error);

		if (!to)
			return error;
		u32 part = min(left, (size_t)room);
		memcpy(to, text, part);
		text += part;
		left -= part;
		args->size += part;
	}
	return 0;
}

int exec_args_add_kernel(struct exec_args *args, const char *text)
{
	return add_bytes(args, text, strlen(text) + 1);
}

/* Appends bytes [from, to) of another one. */
static int add_part(struct exec_args *args, const struct exec_args *of, u32 from, u32 to)
{
	int error = 0;

	while (from < to && error == 0) {
		u32 within = from & ~PAGE_MASK, part = min((u32)PAGE_SIZE - within, to - from);

		error = add_bytes(args, byte_at(of, from), part);
		from += part;
	}
	return error;
}

static int copy_around(struct exec_args *new, const struct exec_args *old, const char *interpreter,
		       const char *argument, const char *script)
{
	u32 name_end = exec_args_next(old, 0);
	int error = add_part(new, old, 0, name_end);

	if (error == 0)
		error = exec_args_add_kernel(new, interpreter);
	if (error == 0 && argument)
		error = exec_args_add_kernel(new, argument);
	if (error == 0)
		error = exec_args_add_kernel(new, script);
	if (error == 0)
		error = add_part(new, old, old->argc ? exec_args_next(old, name_end) : name_end,
				 old->size);
	new->argc = 1 + !!argument + max(old->argc, 1u);
	new->envc = old->envc;
	return error;
}

int exec_args_prepend(struct exec_args *args, const char *interpreter, const char *argument,
		      const char *script)
{
	struct exec_args *new = kmalloc(sizeof(*new), GFP_ZERO);

	if (!new)
		return -ENOMEM;
	new->limit = args->limit;
	int error = copy_around(new, args, interpreter, argument, script);
	if (error == 0) {
		exec_args_release(args);
		*args = *new;
	} else {
		exec_args_release(new);
	}
	kfree(new);
	return error;
}

/*
 * A text that does not end in this page is copied in a second read: the program may change it in
 * between, even put a terminator into it. All that it gets is other arguments: exec_args_next()
 * never leaves the pages.
 */
static int add_user_text(struct exec_args *args, const char __user *text)
{
	for (u32 begin = args->size; args->size - begin < ARG_MAX_TEXT;) {
		int error = 0;
		u32 room;
		char *to = room_for_more(args, &room, &error);

		if (!to)
			return error;
		room = min(room, (u32)ARG_MAX_TEXT - (args->size - begin));
		long length = strncpy_from_user(to, text, room);
		if (length >= 0) {
			args->size += length + 1;
			return 0;
		}
		if (length != -ENAMETOOLONG)
			return length;
		if (copy_from_user(to, text, room) != 0)
			return -EFAULT;
		text += room;
		args->size += room;
	}
	return -E2BIG;
}

int exec_args_add_user(struct exec_args *args, const char __user *const __user *texts, u32 *count)
{
	*count = 0;
	for (; texts; texts++) {
		const char __user *text;

		if (copy_from_user(&text, texts, sizeof(text)) != 0)
			return -EFAULT;
		if (!text)
			return 0;
		int error = add_user_text(args, text);
		if (error != 0)
			return error;
		++*count;
		if (current_is_dying())
			return -EINTR;
		cond_resched();
	}
	return 0;
}

int exec_args_copy_out(const struct exec_args *args, u64 to)
{
	for (u32 done = 0; done < args->size; done += PAGE_SIZE) {
		u32 part = min((u32)PAGE_SIZE, args->size - done);

		if (copy_to_user((void __user *)(to + done), byte_at(args, done), part) != 0)
			return -EFAULT;
	}
	return 0;
}

u32 exec_args_next(const struct exec_args *args, u32 offset)
{
	while (offset < args->size) {
		if (*byte_at(args, offset++) == '\0')
			break;
	}
	return offset;
}

void exec_args_release(struct exec_args *args)
{
	for (u32 i = 0; i < ARG_TABLES; i++) {
		struct page **table = args->tables[i];

		if (!table)
			continue;
		for (u32 k = 0; k < ARGS_PER_TABLE; k++)
			if (table[k])
				page_put(table[k]);
		page_put(virt_page(table));
	}
}
