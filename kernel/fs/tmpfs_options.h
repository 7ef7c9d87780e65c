/* Mount options of tmpfs, and what it keeps of them. */
#ifndef FS_TMPFS_OPTIONS_H
#define FS_TMPFS_OPTIONS_H

#include "lib/types.h"

struct tmpfs_limits {
	u64 blocks, inodes; /* 0: no limit */
};

struct tmpfs_root {
	u32 mode, uid, gid;
	bool has_uid, has_gid;
};

struct tmpfs {
	struct tmpfs_limits limits;
	struct tmpfs_root root;
	u64 used_blocks, used_inodes; /* atomic */
};

/* Half of RAM, and as many inodes. */
struct tmpfs_limits tmpfs_default_limits(void);

/* Reads size=, nr_blocks=, nr_inodes=, mode=, uid=, gid=; cuts the text up. 0 or -EINVAL. */
int tmpfs_parse_options(char *options, struct tmpfs_limits *limits, struct tmpfs_root *root);

/* What differs from the defaults, each with a comma before it. */
void tmpfs_show_options(const struct tmpfs_limits *limits, const struct tmpfs_root *root, char *to,
			size_t size);

#endif
