/* System calls by INT 0x80: i386 numbers and registers, 32-bit arguments, from a 64-bit program. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum {
	I386_EXIT = 1,
	I386_FORK = 2,
	I386_READ = 3,
	I386_WRITE = 4,
	I386_OPEN = 5,
	I386_CLOSE = 6,
	I386_GETPID = 20,
	I386_BRK = 45,
	I386_GETPPID = 64,
	I386_UNAME = 122,
	I386_NONE = 100000,
};

static long int80(unsigned long nr, unsigned long b, unsigned long c, unsigned long d)
{
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(nr), "b"(b), "c"(c), "d"(d) : "memory");
	return result;
}

/* Static data of a program that is not position-independent lies below 4 GiB. */
static unsigned long low(const void *p)
{
	return (unsigned long)p;
}

static const char *test_identity(void)
{
	CHECK(int80(I386_GETPID, 0, 0, 0) == getpid());
	CHECK(int80(I386_GETPPID, 0, 0, 0) == getppid());
	return NULL;
}

/* Only the low halves of number and arguments count. */
static const char *test_upper_halves_are_ignored(void)
{
	static struct utsname name;
	const unsigned long high = 1ul << 40;

	CHECK(int80(I386_GETPID | high, 0, 0, 0) == getpid());
	CHECK(int80(I386_UNAME, low(&name) | high, 0, 0) == 0);
	CHECK(strcmp(name.machine, "x86_64") == 0 || name.machine[0] == 'i');
	return NULL;
}

static const char *test_registers_survive(void)
{
	long result;
	register long r8 __asm__("r8") = 8, r12 __asm__("r12") = 12, r15 __asm__("r15") = 15;
	unsigned long c = 0x123456789abcdef0;

	__asm__ volatile("int $0x80"
			 : "=a"(result), "+r"(r8), "+r"(r12), "+r"(r15), "+c"(c)
			 : "a"(I386_GETPID)
			 : "memory");
	CHECK(result == getpid());
	CHECK(r8 == 8 && r12 == 12 && r15 == 15 && c == 0x123456789abcdef0);
	return NULL;
}

static const char *test_errors(void)
{
	static char byte;

	CHECK(int80(I386_NONE, 0, 0, 0) == -ENOSYS);
	CHECK(int80(I386_READ, 0xffffffff, low(&byte), 1) == -EBADF);
	CHECK(int80(I386_CLOSE, 77, 0, 0) == -EBADF);
	return NULL;
}

static const char *test_files(void)
{
	static const char missing[] = "/no/such/file", text[] = "written by int 0x80\n";

	CHECK(int80(I386_OPEN, low(missing), O_RDONLY, 0) == -ENOENT);
	CHECK(int80(I386_WRITE, 1, low(text), sizeof(text) - 1) == sizeof(text) - 1);
	return NULL;
}

static const char *test_brk(void)
{
	unsigned long end = (unsigned long)sbrk(0);

	CHECK((unsigned)int80(I386_BRK, 0, 0, 0) == (unsigned)end);
	return NULL;
}

static const char *test_fork_and_exit(void)
{
	int status;
	long pid = int80(I386_FORK, 0, 0, 0);

	if (pid == 0)
		int80(I386_EXIT, 42, 0, 0);
	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(status == CHECK_EXITED(42));
	return NULL;
}

static const struct check checks[] = {
	{"identity", test_identity},
	{"upper_halves_are_ignored", test_upper_halves_are_ignored},
	{"registers_survive", test_registers_survive},
	{"errors", test_errors},
	{"files", test_files},
	{"brk", test_brk},
	{"fork_and_exit", test_fork_and_exit},
};

int main(void)
{
	return check_run(checks, sizeof(checks) / sizeof(checks[0]));
}
