/* execve(2) and execveat(2): scripts, refusals, and what a program finds at its start. */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

/* A directory of its own, so that relative names are the same everywhere. */
static char directory[] = "/tmp/exec-XXXXXX", self[512];

static void write_script(const char *name, const char *text, size_t size)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0755);

	write(fd, text, size);
	close(fd);
}

static void script(const char *name, const char *format, const char *program)
{
	char text[1024];

	snprintf(text, sizeof(text), format, program);
	write_script(name, text, strlen(text));
}

static int exec_it(void *context)
{
	char *const args[] = {"zero", "one", "two words", NULL};
	char *const env[] = {"A=1", NULL};

	execve(context, args, env);
	say("%s", errno_name(errno));
	return 1;
}

static void scripts(void)
{
	static const char *const lines[] = {
		"#!%s\n",
		"#! \t%s\n",
		"#!%s arg\n",
		"#!%s \t two words \t\n",
		"#!%s",
		"#!%s arg",
		"#!",
		"#!\n%s",
		"#!   \n%s",
		"# !%s\n",
		"#!/nonexistent\n",
		"#!/tmp\n",
		"#!%s\targ\n",
	};
	char text[600];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		script("script", lines[i], self);
		say("line %zu", i);
		show_child("script", exec_it, "./script");
	}
	/* What 256 bytes cut off. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "#!/", 3);
	write_script("script", text, sizeof(text));
	show_child("long name", exec_it, "./script");
	memset(text, ' ', sizeof(text));
	memcpy(text, "#!", 2);
	write_script("script", text, sizeof(text));
	show_child("blanks", exec_it, "./script");
	memset(text, 'y', sizeof(text));
	memcpy(text + snprintf(text, sizeof(text), "#!%s ", self), "y", 1);
	write_script("script", text, sizeof(text));
	show_child("long argument", exec_it, "./script");
	write_script("script", "", 0);
	show_child("empty", exec_it, "./script");
}

static void nested(void)
{
	char name[] = "s0", line[] = "#!./s0\n";

	script("s0", "#!%s\n", self);
	for (int i = 1; i < 8; i++) {
		line[5] = '0' + i - 1;
		name[1] = '0' + i;
		write_script(name, line, strlen(line));
		say("nested %d", i);
		show_child("nested", exec_it, name);
	}
}

static void refusals(void)
{
	char *const args[] = {"x", NULL};

	write_script("plain", "text\n", 5);
	SHOW(execve("./plain", args, NULL));
	chmod("plain", 0644);
	SHOW(execve("./plain", args, NULL));
	SHOW(execve("/tmp", args, NULL));
	SHOW(execve("", args, NULL));
	SHOW(execve("/nonexistent", args, NULL));
	SHOW(execve("./plain/x", args, NULL));
	SHOW(execve((char *)8, args, NULL));
	SHOW(execve("./script", (char **)8, NULL));
	SHOW(execve("./script", (char *[]){(char *)8, NULL}, NULL));
	SHOW(syscall(SYS_execveat, AT_FDCWD, "./plain", args, NULL, 1));
	SHOW(syscall(SYS_execveat, 99, "plain", args, NULL, 0));
	SHOW(syscall(SYS_execveat, 99, "", args, NULL, AT_EMPTY_PATH));
	int fd = open("busy", O_CREAT | O_WRONLY, 0755);
	SHOW(execve("./busy", args, NULL));
	close(fd);
	symlink("script", "link");
	SHOW(syscall(SYS_execveat, AT_FDCWD, "./link", args, NULL, AT_SYMLINK_NOFOLLOW));
}

static int exec_descriptor(void *context)
{
	int fd = open(context, O_RDONLY | O_CLOEXEC);
	char *const args[] = {"zero", NULL};

	syscall(SYS_execveat, fd, "", args, NULL, AT_EMPTY_PATH);
	say("%s", errno_name(errno));
	return 1;
}

static int exec_in_directory(void *context)
{
	int fd = open("/", O_RDONLY | O_DIRECTORY);
	char *const args[] = {"zero", NULL};

	syscall(SYS_execveat, fd, (char *)context + 1, args, NULL, 0);
	say("%s", errno_name(errno));
	return 1;
}

static int no_arguments(void *context)
{
	execve(context, NULL, NULL);
	return 1;
}

static void at(void)
{
	script("script", "#!%s\n", self);
	show_child("descriptor", exec_descriptor, self);
	show_child("script by a descriptor that is closed", exec_descriptor, "./script");
	show_child("in a directory", exec_in_directory, self);
	show_child("no arguments", no_arguments, self);
}

/* A name of this test, or its kind: the host's paths differ. */
static const char *kind_of(const char *text)
{
	if (strcmp(text, self) == 0)
		return "SELF";
	return strncmp(text, "/dev/fd/", 8) == 0 ? "/dev/fd/..." : text;
}

static int started(int argc, char **argv)
{
	char where[PATH_MAX];

	where[readlink("/proc/self/exe", where, sizeof(where) - 1)] = '\0';
	strcpy(self, where);
	/* How much of a long one is there depends on the length of this program's name. */
	for (int i = 0; i < argc; i++)
		say("argument %d: %.80s%s", i, kind_of(argv[i]),
		    strlen(kind_of(argv[i])) > 80 ? "..." : "");
	for (char **at = environ; *at; at++)
		say("environment: %s", *at);
	say("execfn %s, platform %s, secure %lu, uid %lu, page size %lu, clock ticks %lu",
	    kind_of((char *)getauxval(AT_EXECFN)), (char *)getauxval(AT_PLATFORM),
	    getauxval(AT_SECURE), getauxval(AT_UID), getauxval(AT_PAGESZ), getauxval(AT_CLKTCK));
	say("random %s, vdso %s, stack for signals %s", getauxval(AT_RANDOM) ? "there" : "missing",
	    getauxval(AT_SYSINFO_EHDR) ? "there" : "missing",
	    getauxval(51) >= 1000 ? "told" : "not told");
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 1 || !getenv("PATH"))
		return started(argc, argv);
	self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = '\0';
	if (!mkdtemp(directory) || chdir(directory) != 0) {
		say("no directory");
		return 1;
	}
	scripts();
	nested();
	refusals();
	at();
	return 0;
}
