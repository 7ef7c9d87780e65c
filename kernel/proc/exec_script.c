/*
 * The first line of a script, as Linux reads it: "#!", blanks, the name of a program, and, behind
 * blanks, the rest of the line as one argument. Only the first 256 bytes count; a name that they may
 * cut off is refused, an argument is taken as far as it goes.
 */
#include "proc/exec_script.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/address_space.h"
#include "mm/slab.h"
#include "proc/files.h"

#define HEAD_SIZE   256
#define MAX_SCRIPTS 5

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first byte in [from, last] that is no blank; NULL. */
static char *skip_blanks(char *from, char *last)
{
	for (; from <= last; from++)
		if (!is_blank(*from))
			return from;
	return NULL;
}

/* The first byte in [from, last] that ends a word; NULL. */
static char *find_end(char *from, char *last)
{
	for (; from <= last; from++)
		if (is_blank(*from) || !*from)
			return from;
	return NULL;
}

/* Splits the first line of `head`, in place. -ENOEXEC: it names no program. */
static int parse(char *head, char **name, char **argument)
{
	char *last = head + HEAD_SIZE - 1, *end = head;

	while (end <= last && *end != '\n' && *end)
		end++;
	if (end > last || *end != '\n') {
		/* No line ends here. Has the name been cut off? */
		end = skip_blanks(head + 2, last);
		if (!end || !find_end(end, last))
			return -ENOEXEC;
		end = last;
	}
	while (is_blank(end[-1]))
		end--;
	*name = skip_blanks(head + 2, end);
	if (!*name || *name == end)
		return -ENOEXEC;
	*argument = NULL;
	char *separator = find_end(*name, end);
	if (separator && *separator)
		*argument = skip_blanks(separator, end);
	*end = '\0';
	if (*argument)
		*separator = '\0';
	return 0;
}

/* Reads the beginning of a file, zeroes behind its end. */
static int read_head(struct file *program, char *head)
{
	memset(head, 0, HEAD_SIZE);
	long done = mapping_read_kernel(program_mapping(program), 0, head, HEAD_SIZE);
	return done < 0 ? done : 0;
}

static bool is_script(const char *head)
{
	return head[0] == '#' && head[1] == '!';
}

/* Reads a file's beginning into `head`. When it is a script, the arguments are changed, and *name
 * becomes its interpreter's, in `head`; else NULL. */
static int look_at(struct file *program, bool name_is_lost, struct exec_args *args, char *head,
		   const char **name)
{
	char *interpreter = NULL, *argument;
	const char *script = *name;
	int error = read_head(program, head);

	if (error == 0 && is_script(head)) {
		error = parse(head, &interpreter, &argument);
		if (error == 0 && name_is_lost)
			error = -ENOENT;
		else if (error == 0 && !*interpreter)
			error = -EACCES; /* Linux finds the working directory by it */
		if (error == 0)
			error = exec_args_prepend(args, interpreter, argument, script);
	}
	*name = interpreter;
	return error;
}

int exec_open(const struct exec_file *file, struct exec_args *args, struct file **program)
{
	/* Two in turn: a name lies in one while the other is read. */
	char *heads = kmalloc(2 * HEAD_SIZE, GFP_KERNEL);
	const char *name = file->name;
	bool name_is_lost = file->name_is_lost;

	if (!heads)
		return -ENOMEM;
	int error = program_open(file->dirfd, file->path, file->flags, program);
	for (u32 scripts = 0; error == 0; scripts++) {
		error = scripts > MAX_SCRIPTS ? -ELOOP
					      : look_at(*program, name_is_lost, args,
							heads + scripts % 2 * HEAD_SIZE, &name);
		if (error == 0 && !name)
			break;
		program_put(*program);
		*program = NULL;
		name_is_lost = false;
		if (error == 0)
			error = program_open(AT_FDCWD, name, 0, program);
	}
	kfree(heads);
	return error;
}
