/* sendfile(2), copy_file_range(2). */
#include "fs/transfer.h"
#include "arch/x86_64/uaccess.h"
#include "fs/fdtable.h"
#include "lib/errno.h"
#include "syscall/syscall.h"

/* A position of the program's, or NULL. */
static int get_pos(u64 user_pos, u64 *value, u64 **pos)
{
	*pos = NULL;
	if (!user_pos)
		return 0;
	*pos = value;
	return copy_from_user(value, (const void __user *)user_pos, sizeof(*value));
}

static int put_pos(u64 user_pos, const u64 *pos)
{
	return pos ? copy_to_user((void __user *)user_pos, pos, sizeof(*pos)) : 0;
}

long sys_sendfile(u64 out_fd, u64 in_fd, u64 user_pos, u64 size)
{
	u64 value, *pos;

	if (get_pos(user_pos, &value, &pos) != 0)
		return -EFAULT;
	struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
	long result = -EBADF;
	if (in && out)
		result = do_sendfile(out, in, pos, size);
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	if (result >= 0 && put_pos(user_pos, pos) != 0)
		return -EFAULT;
	return result;
}

long sys_copy_file_range(u64 in_fd, u64 user_in, u64 out_fd, u64 user_out, u64 size, u64 flags)
{
	u64 in_value, out_value, *in_pos, *out_pos;
	struct file *in = fd_get(in_fd), *out = fd_get(out_fd);
	long result = -EBADF;

	if (in && out) {
		if (get_pos(user_in, &in_value, &in_pos) != 0 ||
		    get_pos(user_out, &out_value, &out_pos) != 0)
			result = -EFAULT;
		else if (flags)
			result = -EINVAL;
		else
			result = do_copy_file_range(in, in_pos, out, out_pos, size);
		if (result > 0 &&
		    (put_pos(user_in, in_pos) != 0 || put_pos(user_out, out_pos) != 0))
			result = -EFAULT;
	}
	if (in)
		file_put(in);
	if (out)
		file_put(out);
	return result;
}
