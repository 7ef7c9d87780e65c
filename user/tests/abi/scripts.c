/* Programs that are scripts: the interpreter, its argument, what it is given. Run by its own scripts,
 * this program says its arguments. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static char *self;

static void make(const char *name, const char *text, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	if (write(fd, text, strlen(text)) < 0)
		say("cannot write %s", name);
	fchmod(fd, mode);
	close(fd);
}

/* A script `name` with that first line, in which SELF stands for this program. */
static void make_script(const char *name, const char *before, const char *after)
{
	char text[600];

	snprintf(text, sizeof(text), "#!%s%s%s\nmore\n", before, self, after);
	make(name, text, 0755);
}

static void run(const char *name, char *const argv[])
{
	char *const environment[] = {"HEARD=1", NULL};
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execve(name, argv, environment);
		say("%s: %s", name, errno_name(errno));
		_exit(99);
	}
	waitpid(pid, &status, 0);
	show_status(name, status);
}

static int tell(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		say("argument %d: %s", i, argv[i]);
	const char *name = (const char *)getauxval(AT_EXECFN);
	say("AT_EXECFN: %s", name);
	return argc;
}

int main(int argc, char **argv)
{
	if (getenv("HEARD"))
		return tell(argc, argv);
	self = argv[0];
	char *arguments[] = {"zero", "one", "two words", NULL}, *none[] = {NULL};

	make_script("plain", "", "");
	make_script("spaces", " \t ", " \t ");
	make_script("argument", "", " -x y  z ");
	make_script("empty", "\t", "\t\n");
	make("nothing", "#!\n", 0755);
	make("blanks", "#!  \t \n", 0755);
	make("missing", "#!/no/such/interpreter\n", 0755);
	make("text", "echo hello\n", 0755);
	make("nofile", "", 0755);
	make("noexec", "#!/bin/sh\n", 0644);
	make("directory", "#!/\n", 0755);
	make("one", "#!./plain\n", 0755);
	make("two", "#!./one -o\n", 0755);
	make("three", "#!./two\n", 0755);
	make("four", "#!./three\n", 0755);
	make("five", "#!./four\n", 0755);
	make("round", "#!./round\n", 0755);
	static const char *const names[] = {
		"./plain",   "./spaces", "./argument", "./empty",  "./nothing",   "./blanks",
		"./missing", "./text",   "./nofile",   "./noexec", "./directory", "./one",
		"./two",     "./three",  "./four",     "./five",   "./round"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		run(names[i], arguments);
		if (i < 3)
			run(names[i], none);
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(names[i]);
	return 0;
}
