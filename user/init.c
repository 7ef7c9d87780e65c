/*
 * init: process 1. Starts the programs that /plan names, in order, waits for all, and exits with
 * the status of the session.
 *
 * /plan holds one program a line, fields separated by one TAB:
 *
 *   NAME  MODE  ARGV0  ARGV1 ...
 *
 * NAME is what the log calls it. MODE is `fg` (wait for it before the next line) or `bg` (go on at
 * once). ARGV0 is the path of the program and its argv[0]. A line that begins with a TAB sets
 * something for the next program: `env` NAME=VALUE (beside PATH and HOME), `cwd` DIR, `stdin` FILE,
 * `terminal` PATH: its input and output, and it leads a session whose controlling terminal that is.
 * With neither of the last two it reads /dev/null.
 * In a field, \t, \n and \\ stand for a TAB, a line break and a backslash. Empty lines are
 * skipped. The whole plan is read before the first program starts.
 *
 * Exit status: that of the first fg program (of the first program, when none is fg), 128 + signal
 * when a signal ended it; 125 when there is no plan that can be carried out. A program that cannot
 * be executed counts as 127.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/print.h"

#define EXIT_NO_PLAN 125
#define EXIT_NO_EXEC 127

#define WAIT_STATUS_OF_EXIT(code) ((code) << 8)

#define PLAN_PATH    "/plan"
#define PLAN_SIZE    262144
#define MAX_PROGRAMS 256
#define MAX_FIELDS   32768 /* of the plan */

struct program {
	const char *name;
	bool foreground;
	const char *directory; /* NULL: where init is */
	const char *input;
	bool has_terminal;   /* `input` becomes its controlling terminal */
	char **argv, **envp; /* each ends with NULL */
	pid_t pid;           /* 0: not started, or already collected */
	int status;
};

static char plan[PLAN_SIZE];
static struct program programs[MAX_PROGRAMS];
static int nr_programs;
/* What argv and envp of all programs point into, and their NULLs: each program has two. */
static char *words[MAX_FIELDS + 2 * MAX_PROGRAMS];
static int nr_words;
static char *const defaults[] = {"PATH=/bin", "HOME=/"};

static void give_up(const char *what, const char *why)
{
	print("[init] %s: %s\n", what, why);
	_exit(EXIT_NO_PLAN);
}

static void read_plan(void)
{
	size_t length = 0;
	int fd = open(PLAN_PATH, O_RDONLY);

	if (fd < 0)
		give_up("cannot open " PLAN_PATH, strerror(errno));
	for (;;) {
		ssize_t n = read(fd, plan + length, sizeof(plan) - length);

		if (n < 0)
			give_up("cannot read " PLAN_PATH, strerror(errno));
		if (n == 0)
			break;
		length += (size_t)n;
		if (length == sizeof(plan))
			give_up(PLAN_PATH, "longer than 262143 bytes");
	}
	close(fd);
	plan[length] = '\0';
}

/* Cuts the text at the next separator and returns the part before it; *rest is NULL behind the last
 * part. */
static char *cut(char **rest, char separator)
{
	char *part = *rest;
	char *end = strchr(part, separator);

	if (end)
		*end++ = '\0';
	*rest = end;
	return part;
}

/* Turns what stands for a TAB, a line break or a backslash into it, in place. */
static char *unescape(char *field)
{
	char *to = field;

	for (const char *from = field; *from; from++) {
		if (*from == '\\' && from[1] != '\0') {
			from++;
			*to++ = *from == 't' ? '\t' : *from == 'n' ? '\n' : *from;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
	return field;
}

static char *next_field(char **rest)
{
	return unescape(cut(rest, '\t'));
}

static void add_word(char *word)
{
	if (nr_words == sizeof(words) / sizeof(words[0]))
		give_up(PLAN_PATH, "too many arguments and variables");
	words[nr_words++] = word;
}

/* Whether both are NAME=... with the same name. */
static bool same_variable(const char *one, const char *other)
{
	size_t length = strcspn(one, "=");

	return strncmp(one, other, length + 1) == 0;
}

/* Ends the environment of the program: the defaults that nothing took the place of, and NULL. */
static void finish_environment(struct program *program)
{
	int end = nr_words;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		bool given = false;

		for (char **word = program->envp; word < words + end; word++)
			given = given || same_variable(*word, defaults[i]);
		if (!given)
			add_word(defaults[i]);
	}
	add_word(NULL);
}

/* A line that sets something for the program after it. */
static void parse_setting(struct program *program, char *line)
{
	const char *what = cut(&line, '\t');
	char *value = line ? next_field(&line) : NULL;

	if (!value || line)
		give_up(what, "one value is expected in " PLAN_PATH);
	if (strcmp(what, "env") == 0)
		add_word(value);
	else if (strcmp(what, "cwd") == 0)
		program->directory = value;
	else if (strcmp(what, "stdin") == 0)
		program->input = value;
	else if (strcmp(what, "terminal") == 0) {
		program->input = value;
		program->has_terminal = true;
	} else
		give_up(what, "no such setting in " PLAN_PATH);
}

static void parse_line(char *line)
{
	struct program *program = &programs[nr_programs];

	if (nr_programs == MAX_PROGRAMS)
		give_up(PLAN_PATH, "more than 256 programs");
	if (!program->envp)
		program->envp = words + nr_words;
	if (*line == '\t')
		return parse_setting(program, line + 1);

	nr_programs++;
	finish_environment(program);
	if (!program->input)
		program->input = "/dev/null";
	program->name = next_field(&line);
	if (!line)
		give_up(program->name, "no mode in " PLAN_PATH);
	const char *mode = next_field(&line);
	program->foreground = strcmp(mode, "fg") == 0;
	if (!program->foreground && strcmp(mode, "bg") != 0)
		give_up(program->name, "mode in " PLAN_PATH " is neither fg nor bg");
	if (!line || *line == '\0' || *line == '\t')
		give_up(program->name, "no path in " PLAN_PATH);
	program->argv = words + nr_words;
	while (line)
		add_word(next_field(&line));
	add_word(NULL);
}

static void parse_plan(void)
{
	char *rest = plan;

	while (rest) {
		char *line = cut(&rest, '\n');
		if (*line != '\0')
			parse_line(line);
	}
	if (nr_programs == 0)
		give_up(PLAN_PATH, "names no program");
}

/* In the child: a session with the terminal at all three descriptors. */
static bool open_terminal(const char *path)
{
	setsid();
	int fd = open(path, O_RDWR);

	for (int i = STDIN_FILENO; fd >= 0 && i <= STDERR_FILENO; i++)
		dup2(fd, i);
	if (fd > STDERR_FILENO)
		close(fd);
	return fd >= 0 && ioctl(STDIN_FILENO, TIOCSCTTY, 1) == 0;
}

/* In the child: opens what the program reads as standard input. */
static bool open_input(const struct program *program)
{
	if (program->has_terminal)
		return open_terminal(program->input);
	close(STDIN_FILENO);
	return open(program->input, O_RDONLY) == STDIN_FILENO;
}

/* In the child. */
static void __attribute__((noreturn)) become(const struct program *program)
{
	if (!open_input(program))
		print("[init] cannot open %s: %s\n", program->input, strerror(errno));
	else if (program->directory && chdir(program->directory) != 0)
		print("[init] cannot go to %s: %s\n", program->directory, strerror(errno));
	else {
		execve(program->argv[0], program->argv, program->envp);
		print("[init] cannot execute %s: %s\n", program->argv[0], strerror(errno));
	}
	_exit(EXIT_NO_EXEC);
}

static void start(struct program *program)
{
	pid_t pid = fork();

	if (pid == 0)
		become(program);
	if (pid < 0) {
		print("[init] cannot start %s: %s\n", program->name, strerror(errno));
		program->status = WAIT_STATUS_OF_EXIT(EXIT_NO_EXEC);
		return;
	}
	program->pid = pid;
	print("[init] start %s pid %d\n", program->name, pid);
}

/* Waits for one child, of ours or inherited. Returns false when there is none left. */
static bool collect_one(void)
{
	int status;
	pid_t pid = wait4(-1, &status, 0, NULL);

	if (pid < 0 && errno == ECHILD)
		return false;
	if (pid < 0)
		give_up("wait4", strerror(errno));
	for (int i = 0; i < nr_programs; i++) {
		if (programs[i].pid != pid)
			continue;
		programs[i].pid = 0;
		programs[i].status = status;
		print("[init] exit %s pid %d status %d\n", programs[i].name, pid, status);
		return true;
	}
	print("[init] orphan pid %d status %d\n", pid, status);
	return true;
}

static int session_status(void)
{
	const struct program *chosen = &programs[0];

	for (int i = nr_programs - 1; i >= 0; i--) {
		if (programs[i].foreground)
			chosen = &programs[i];
	}
	if (WIFSIGNALED(chosen->status))
		return 128 + WTERMSIG(chosen->status);
	return WEXITSTATUS(chosen->status);
}

int main(void)
{
	read_plan();
	parse_plan();
	for (int i = 0; i < nr_programs; i++) {
		start(&programs[i]);
		while (programs[i].foreground && programs[i].pid != 0 && collect_one())
			;
	}
	while (collect_one())
		;
	return session_status();
}
