/* A place in the tree of files. */
#ifndef FS_PATH_H
#define FS_PATH_H

struct dentry;
struct mount;

struct path {
	struct mount *mount;
	struct dentry *dentry;
};

#endif
