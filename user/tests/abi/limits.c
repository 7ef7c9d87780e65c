/* How much execve(2) carries over, and how large a file may become. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

#define KIB     1024ul
#define ONE_MAX (128 * KIB) /* of one string, with its terminator */
#define PATH    "/proc/self/exe"
#define WORD    "args"

/* ---- execve ---- */

/* What the new program is called, so that it says its lines by this one's name. */
static char *self;

static char *text(size_t size)
{
	char *at = malloc(size);

	memset(at, 'x', size - 1);
	at[size - 1] = '\0';
	return at;
}

/* Bytes that execve carries besides: the path, argv[0], WORD, and the pointers of these and of `nr` more. */
static size_t overhead(size_t nr)
{
	return sizeof(PATH) + strlen(self) + 1 + sizeof(WORD) + (2 + nr) * sizeof(char *);
}

struct strings {
	size_t nr, size; /* as many strings of so many bytes */
	size_t last;     /* and one of so many, unless 0 */
	int in_environment;
	rlim_t stack; /* limit, unless 0 */
};

static int run_self(void *context)
{
	const struct strings *strings = context;
	char **list = calloc(strings->nr + 4, sizeof(char *));
	char *none[] = {NULL}, *few[] = {self, WORD, NULL};
	size_t n = 0;

	if (strings->stack) {
		struct rlimit limit = {strings->stack, RLIM_INFINITY};

		if (setrlimit(RLIMIT_STACK, &limit) != 0)
			return 98;
	}
	if (!strings->in_environment) {
		list[n++] = self;
		list[n++] = WORD;
	}
	for (size_t i = 0; i < strings->nr; i++)
		list[n++] = text(strings->size);
	if (strings->last)
		list[n++] = text(strings->last);
	if (strings->in_environment)
		execve(PATH, few, list);
	else
		execve(PATH, list, none);
	return errno == E2BIG ? 7 : 97;
}

/* In the new program: how many bytes came. */
static int count(int argc, char **argv, char **envp)
{
	size_t bytes = 0, strings = 0;

	for (int i = 2; i < argc; i++, strings++)
		bytes += strlen(argv[i]) + 1;
	for (; *envp; envp++, strings++)
		bytes += strlen(*envp) + 1;
	say("%zu strings, %zu bytes", strings, bytes);
	return 0;
}

static void try_strings(const char *what, struct strings strings)
{
	show_child(what, run_self, &strings);
}

static void arguments(void)
{
	size_t two_mib = 2048 * KIB, fifteen = 15 * ONE_MAX, left;

	try_strings("one as long as may be", (struct strings){1, ONE_MAX, 0, 0, 0});
	try_strings("one byte more", (struct strings){1, ONE_MAX + 1, 0, 0, 0});
	try_strings("in the environment", (struct strings){1, ONE_MAX, 0, 1, 0});
	try_strings("one byte more there", (struct strings){1, ONE_MAX + 1, 0, 1, 0});
	left = two_mib - fifteen - overhead(16);
	try_strings("a quarter of 8 MiB", (struct strings){15, ONE_MAX, left, 0, 8192 * KIB});
	try_strings("a byte more", (struct strings){15, ONE_MAX, left + 1, 0, 8192 * KIB});
	try_strings("a quarter, environment", (struct strings){15, ONE_MAX, left, 1, 8192 * KIB});
	try_strings("a byte more, environment",
		    (struct strings){15, ONE_MAX, left + 1, 1, 8192 * KIB});
	try_strings("half of a small stack", (struct strings){1, 32 * KIB, 0, 0, 64 * KIB});
	try_strings("more than a small stack", (struct strings){1, 64 * KIB, 0, 0, 64 * KIB});
	left = ONE_MAX - overhead(0);
	try_strings("many small ones", (struct strings){left / 10, 2, 0, 0, 512 * KIB});
	try_strings("one more of them", (struct strings){left / 10 + 1, 2, 0, 0, 512 * KIB});
}

/* ---- RLIMIT_FSIZE ---- */

static int nr_signals;

static void count_signal(int signal)
{
	(void)signal;
	nr_signals++;
}

static int grow_beyond(void *context)
{
	(void)context;
	signal(SIGXFSZ, SIG_DFL);
	return truncate("file", 10001);
}

static void file_sizes(void)
{
	struct rlimit limit = {10000, RLIM_INFINITY};
	int fd;

	signal(SIGXFSZ, count_signal);
	SHOW_OK(fd = open("file", O_RDWR | O_CREAT | O_TRUNC, 0644));
	SHOW(ftruncate(fd, 20000));
	SHOW(setrlimit(RLIMIT_FSIZE, &limit));
	SHOW(ftruncate(fd, 20000));
	SHOW(ftruncate(fd, 20001));
	SHOW(nr_signals);
	SHOW(ftruncate(fd, 15000));
	SHOW(ftruncate(fd, 15001));
	SHOW(ftruncate(fd, 100));
	SHOW(ftruncate(fd, 10000));
	SHOW(truncate("file", 10001));
	SHOW(nr_signals);
	SHOW(fallocate(fd, 0, 0, 10000));
	SHOW(fallocate(fd, 0, 9000, 1001)); /* with KEEP_SIZE file systems differ */
	SHOW(nr_signals);
	SHOW(lseek(fd, 0, SEEK_END));
	show_child("dies of it", grow_beyond, NULL);
	SHOW(unlink("file"));
	close(fd);
}

int main(int argc, char **argv, char **envp)
{
	if (argc > 1 && strcmp(argv[1], WORD) == 0)
		return count(argc, argv, envp);
	self = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	arguments();
	file_sizes();
	return 0;
}
