/* Nothing at run time: asserts that arguments.def knows every call of table.def, and all of its
 * arguments. */
#include "lib/types.h"

/* Only their number counts here. */
enum { FD, DIRFD, PID, NUM, SIZE, ADDRESS, PATH, STRINGS };
#define IN(n)              0
#define OUT(n)             0
#define INOUT(n)           0
#define IN_OR_NULL(n)      0
#define OUT_OR_NULL(n)     0
#define INOUT_OR_NULL(n)   0
#define IN_BY(count, n)    0
#define OUT_BY(count, n)   0
#define INOUT_BY(count, n) 0

#define ARGUMENTS(name, ...) \
	enum { nr_arguments_##name = sizeof((int[]){0, ##__VA_ARGS__}) / sizeof(int) - 1 };
#include "syscall/arguments.def"
#undef ARGUMENTS

/* A call may have arguments that this kernel does not look at. */
#define SYSCALL(nr, name, nargs) \
	_Static_assert(nargs <= nr_arguments_##name, #name ": arguments.def has too few");
#include "syscall/table.def"
#undef SYSCALL
