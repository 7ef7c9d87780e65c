/*
 * Reading, writing, cutting and filling the content of files in the page cache.
 *
 * Content is copied without the page lock: a copy from user memory may fault, on this very page too, and
 * take locks that stand outside of it. The reference keeps the frame, and PG_DIRTY, set before it is
 * dropped, keeps the content: reclaim frees or evicts a page only when nobody has a reference, and
 * finds it dirty then. Two who write the same bytes at once, or read what is just being written, may see
 * a mixture, as on Linux's tmpfs.
 */
#include "arch/x86_64/uaccess.h"
#include "cpu/wait.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/i_mmap.h"
#include "mm/page_alloc.h"
#include "mm/reclaim.h"
#include "mm/zero_page.h"

/* One copy between a file and memory of a program or the kernel. */
struct transfer {
	struct address_space *mapping;
	u64 pos;
	u64 memory; /* address in memory */
	size_t left;
	long done;
	bool kernel; /* the memory is the kernel's */
};

static int copy_out(const struct transfer *t, const void *from, size_t n)
{
	if (!t->kernel)
		return copy_to_user((void __user *)t->memory, from, n);
	memcpy((void *)t->memory, from, n);
	return 0;
}

static int copy_in(const struct transfer *t, void *to, size_t n)
{
	if (!t->kernel)
		return copy_from_user(to, (const void __user *)t->memory, n);
	memcpy(to, (const void *)t->memory, n);
	return 0;
}

/* Bytes up to the end of the file's page. */
static size_t part_of(const struct transfer *t)
{
	return min(t->left, PAGE_SIZE - (t->pos & ~PAGE_MASK));
}

/* A copy that failed may be possible up to the end of the user's page: as many bytes arrive as on
 * Linux. 0: it is not. */
static size_t part_of_memory(const struct transfer *t, size_t failed)
{
	size_t part = PAGE_SIZE - (t->memory & ~PAGE_MASK);

	return part < failed ? part : 0;
}

static void advance(struct transfer *t, size_t n)
{
	t->pos += n;
	t->memory += n;
	t->left -= n;
	t->done += n;
}

/* Copies part after part until all is done or one fails. */
static long run(struct transfer *t, int (*copy)(struct transfer *t, size_t n))
{
	while (t->left) {
		size_t n = part_of(t);
		int error = copy(t, n);

		if (error == -EFAULT && (n = part_of_memory(t, n)))
			error = copy(t, n);
		if (error)
			return t->done ? t->done : error;
		advance(t, n);
		cond_resched();
	}
	return t->done;
}

/* ---- reading ---- */

static int read_part(struct transfer *t, size_t n)
{
	u64 offset = t->pos & ~PAGE_MASK;
	int error;
	struct page *page = mapping_get_page(t->mapping, t->pos >> PAGE_SHIFT, 0, &error);

	if (error)
		return error;
	if (!page)
		return copy_out(t, page_virt(zero_page), n);
	/* Once for each page, in however many pieces it is read. One that is only fallocated is as good as a hole. */
	if (!offset && !page_is_fallocated(page))
		reclaim_mark_accessed(page);
	error = copy_out(t, (char *)page_virt(page) + offset, n);
	page_put(page);
	return error;
}

static long read_from(struct transfer *t)
{
	u64 size = READ_ONCE(t->mapping->size);

	t->left = t->pos < size ? min(t->left, size - t->pos) : 0;
	return run(t, read_part);
}

long mapping_read(struct address_space *mapping, u64 pos, void __user *to, size_t n)
{
	struct transfer t = {.mapping = mapping, .pos = pos, .memory = (u64)to, .left = n};

	return read_from(&t);
}

long mapping_read_kernel(struct address_space *mapping, u64 pos, void *to, size_t n)
{
	struct transfer t = {
		.mapping = mapping, .pos = pos, .memory = (u64)to, .left = n, .kernel = true};

	return read_from(&t);
}

/* ---- writing ---- */

/* Writes a whole page where a hole is: it need not be cleared first. -EEXIST when it is none. */
static int write_fresh(struct transfer *t)
{
	struct page *page = alloc_page(GFP_KERNEL, PAGE_SHMEM);
	int error;

	if (!page)
		return -ENOMEM;
	error = copy_in(t, page_virt(page), PAGE_SIZE);
	page_set(page, PG_DIRTY | PG_REFERENCED);
	if (!error)
		error = mapping_add_page(t->mapping, t->pos >> PAGE_SHIFT, page);
	page_put(page);
	return error;
}

static int write_part(struct transfer *t, size_t n)
{
	u64 index = t->pos >> PAGE_SHIFT;
	struct page *page;
	int error = 0;

	if (current_is_dying())
		return -EINTR;
	if ((t->mapping->seals & F_SEAL_GROW) && t->pos + n > t->mapping->size)
		return -EPERM;
	page = mapping_find_page(t->mapping, index);
	if (!page && n == PAGE_SIZE) {
		error = write_fresh(t);
		if (error != -EEXIST)
			goto out;
	}
	if (!page)
		page = mapping_get_page(t->mapping, index, MAPPING_CREATE, &error);
	if (!page)
		return error;
	reclaim_mark_accessed(page);
	page_becomes_data(page);
	error = copy_in(t, (char *)page_virt(page) + (t->pos & ~PAGE_MASK), n);
	/* A copy that failed may have written something. */
	mapping_set_dirty(page);
	page_put(page);
out:
	if (!error && t->pos + n > t->mapping->size)
		WRITE_ONCE(t->mapping->size, t->pos + n);
	return error;
}

static long write_to(struct transfer *t)
{
	if (!t->left)
		return 0;
	if (t->pos >= MAPPING_MAX_SIZE)
		return -EFBIG;
	if (mapping_write_is_sealed(t->mapping))
		return -EPERM;
	t->left = min(t->left, MAPPING_MAX_SIZE - t->pos);
	return run(t, write_part);
}

long mapping_write(struct address_space *mapping, u64 pos, const void __user *from, size_t n)
{
	struct transfer t = {.mapping = mapping, .pos = pos, .memory = (u64)from, .left = n};

	return write_to(&t);
}

long mapping_write_kernel(struct address_space *mapping, u64 pos, const void *from, size_t n)
{
	struct transfer t = {
		.mapping = mapping, .pos = pos, .memory = (u64)from, .left = n, .kernel = true};

	return write_to(&t);
}

/* ---- cutting and filling ---- */

/* Clears [from, to) of the page at an index, if there is one. */
static int clear_part(struct address_space *mapping, u64 index, size_t from, size_t to)
{
	int error;
	struct page *page = from < to ? mapping_get_page(mapping, index, 0, &error) : NULL;

	if (from >= to)
		return 0;
	if (!page)
		return error;
	memset((char *)page_virt(page) + from, 0, to - from);
	mapping_set_dirty(page);
	page_put(page);
	return 0;
}

void mapping_truncate(struct address_space *mapping, u64 size)
{
	u64 old = mapping->size;

	WRITE_ONCE(mapping->size, size);
	if (size >= old)
		return;
	/* Copies that private VMAs have made go too. One that is made now finds the new size. */
	mapping_unmap_range(mapping, PAGE_ALIGN(size) >> PAGE_SHIFT, ~0ul, UNMAP_ALL);
	mapping_remove_range(mapping, PAGE_ALIGN(size) >> PAGE_SHIFT, MAPPING_MAX_INDEX);
	if (size & ~PAGE_MASK &&
	    clear_part(mapping, size >> PAGE_SHIFT, size & ~PAGE_MASK, PAGE_SIZE))
		printk("mapping %u: the end of its last page could not be read: not cleared",
		       mapping->id);
}

static int allocate_at(struct address_space *mapping, u64 index)
{
	struct page *page = mapping_find_page(mapping, index);
	int error;

	/* Allocated twice, it is data: on Linux too. So a failure takes back only what its own call has made. */
	if (page)
		page_becomes_data(page);
	else
		page = mapping_get_page(mapping, index, MAPPING_CREATE | MAPPING_FALLOCATE, &error);
	if (!page)
		return error;
	/* A clean page could be dropped for what a hole reads the same. */
	mapping_set_dirty(page);
	page_put(page);
	cond_resched();
	return 0;
}

int mapping_fallocate(struct address_space *mapping, u64 pos, u64 n)
{
	u64 first = pos >> PAGE_SHIFT, index = first, end;
	int error = 0;

	if (pos > MAPPING_MAX_SIZE || n > MAPPING_MAX_SIZE - pos)
		return -EFBIG;
	end = PAGE_ALIGN(pos + n) >> PAGE_SHIFT;
	while (index < end && !error) {
		error = current_has_signal() ? -EINTR : allocate_at(mapping, index);
		index++;
	}
	if (error)
		mapping_remove_fallocated(mapping, first, index);
	return error;
}

int mapping_punch_hole(struct address_space *mapping, u64 pos, u64 n)
{
	u64 end = n > MAPPING_MAX_SIZE - pos ? MAPPING_MAX_SIZE : pos + n;
	u64 first = PAGE_ALIGN(pos) >> PAGE_SHIFT, behind = end >> PAGE_SHIFT;
	int error;

	if (first > behind) /* inside of one page */
		return clear_part(mapping, behind, pos & ~PAGE_MASK, end & ~PAGE_MASK);
	if (first < behind) {
		mapping_unmap_range(mapping, first, behind - 1, UNMAP_CACHE);
		mapping_remove_range(mapping, first, behind - 1);
	}
	error = pos & ~PAGE_MASK ? clear_part(mapping, first - 1, pos & ~PAGE_MASK, PAGE_SIZE) : 0;
	return error ? error : clear_part(mapping, behind, 0, end & ~PAGE_MASK);
}
