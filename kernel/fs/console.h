/* The serial console as a terminal: what programs write goes to the port, and what comes from it,
 * but for the key of the kernel monitor, is what they read. */
#ifndef FS_CONSOLE_H
#define FS_CONSOLE_H

#include "fs/inode.h"

#define CONSOLE_DEV MKDEV(5, 1)

/* Registers /dev/console, /dev/ttyS0 and /dev/tty, and starts to take what is typed. Boot only. */
void console_init(void);

/* Opens it for reading and writing; NULL without memory. */
struct file *console_open(void);

#endif
