/* Bringing the file systems up. */
#ifndef FS_VFS_H
#define FS_VFS_H

/* Mounts the root, makes the devices, unpacks the initramfs. The first thread, before tracing
 * begins. Panics without memory. */
void vfs_init(void);

#endif
