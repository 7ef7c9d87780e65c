/*
 * init: process 1. Starts the programs that /plan names, in order, waits for all, and exits with
 * the status of the session.
 *
 * /plan holds one program a line, fields separated by one TAB:
 *
 *   NAME  MODE  ARGV0  ARGV1 ...
 *
 * NAME is what the log calls it. MODE is `fg` (wait for it before the next line) or `bg` (go on at
 * once). ARGV0 is the path of the program and its argv[0]. Empty lines are skipped. The whole plan
 * is checked before the first program starts.
 *
 * Exit status: that of the first fg program (of the first program, when none is fg), 128 + signal
 * when a signal ended it; 125 when there is no plan that can be carried out. A program that cannot
 * be executed counts as 127.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/print.h"

#define EXIT_NO_PLAN 125
#define EXIT_NO_EXEC 127

#define WAIT_STATUS_OF_EXIT(code) ((code) << 8)

#define PLAN_PATH    "/plan"
#define PLAN_SIZE    16384
#define MAX_PROGRAMS 64
#define MAX_ARGS     64

struct program {
	const char *name;
	bool foreground;
	char *argv[MAX_ARGS + 1];
	pid_t pid; /* 0: not started, or already collected */
	int status;
};

static char plan[PLAN_SIZE];
static struct program programs[MAX_PROGRAMS];
static int nr_programs;
static char *const environment[] = {"PATH=/bin", "HOME=/", NULL};

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
			give_up(PLAN_PATH, "longer than 16383 bytes");
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

static void parse_line(char *line)
{
	struct program *program = &programs[nr_programs];
	int argc = 0;

	if (nr_programs++ == MAX_PROGRAMS)
		give_up(PLAN_PATH, "more than 64 programs");
	program->name = cut(&line, '\t');
	if (!line)
		give_up(program->name, "no mode in " PLAN_PATH);

	const char *mode = cut(&line, '\t');
	program->foreground = strcmp(mode, "fg") == 0;
	if (!program->foreground && strcmp(mode, "bg") != 0)
		give_up(program->name, "mode in " PLAN_PATH " is neither fg nor bg");

	while (line) {
		if (argc == MAX_ARGS)
			give_up(program->name, "more than 64 arguments in " PLAN_PATH);
		program->argv[argc++] = cut(&line, '\t');
	}
	if (argc == 0 || program->argv[0][0] == '\0')
		give_up(program->name, "no path in " PLAN_PATH);
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

static void start(struct program *program)
{
	pid_t pid = fork();

	if (pid == 0) {
		execve(program->argv[0], program->argv, environment);
		print("[init] cannot execute %s: %s\n", program->argv[0], strerror(errno));
		_exit(EXIT_NO_EXEC);
	}
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
