/* memfd_create(2). */
#include "fs/memfd.h"

#include "arch/x86_64/uaccess.h"
#include "fs/fdtable.h"
#include "lib/errno.h"
#include "syscall/syscall.h"

#define MFD_CLOEXEC       1u
#define MFD_ALLOW_SEALING 2u
#define MFD_KNOWN         (MFD_CLOEXEC | MFD_ALLOW_SEALING)
/* Of a name, with its terminator (Linux's MFD_NAME_MAX_LEN + 1). */
#define MFD_NAME_SIZE 250

long sys_memfd_create(u64 user_name, u64 flags)
{
	char name[MFD_NAME_SIZE];
	struct file *file;
	long length;
	int error;

	/* 2 MiB pages among them: there is no hugetlbfs. */
	if ((u32)flags & ~MFD_KNOWN)
		return -EINVAL;
	length = strncpy_from_user(name, (const char __user *)user_name, sizeof(name));
	if (length < 0)
		return length == -ENAMETOOLONG ? -EINVAL : length;
	error = memfd_create(name, flags & MFD_ALLOW_SEALING, &file);
	if (error)
		return error;
	return fd_install_new(file, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}
