/* Scripts: programs that another program interprets. Private to exec. */
#ifndef PROC_EXEC_SCRIPT_H
#define PROC_EXEC_SCRIPT_H

#include "proc/exec.h"

struct file;

/* Opens what is to run: the file, or the program that its first line names, and that one's, and so
 * on; the arguments then begin with theirs. 0, what a path gives, -ENOEXEC: a first line without a
 * name, -ELOOP: too many scripts, -ENOENT: the script's name means nothing to its interpreter,
 * -E2BIG, -ENOMEM. May sleep. */
int exec_open(const struct exec_file *file, struct exec_args *args, struct file **program);

#endif
