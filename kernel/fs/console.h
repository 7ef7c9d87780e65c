/* The console as a file: what programs write goes to the serial port; there is nothing to read. */
#ifndef FS_CONSOLE_H
#define FS_CONSOLE_H

#include "fs/file.h"

/* Registers the device. Boot only. */
void console_init(void);

/* Opens it for reading and writing; NULL without memory. */
struct file *console_open(void);

#endif
