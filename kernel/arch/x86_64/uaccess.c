/* Checks a user range, then calls the loops of user_copy.S. */
#include "arch/x86_64/uaccess.h"
#include "arch/x86_64/asm.h"
#include "arch/x86_64/layout.h"
#include "cpu/kasan.h"
#include "cpu/lockdep.h"
#include "lib/errno.h"

static_assert(EFAULT == ASM_EFAULT && ENAMETOOLONG == ASM_ENAMETOOLONG, "user_copy.S");

int user_copy(void *to, const void *from, size_t n);
int user_cmpxchg(u32 *at, u32 *old, u32 new);
long user_copy_text(char *to, const char *from, size_t size);

bool user_range_ok(const void __user *p, size_t n)
{
	return n <= USER_END && (u64)p <= USER_END - n;
}

int copy_from_user(void *to, const void __user *from, size_t n)
{
	might_sleep();
	kasan_check_write(to, n);
	return user_range_ok(from, n) ? user_copy(to, from, n) : -EFAULT;
}

/* With a spinlock held no fault is resolved (upcall_page_fault()). */
int copy_from_user_nofault(void *to, const void __user *from, size_t n)
{
	kasan_check_write(to, n);
	return user_range_ok(from, n) ? user_copy(to, from, n) : -EFAULT;
}

int cmpxchg_user(u32 __user *at, u32 *old, u32 new)
{
	return user_range_ok(at, sizeof(*at)) ? user_cmpxchg(at, old, new) : -EFAULT;
}

int copy_to_user(void __user *to, const void *from, size_t n)
{
	might_sleep();
	kasan_check_read(from, n);
	return user_range_ok(to, n) ? user_copy(to, from, n) : -EFAULT;
}

long strncpy_from_user(char *to, const char __user *from, size_t size)
{
	size_t room; /* bytes from `from` to the end of user memory */
	long length;

	might_sleep();
	kasan_check_write(to, size);
	if (!user_range_ok(from, 1))
		return -EFAULT;
	room = USER_END - (u64)from;
	length = user_copy_text(to, from, min(size, room));
	return length == -ENAMETOOLONG && room < size ? -EFAULT : length;
}
