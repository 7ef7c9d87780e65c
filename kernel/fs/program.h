/* Files as programs: the operations of proc/files.h that exec and address spaces use. */
#ifndef FS_PROGRAM_H
#define FS_PROGRAM_H

/* Tells mm how to hold and let go of the file of a program. */
void program_init(void);

#endif
