/* The root file system as the boot loader brings it: a cpio archive. */
#ifndef FS_INITRAMFS_H
#define FS_INITRAMFS_H

/* Fills the root from the archive and gives the archive's frames to the page allocator. A malformed
 * archive is used up to its first fault, which is printed. The current task has its struct fs.
 * Before tracing begins. */
void initramfs_unpack(void);

#endif
