/*
 * Names. The hash table has a fixed number of chains, each a list: tmpfs directories of some
 * thousand files are what programs here have.
 */
#include "fs/dentry.h"
#include "cpu/panic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"

#define NR_CHAINS 1024

DEFINE_SPINLOCK(dcache_lock, RANK_DCACHE);
static struct list_head chains[NR_CHAINS];

void dentry_init(void)
{
	for (u32 i = 0; i < NR_CHAINS; i++)
		list_init(&chains[i]);
}

/* FNV-1a, begun with the parent, so that equal names in different directories part. */
static u32 hash_name(const struct dentry *parent, const char *name, u32 length)
{
	u32 hash = 2166136261u ^ (u32)((uintptr_t)parent >> 6);

	for (u32 i = 0; i < length; i++)
		hash = (hash ^ (u8)name[i]) * 16777619u;
	return hash;
}

static struct list_head *chain_of(u32 hash)
{
	return &chains[(hash ^ hash >> 16) % NR_CHAINS];
}

static void free_name(struct dentry *dentry)
{
	if (dentry->name != dentry->text)
		kfree(dentry->name);
}

/* A copy of a name: in `text` (DENTRY_NAME_LEN bytes) or memory of its own, NULL without any. */
static char *store_name(char *text, const char *name, u32 length)
{
	char *stored = length < DENTRY_NAME_LEN ? text : kmalloc(length + 1, GFP_KERNEL);

	if (stored) {
		memcpy(stored, name, length);
		stored[length] = '\0';
	}
	return stored;
}

struct dentry *dentry_create(struct dentry *parent, const char *name, u32 length,
			     struct inode *inode)
{
	struct dentry *dentry = kmalloc(sizeof(*dentry), GFP_ZERO);

	if (!dentry)
		return NULL;
	dentry->name = store_name(dentry->text, name, length);
	if (!dentry->name) {
		kfree(dentry);
		return NULL;
	}
	atomic_set(&dentry->refs, 1);
	dentry->length = length;
	dentry->inode = inode;
	dentry->sb = inode->sb;
	dentry->parent = dentry;
	if (parent) {
		dentry_get(parent);
		dentry->parent = parent;
	}
	list_init(&dentry->hash_node);
	list_init(&dentry->sibling);
	list_init(&dentry->children);
	list_init(&dentry->alias);
	return dentry;
}

/* dcache_lock held. */
static void hash_in(struct dentry *dentry)
{
	struct dentry *parent = dentry->parent;

	dentry->hash = hash_name(parent, dentry->name, dentry->length);
	dentry->is_hashed = true;
	dentry->cookie = ++parent->inode->next_cookie;
	list_add(&dentry->hash_node, chain_of(dentry->hash));
	list_add(&dentry->sibling, &parent->children);
}

/* dcache_lock held. */
static void hash_out(struct dentry *dentry)
{
	dentry->is_hashed = false;
	list_del(&dentry->hash_node);
	list_del(&dentry->sibling);
}

/* Drops a reference; true when it was the last and the dentry is the caller's to free. */
static bool drop_ref(struct dentry *dentry)
{
	spin_lock(&dcache_lock);
	bool last = atomic_dec_return(&dentry->refs) == 0;
	if (last) {
		if (dentry->is_hashed)
			hash_out(dentry); /* cached only */
		list_del(&dentry->alias);
	}
	spin_unlock(&dcache_lock);
	return last;
}

void dentry_put(struct dentry *dentry)
{
	while (drop_ref(dentry)) {
		struct dentry *parent = dentry->parent;

		ASSERT(list_empty(&dentry->children));
		inode_put(dentry->inode);
		free_name(dentry);
		bool is_root = parent == dentry;
		kfree(dentry);
		if (is_root)
			return;
		dentry = parent;
	}
}

void dentry_link(struct dentry *dentry)
{
	if (!(dentry->sb->flags & SB_CACHED))
		dentry_get(dentry);
	spin_lock(&dcache_lock);
	hash_in(dentry);
	list_add_tail(&dentry->alias, &dentry->inode->dentries);
	spin_unlock(&dcache_lock);
}

void dentry_unlink(struct dentry *dentry)
{
	spin_lock(&dcache_lock);
	hash_out(dentry);
	list_del(&dentry->alias);
	spin_unlock(&dcache_lock);
	if (!(dentry->sb->flags & SB_CACHED))
		dentry_put(dentry);
}

int dentry_move(struct dentry *dentry, struct dentry *parent, const char *name, u32 length)
{
	char text[DENTRY_NAME_LEN];
	char *stored = store_name(text, name, length);
	struct dentry *old_parent = dentry->parent;

	if (!stored)
		return -ENOMEM;
	char *old_name = dentry->name == dentry->text ? NULL : dentry->name;
	dentry_get(parent);
	spin_lock(&dcache_lock);
	hash_out(dentry);
	if (stored == text) {
		memcpy(dentry->text, text, sizeof(text));
		stored = dentry->text;
	}
	dentry->name = stored;
	dentry->length = length;
	dentry->parent = parent;
	hash_in(dentry);
	spin_unlock(&dcache_lock);
	kfree(old_name);
	dentry_put(old_parent);
	return 0;
}

static void exchange_names(struct dentry *a, struct dentry *b)
{
	char text[DENTRY_NAME_LEN];
	bool a_is_short = a->name == a->text, b_is_short = b->name == b->text;
	char *a_name = a->name, *b_name = b->name;
	u32 length = a->length;

	memcpy(text, a->text, sizeof(text));
	memcpy(a->text, b->text, sizeof(text));
	memcpy(b->text, text, sizeof(text));
	a->name = b_is_short ? a->text : b_name;
	b->name = a_is_short ? b->text : a_name;
	a->length = b->length;
	b->length = length;
}

void dentry_exchange(struct dentry *a, struct dentry *b)
{
	spin_lock(&dcache_lock);
	struct dentry *a_parent = a->parent;

	hash_out(a);
	hash_out(b);
	exchange_names(a, b);
	a->parent = b->parent;
	b->parent = a_parent;
	hash_in(a);
	hash_in(b);
	spin_unlock(&dcache_lock);
}

/* dcache_lock held. */
static struct dentry *find_locked(struct dentry *parent, const char *name, u32 length)
{
	u32 hash = hash_name(parent, name, length);
	struct dentry *dentry;

	list_for_each_entry (dentry, chain_of(hash), hash_node)
		if (dentry->hash == hash && dentry->parent == parent && dentry->length == length &&
		    memcmp(dentry->name, name, length) == 0) {
			dentry_get(dentry);
			return dentry;
		}
	return NULL;
}

struct dentry *dentry_find(struct dentry *parent, const char *name, u32 length)
{
	spin_lock(&dcache_lock);
	struct dentry *found = find_locked(parent, name, length);
	spin_unlock(&dcache_lock);
	return found;
}

struct dentry *dentry_link_or_find(struct dentry *dentry)
{
	spin_lock(&dcache_lock);
	struct dentry *found = find_locked(dentry->parent, dentry->name, dentry->length);
	if (!found) {
		hash_in(dentry);
		list_add_tail(&dentry->alias, &dentry->inode->dentries);
	}
	spin_unlock(&dcache_lock);
	if (!found)
		return dentry;
	dentry_put(dentry);
	return found;
}

bool dentry_has_children(struct dentry *dentry)
{
	spin_lock(&dcache_lock);
	bool has = !list_empty(&dentry->children);
	spin_unlock(&dcache_lock);
	return has;
}

bool dentry_is_below(const struct dentry *dentry, const struct dentry *ancestor)
{
	while (dentry != ancestor && dentry->parent != dentry)
		dentry = dentry->parent;
	return dentry == ancestor;
}

/* ---- paths as texts ---- */

/* Puts a text before the one that begins at *at; false when there is no room. */
static bool prepend(char *buffer, char **at, const char *text, u32 length)
{
	if (*at - buffer < (ptrdiff_t)length)
		return false;
	*at -= length;
	memcpy(*at, text, length);
	return true;
}

/* Puts "/name" of each step from a path up to `root` before *at. dcache_lock held. */
static bool prepend_steps(struct path path, const struct path *root, char *buffer, char **at,
			  bool *reachable)
{
	while (!root || !path_equal(&path, root)) {
		if (path.dentry == path.mount->root) {
			if (!path.mount->parent) {
				*reachable = !root && path.mount == root_mount;
				return true;
			}
			path.dentry = path.mount->mountpoint;
			path.mount = path.mount->parent;
			continue;
		}
		if (path.dentry->parent == path.dentry) { /* moved out of what is mounted */
			*reachable = false;
			return true;
		}
		if (!prepend(buffer, at, path.dentry->name, path.dentry->length) ||
		    !prepend(buffer, at, "/", 1))
			return false;
		path.dentry = path.dentry->parent;
	}
	return true;
}

char *path_text(const struct path *path, const struct path *root, char *buffer, size_t size,
		bool *reachable)
{
	static const char deleted[] = " (deleted)";
	char *at = buffer + size;
	bool is_below = true, fits = true;

	if (!prepend(buffer, &at, "", 1))
		return NULL;
	spin_lock(&dcache_lock);
	bool is_pseudo = path->dentry->sb->flags & SB_PSEUDO;
	if (!path->dentry->is_hashed && path->dentry != path->mount->root && !is_pseudo &&
	    !(path->dentry->sb->flags & SB_UNHASHED))
		fits = prepend(buffer, &at, deleted, sizeof(deleted) - 1);
	if (is_pseudo)
		fits = prepend(buffer, &at, path->dentry->name, path->dentry->length);
	else
		fits = fits && prepend_steps(*path, root, buffer, &at, &is_below);
	spin_unlock(&dcache_lock);
	if (fits && *at == '\0')
		fits = prepend(buffer, &at, "/", 1);
	if (reachable)
		*reachable = is_below;
	return fits ? at : NULL;
}

/* A name of the inode where it is mounted, with references; false when there is none. */
static bool find_alias(struct inode *inode, struct path *path)
{
	struct mount *mount;
	bool found = false;

	spin_lock(&dcache_lock);
	if (!list_empty(&inode->dentries)) {
		path->dentry = list_first_entry(&inode->dentries, struct dentry, alias);
		list_for_each_entry (mount, &mount_list, node) {
			if (mount->sb != inode->sb || !dentry_is_below(path->dentry, mount->root))
				continue;
			path->mount = mount;
			path_get(path);
			found = true;
			break;
		}
	}
	spin_unlock(&dcache_lock);
	return found;
}

/* Its last path, or that of one that never had a name. */
static char *deleted_text(struct inode *inode, char *buffer, size_t size)
{
	static const char deleted[] = " (deleted)";
	char *at = buffer + size;

	spin_lock(&inode->attr_lock);
	const char *path = inode->deleted_path;
	bool fits = path && prepend(buffer, &at, deleted, sizeof(deleted)) &&
		    prepend(buffer, &at, path, strlen(path));
	spin_unlock(&inode->attr_lock);
	return fits ? at : NULL;
}

char *inode_path_text(struct inode *inode, char *buffer, size_t size)
{
	struct path path;

	if (!find_alias(inode, &path))
		return deleted_text(inode, buffer, size);
	char *text = path_text(&path, NULL, buffer, size, NULL);
	path_put(&path);
	return text;
}
