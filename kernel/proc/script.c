/* From a script to its interpreter. */
#include "proc/script.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "proc/exec_args.h"
#include "proc/files.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts the line into the interpreter and the rest, which is one argument however many words it has. */
static int parse(char *line, const char **interpreter, const char **argument)
{
	char *end = line, *at = line + 2;

	while (*end && *end != '\n')
		end++;
	/* Without an end of the line the interpreter's name must be whole at least. */
	bool is_cut = *end == '\0' && end == line + SCRIPT_HEAD;
	while (end > at && is_blank(end[-1]))
		end--;
	*end = '\0';
	while (is_blank(*at))
		at++;
	*interpreter = at;
	while (*at && !is_blank(*at))
		at++;
	if (**interpreter == '\0' || (is_cut && *at == '\0'))
		return -ENOEXEC;
	*argument = NULL;
	if (*at) {
		*at++ = '\0';
		while (is_blank(*at))
			at++;
		*argument = at;
	}
	return 0;
}

/* The first line of the program, or an empty text. */
static int read_head(const char *path, char *line)
{
	struct file *program;
	int error = program_open(AT_FDCWD, path, 0, &program);

	if (error != 0)
		return error;
	long n = mapping_read_kernel(program_mapping(program), 0, line, SCRIPT_HEAD);
	program_put(program);
	if (n < 0)
		return n;
	line[n] = '\0';
	return 0;
}

int script_follow(const char *path, struct script *script)
{
	for (script->depth = 0;; script->depth++) {
		char *line = script->levels[script->depth].line;
		int error = read_head(script_program(script, path), line);

		if (error != 0)
			return error;
		if (line[0] != '#' || line[1] != '!')
			return 0;
		if (script->depth == SCRIPT_MAX_DEPTH)
			return -ELOOP;
		error = parse(line, &script->levels[script->depth].interpreter,
			      &script->levels[script->depth].argument);
		if (error != 0)
			return error;
	}
}

const char *script_program(const struct script *script, const char *path)
{
	return script->depth ? script->levels[script->depth - 1].interpreter : path;
}

int script_add_arguments(const struct script *script, const char *path, struct exec_args *args)
{
	int error = 0;

	for (u32 i = script->depth; i-- > 0 && error == 0;) {
		error = exec_args_add_kernel(args, script->levels[i].interpreter);
		args->argc++;
		if (error == 0 && script->levels[i].argument) {
			error = exec_args_add_kernel(args, script->levels[i].argument);
			args->argc++;
		}
	}
	if (error == 0 && script->depth) {
		error = exec_args_add_kernel(args, path);
		args->argc++;
	}
	return error;
}
