/* /dev/null, zero, full, random, urandom, and the links and directories of /dev. */
#ifndef FS_MEM_DEVICES_H
#define FS_MEM_DEVICES_H

/* Boot only: panics without memory. */
void mem_devices_init(void);

#endif
