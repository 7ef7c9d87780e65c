/*
 * Names of sockets. One in the file system is found by its inode, so that it is lost with the last
 * name of that; an abstract one begins with a byte of zero, and is found by its bytes. A socket gets
 * its name once and keeps it to its end; receive_lock keeps two bind() of it apart.
 */
#include "fs/change.h"
#include "fs/unix_internal.h"
#include "lib/errno.h"
#include "lib/printf.h"
#include "lib/string.h"
#include "mm/slab.h"

static LIST_HEAD(names); /* unix_lock */

#define NR_AUTOMATIC_NAMES (1u << 20)

static bool is_abstract(const struct unix_address *address)
{
	return address->path[0] == '\0';
}

static int check_address(const struct unix_address *address, u32 size)
{
	return size <= sizeof(u16) || size > UNIX_ADDRESS_MAX || address->family != AF_UNIX
		       ? -EINVAL
		       : 0;
}

/* Whose name this is, or NULL: each type has its own. unix_lock held. */
static struct unix_socket *find_abstract(const struct unix_address *address, u32 size, u32 type)
{
	struct unix_socket *socket;

	list_for_each_entry (socket, &names, named)
		if (!socket->place.dentry && socket->name_size == size && socket->type == type &&
		    memcmp(&socket->name, address, size) == 0)
			return socket;
	return NULL;
}

static struct unix_socket *find_inode(const struct inode *inode)
{
	struct unix_socket *socket;

	list_for_each_entry (socket, &names, named)
		if (socket->place.dentry && socket->place.dentry->inode == inode)
			return socket;
	return NULL;
}

/* Text of a name in the file system, terminated, in `text`. */
static void path_of(const struct unix_address *address, u32 size, char text[UNIX_PATH_MAX + 1])
{
	memset(text, 0, UNIX_PATH_MAX + 1);
	memcpy(text, address->path, size - sizeof(u16));
}

static int find_path(const struct unix_address *address, u32 size, struct unix_socket **result)
{
	char text[UNIX_PATH_MAX + 1];
	struct path path;

	path_of(address, size, text);
	int error = path_lookup(AT_FDCWD, text, LOOKUP_FOLLOW, &path);
	if (error != 0)
		return error;
	struct inode *inode = path.dentry->inode;
	error = inode_permission(inode, MAY_WRITE);
	if (error == 0) {
		spin_lock(&unix_lock);
		*result = inode_type(inode) == S_IFSOCK ? find_inode(inode) : NULL;
		if (*result)
			unix_get(*result);
		spin_unlock(&unix_lock);
		error = *result ? 0 : -ECONNREFUSED;
	}
	path_put(&path);
	return error;
}

int unix_find(const struct unix_address *address, u32 size, u32 type, struct unix_socket **result)
{
	int error = check_address(address, size);

	if (error != 0)
		return error;
	if (!is_abstract(address))
		return find_path(address, size, result);
	spin_lock(&unix_lock);
	*result = find_abstract(address, size, type);
	if (*result)
		unix_get(*result);
	spin_unlock(&unix_lock);
	return *result ? 0 : -ECONNREFUSED;
}

/* unix_lock held. */
static void give_name(struct unix_socket *socket, const struct unix_address *address, u32 size,
		      struct path place)
{
	socket->name = *address;
	socket->name_size = size;
	socket->place = place;
	list_add_tail(&socket->named, &names);
}

static int bind_abstract(struct unix_socket *socket, const struct unix_address *address, u32 size)
{
	int error = 0;

	spin_lock(&unix_lock);
	if (find_abstract(address, size, socket->type))
		error = -EADDRINUSE;
	else
		give_name(socket, address, size, (struct path){0});
	spin_unlock(&unix_lock);
	return error;
}

/* A name that nobody has: five digits, as Linux's. */
static int bind_automatic(struct unix_socket *socket)
{
	static u32 next; /* racy: it only says where to begin */
	struct unix_address address = {.family = AF_UNIX};
	int error = -EADDRINUSE;

	for (u32 i = 0; i < NR_AUTOMATIC_NAMES && error == -EADDRINUSE; i++) {
		snprintf(address.path + 1, UNIX_PATH_MAX, "%05x", next++ % NR_AUTOMATIC_NAMES);
		error = bind_abstract(socket, &address, sizeof(u16) + 6);
	}
	return error;
}

static int bind_path(struct unix_socket *socket, const struct unix_address *address, u32 size)
{
	struct unix_address name = {.family = AF_UNIX};
	struct path place;

	path_of(address, size, name.path);
	int error = do_mknod(AT_FDCWD, name.path, S_IFSOCK | 0777, 0);
	if (error == 0)
		error = path_lookup(AT_FDCWD, name.path, 0, &place);
	if (error != 0)
		return error == -EEXIST ? -EADDRINUSE : error;
	spin_lock(&unix_lock);
	give_name(socket, &name, sizeof(u16) + strlen(name.path) + 1, place);
	spin_unlock(&unix_lock);
	return 0;
}

/* A socket that has a name gets no other: why Linux says so. */
static int check_second(const struct unix_address *address, u32 size)
{
	char text[UNIX_PATH_MAX + 1];
	struct path path;

	path_of(address, size, text);
	if (is_abstract(address) || path_lookup(AT_FDCWD, text, 0, &path) != 0)
		return -EINVAL;
	path_put(&path);
	return -EADDRINUSE;
}

int unix_bind(struct file *file, const struct unix_address *address, u32 size)
{
	struct unix_socket *socket = socket_of(file);
	bool is_automatic = size == sizeof(u16) && address->family == AF_UNIX;
	int error = is_automatic ? 0 : check_address(address, size);

	if (error != 0)
		return error;
	if (down_write_killable(&socket->receive_lock) != 0)
		return -EINTR;
	if (socket->name_size > 0)
		error = is_automatic ? 0 : check_second(address, size);
	else if (is_automatic)
		error = bind_automatic(socket);
	else if (is_abstract(address))
		error = bind_abstract(socket, address, size);
	else
		error = bind_path(socket, address, size);
	up_write(&socket->receive_lock);
	return error;
}

void unix_unname(struct unix_socket *socket)
{
	spin_lock(&unix_lock);
	struct path place = socket->place;
	socket->place = (struct path){0};
	list_del(&socket->named);
	spin_unlock(&unix_lock);
	if (place.dentry)
		path_put(&place);
}
