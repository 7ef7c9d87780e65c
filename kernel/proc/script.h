/* Programs that are scripts: a first line `#!INTERPRETER [ARGUMENT]`, as execve(2) has them. */
#ifndef PROC_SCRIPT_H
#define PROC_SCRIPT_H

#include "lib/types.h"

/* How much of the first line counts. */
#define SCRIPT_HEAD 256
/* A script whose interpreter is a script, and so on. */
#define SCRIPT_MAX_DEPTH 5

struct script {
	u32 depth; /* 0: the program is no script */
	/* The first line of each, cut into texts in place; the last one's interpreter is executed. */
	struct {
		char line[SCRIPT_HEAD + 1];
		const char *interpreter, *argument; /* argument NULL: none */
	} levels[SCRIPT_MAX_DEPTH + 1];
};

/* Follows `path` to the program that is to be executed for it; script->depth tells whether that is
 * another one. 0, what opening gives, -ENOEXEC for a line without interpreter, -ELOOP, -EIO. Sleeps. */
int script_follow(const char *path, struct script *script);

/* What is to be opened for `path`. */
const char *script_program(const struct script *script, const char *path);

struct exec_args;
/* Appends the arguments that come in place of argv[0]: interpreter, its argument, the path, counted in
 * args->argc. 0, or as exec_args_add_kernel(). */
int script_add_arguments(const struct script *script, const char *path, struct exec_args *args);

#endif
