/*
 * Owns the pages of a struct exec_args. Pages instead of one buffer, because 128 KiB in one piece
 * may not be there when memory is short.
 */
#include "proc/exec_args.h"
#include "arch/x86_64/uaccess.h"
#include "cpu/wait.h"
#include "lib/errno.h"

/* The rest of the page that takes the next byte, allocated if need be. NULL and *error when there
 * is none. */
static char *room_for_more(struct exec_args *args, u32 *room, int *error)
{
	u32 index = args->size >> PAGE_SHIFT, within = args->size & ~PAGE_MASK;

	if (index == ARG_MAX_PAGES) {
		*error = -E2BIG;
		return NULL;
	}
	if (!args->pages[index])
		args->pages[index] = alloc_page(GFP_KERNEL, PAGE_KERNEL);
	if (!args->pages[index]) {
		*error = -ENOMEM;
		return NULL;
	}
	*room = PAGE_SIZE - within;
	return (char *)page_virt(args->pages[index]) + within;
}

int exec_args_add_kernel(struct exec_args *args, const char *text)
{
	size_t left = strlen(text) + 1;

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

/*
 * A text that does not end in this page is copied in a second read: the program may change it in
 * between, even put a terminator into it. All that it gets is other arguments: exec_args_next()
 * never leaves the pages.
 */
static int add_user_text(struct exec_args *args, const char __user *text)
{
	for (;;) {
		int error = 0;
		u32 room;
		char *to = room_for_more(args, &room, &error);

		if (!to)
			return error;
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

		if (copy_to_user((void __user *)(to + done),
				 page_virt(args->pages[done >> PAGE_SHIFT]), part) != 0)
			return -EFAULT;
	}
	return 0;
}

u32 exec_args_next(const struct exec_args *args, u32 offset)
{
	while (offset < args->size) {
		const char *page = page_virt(args->pages[offset >> PAGE_SHIFT]);

		if (page[offset++ & ~PAGE_MASK] == '\0')
			break;
	}
	return offset;
}

void exec_args_release(struct exec_args *args)
{
	for (u32 i = 0; i < ARG_MAX_PAGES; i++)
		if (args->pages[i])
			page_put(args->pages[i]);
}
