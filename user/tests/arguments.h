/*
 * kernel/syscall/arguments.def and table.def as data: what the tests know of each system call.
 * For one source file of a program: it defines everything.
 */
#ifndef USER_TESTS_ARGUMENTS_H
#define USER_TESTS_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_ARGUMENTS 6

enum argument_kind {
	ARGUMENT_NONE, /* ends the list */
	ARGUMENT_FD,
	ARGUMENT_DIRFD,
	ARGUMENT_PID,
	ARGUMENT_NUM,
	ARGUMENT_SIZE,
	ARGUMENT_ADDRESS,
	/* Pointers that are followed. */
	ARGUMENT_PATH,
	ARGUMENT_STRINGS,
	ARGUMENT_IN,
	ARGUMENT_OUT,
	ARGUMENT_INOUT,
};

struct argument {
	unsigned char kind;
	bool or_null;
	bool counted; /* size bytes for each that argument `counted_by` says */
	unsigned char counted_by;
	unsigned short size;
};

struct call {
	int nr;
	const char *name;
	const struct argument *arguments;
};

#define FD                          \
	{                           \
		.kind = ARGUMENT_FD \
	}
#define DIRFD                          \
	{                              \
		.kind = ARGUMENT_DIRFD \
	}
#define PID                          \
	{                            \
		.kind = ARGUMENT_PID \
	}
#define NUM                          \
	{                            \
		.kind = ARGUMENT_NUM \
	}
#define SIZE                          \
	{                             \
		.kind = ARGUMENT_SIZE \
	}
#define ADDRESS                          \
	{                                \
		.kind = ARGUMENT_ADDRESS \
	}
#define PATH                          \
	{                             \
		.kind = ARGUMENT_PATH \
	}
#define STRINGS                          \
	{                                \
		.kind = ARGUMENT_STRINGS \
	}
#define IN(n)                                    \
	{                                        \
		.kind = ARGUMENT_IN, .size = (n) \
	}
#define OUT(n)                                    \
	{                                         \
		.kind = ARGUMENT_OUT, .size = (n) \
	}
#define INOUT(n)                                    \
	{                                           \
		.kind = ARGUMENT_INOUT, .size = (n) \
	}
#define IN_OR_NULL(n)                                             \
	{                                                         \
		.kind = ARGUMENT_IN, .or_null = true, .size = (n) \
	}
#define OUT_OR_NULL(n)                                             \
	{                                                          \
		.kind = ARGUMENT_OUT, .or_null = true, .size = (n) \
	}
#define INOUT_OR_NULL(n)                                             \
	{                                                            \
		.kind = ARGUMENT_INOUT, .or_null = true, .size = (n) \
	}
#define IN_BY(count, n)                                                                  \
	{                                                                                \
		.kind = ARGUMENT_IN, .counted = true, .counted_by = (count), .size = (n) \
	}
#define OUT_BY(count, n)                                                                  \
	{                                                                                 \
		.kind = ARGUMENT_OUT, .counted = true, .counted_by = (count), .size = (n) \
	}
#define INOUT_BY(count, n)                                                                  \
	{                                                                                   \
		.kind = ARGUMENT_INOUT, .counted = true, .counted_by = (count), .size = (n) \
	}

#define ARGUMENTS(name, ...)                                                \
	static const struct argument arguments_of_##name[MAX_ARGUMENTS + 1] \
		__attribute__((unused)) = {__VA_ARGS__};
#include "../../kernel/syscall/arguments.def"
#undef ARGUMENTS

#undef FD
#undef DIRFD
#undef PID
#undef NUM
#undef SIZE
#undef ADDRESS
#undef PATH
#undef STRINGS
#undef IN
#undef OUT
#undef INOUT

/* The calls of the kernel that these programs were built with. */
static const struct call calls[] = {
#define SYSCALL(nr, name, nargs) {nr, #name, arguments_of_##name},
#include "../../kernel/syscall/table.def"
#undef SYSCALL
};

#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))

static inline bool is_pointer(const struct argument *argument)
{
	return argument->kind >= ARGUMENT_PATH;
}

static inline bool is_written(const struct argument *argument)
{
	return argument->kind == ARGUMENT_OUT || argument->kind == ARGUMENT_INOUT;
}

#endif
