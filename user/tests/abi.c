/* Owns nothing. A line is made whole and written at once: no buffer is copied by a fork. */
#define _GNU_SOURCE
#include "abi.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../lib/print.h"

void say(const char *format, ...)
{
	char text[SAY_MAX];
	int saved_errno = errno;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	errno = saved_errno;
	print("%s: %s\n", program_invocation_short_name, text);
}

#define NAME(error) [error] = #error
static const char *const names[] = {
	NAME(EPERM),      NAME(ENOENT),          NAME(ESRCH),        NAME(EINTR),
	NAME(EIO),        NAME(ENXIO),           NAME(E2BIG),        NAME(ENOEXEC),
	NAME(EBADF),      NAME(ECHILD),          NAME(EAGAIN),       NAME(ENOMEM),
	NAME(EACCES),     NAME(EFAULT),          NAME(ENOTBLK),      NAME(EBUSY),
	NAME(EEXIST),     NAME(EXDEV),           NAME(ENODEV),       NAME(ENOTDIR),
	NAME(EISDIR),     NAME(EINVAL),          NAME(ENFILE),       NAME(EMFILE),
	NAME(ENOTTY),     NAME(ETXTBSY),         NAME(EFBIG),        NAME(ENOSPC),
	NAME(ESPIPE),     NAME(EROFS),           NAME(EMLINK),       NAME(EPIPE),
	NAME(EDOM),       NAME(ERANGE),          NAME(EDEADLK),      NAME(ENOSYS),
	NAME(ELOOP),      NAME(EIDRM),           NAME(ENAMETOOLONG), NAME(ENOTEMPTY),
	NAME(ENODATA),    NAME(ETIME),           NAME(ENOTSOCK),     NAME(EOVERFLOW),
	NAME(EOPNOTSUPP), NAME(EAFNOSUPPORT),    NAME(ETIMEDOUT),    NAME(EALREADY),
	NAME(EOWNERDEAD), NAME(ENOTRECOVERABLE),
};

const char *errno_name(int error)
{
	static char unnamed[24];

	if (error > 0 && (size_t)error < sizeof(names) / sizeof(names[0]) && names[error])
		return names[error];
	snprintf(unnamed, sizeof(unnamed), "errno %d", error);
	return unnamed;
}

long show_result(const char *call, long result)
{
	if (result == -1 && errno != 0)
		say("%s = -1 %s", call, errno_name(errno));
	else
		say("%s = %ld", call, result);
	return result;
}

long show_success(const char *call, long result)
{
	say("%s: %s", call, result == -1 ? errno_name(errno) : "ok");
	return result;
}

void show_status(const char *what, int status)
{
	if (WIFEXITED(status))
		say("%s: exited %d", what, WEXITSTATUS(status));
	else if (WIFSTOPPED(status))
		say("%s: stopped by signal %d", what, WSTOPSIG(status));
	else if (WIFCONTINUED(status))
		say("%s: continued", what);
	else
		say("%s: killed by signal %d", what, WTERMSIG(status));
}

void show_child(const char *what, int (*action)(void *context), void *context)
{
	int status = check_in_child(action, context);

	if (status == -1)
		say("%s: no child: %s", what, errno_name(errno));
	else
		show_status(what, status);
}
