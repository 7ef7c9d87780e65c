/* Reading a cpio archive of format "newc", member by member, without trusting a byte of it. Knows
 * no kernel state. */
#ifndef FS_CPIO_H
#define FS_CPIO_H

#include "lib/types.h"

struct cpio_reader {
	const u8 *archive;
	u64 size, at;
};

struct cpio_member {
	const char *name; /* terminated, in the archive */
	const u8 *data;
	u32 size;
	u32 ino, mode, uid, gid, nlink, mtime, rdev_major, rdev_minor;
};

enum cpio_result {
	CPIO_MEMBER,
	CPIO_END,   /* the trailer, or the end of the archive */
	CPIO_FAULT, /* malformed at reader->at */
};

enum cpio_result cpio_next(struct cpio_reader *reader, struct cpio_member *member);

#endif
