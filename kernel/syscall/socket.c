/* Calls of sockets: addresses, messages and what goes with them, as the ABI has them. */
#include "arch/x86_64/uaccess.h"
#include "fs/fdtable.h"
#include "fs/unix.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "syscall/syscall.h"

#define SOCK_FLAGS  (O_NONBLOCK | O_CLOEXEC)
#define SOCK_TYPE   0xfu
#define SOCK_MAX    11
#define NR_FAMILIES 46

#define SOL_SOCKET      1
#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2

#define ADDRESS_MAX 128    /* struct sockaddr_storage */
#define CONTROL_MAX 20480u /* Linux: net.core.optmem_max */

/* struct msghdr and cmsghdr of the ABI. */
struct msghdr {
	u64 name;
	u32 name_size, pad;
	u64 vector, nr_parts;
	u64 control, control_size;
	u32 flags, pad2;
};

struct cmsghdr {
	u64 size; /* with this */
	s32 level, type;
};

static_assert(sizeof(struct msghdr) == 56 && sizeof(struct cmsghdr) == 16, "ABI");

/* The file of a socket with a reference: 0, -EBADF, -ENOTSOCK. */
static int get_socket(u32 fd, struct file **result)
{
	struct file *file = fd_get(fd);

	if (!file)
		return -EBADF;
	if (!is_socket(file)) {
		int error = file->mode & FMODE_PATH ? -EBADF : -ENOTSOCK;

		file_put(file);
		return error;
	}
	*result = file;
	return 0;
}

/* ---- making ---- */

/* SOCK_* of what is asked for. 0 or why there is none. */
static int check_kind(u32 family, u32 type, u32 protocol, u32 *kind)
{
	if (type & ~(SOCK_FLAGS | SOCK_TYPE))
		return -EINVAL;
	type &= SOCK_TYPE;
	if (family >= NR_FAMILIES)
		return -EAFNOSUPPORT;
	if (type >= SOCK_MAX)
		return -EINVAL;
	if (family != AF_UNIX)
		return -EAFNOSUPPORT;
	if (protocol != 0 && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	*kind = type == SOCK_RAW ? SOCK_DGRAM : type;
	return *kind == SOCK_STREAM || *kind == SOCK_DGRAM || *kind == SOCK_SEQPACKET
		       ? 0
		       : -ESOCKTNOSUPPORT;
}

long sys_socket(u64 family, u64 type, u64 protocol)
{
	struct file *file;
	u32 kind;
	int error = check_kind(family, type, protocol, &kind);

	if (error == 0)
		error = unix_create(kind, type, &file);
	return error != 0 ? error : fd_install_new(file, type & O_CLOEXEC);
}

long sys_socketpair(u64 family, u64 type, u64 protocol, u64 to)
{
	struct file *files[2];
	u32 kind;
	int error = check_kind(family, type, protocol, &kind);

	if (error == 0)
		error = unix_pair(kind, type, files);
	return error != 0 ? error : fd_install_pair(files, type & O_CLOEXEC, to);
}

/* ---- addresses ---- */

/* No bytes can be written anywhere, as on Linux. */
static int put_bytes(u64 to, const void *from, u32 size)
{
	return size > 0 ? copy_to_user((void __user *)to, from, size) : 0;
}

/* Copies what a program says; a size that is too large for the family is found later. */
static int get_address(u64 from, s32 size, struct unix_address *address)
{
	*address = (struct unix_address){0};
	if (size < 0 || size > ADDRESS_MAX)
		return -EINVAL;
	if (size == 0)
		return 0;
	return copy_from_user(address, (const void __user *)from,
			      min((size_t)size, UNIX_ADDRESS_MAX));
}

/* As much as there is room for; its whole size goes to where the room was told. */
static int put_address(const struct unix_address *address, u32 size, u64 to, u64 size_at)
{
	s32 room, whole = size;

	if (copy_from_user(&room, (const void __user *)size_at, sizeof(room)) != 0)
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (put_bytes(to, address, min((u32)room, size)) != 0)
		return -EFAULT;
	return copy_to_user((void __user *)size_at, &whole, sizeof(whole));
}

static long with_address(u32 fd, u64 from, s32 size,
			 int (*call)(struct file *file, const struct unix_address *address,
				     u32 size))
{
	struct unix_address address;
	struct file *file;
	int error = get_socket(fd, &file);

	if (error != 0)
		return error;
	error = get_address(from, size, &address);
	if (error == 0)
		error = call(file, &address, size);
	file_put(file);
	return error;
}

long sys_bind(u64 fd, u64 address, u64 size)
{
	return with_address(fd, address, size, unix_bind);
}

long sys_connect(u64 fd, u64 address, u64 size)
{
	return with_address(fd, address, size, unix_connect);
}

static long tell_name(u32 fd, enum unix_side side, u64 to, u64 size_at)
{
	struct unix_address address;
	struct file *file;
	int error = get_socket(fd, &file);

	if (error != 0)
		return error;
	int size = unix_get_name(file, side, &address);
	file_put(file);
	return size < 0 ? size : put_address(&address, size, to, size_at);
}

long sys_getsockname(u64 fd, u64 to, u64 size_at)
{
	return tell_name(fd, UNIX_OWN, to, size_at);
}

long sys_getpeername(u64 fd, u64 to, u64 size_at)
{
	return tell_name(fd, UNIX_PEER, to, size_at);
}

long sys_listen(u64 fd, u64 backlog)
{
	struct file *file;
	int error = get_socket(fd, &file);

	if (error != 0)
		return error;
	error = unix_listen(file, backlog);
	file_put(file);
	return error;
}

long sys_shutdown(u64 fd, u64 how)
{
	struct file *file;
	int error = get_socket(fd, &file);

	if (error != 0)
		return error;
	error = unix_shutdown(file, how);
	file_put(file);
	return error;
}

static int tell_peer(struct file *file, u64 to, u64 size_at)
{
	struct unix_address address;
	int size = unix_get_name(file, UNIX_PEER, &address);

	return size < 0 ? -ECONNABORTED : put_address(&address, size, to, size_at);
}

long sys_accept4(u64 fd, u64 to, u64 size_at, u64 flags)
{
	struct file *file, *new;

	if ((u32)flags & ~SOCK_FLAGS)
		return -EINVAL;
	int error = get_socket(fd, &file);
	if (error != 0)
		return error;
	error = unix_accept(file, flags, &new);
	file_put(file);
	if (error != 0)
		return error;
	if (to)
		error = tell_peer(new, to, size_at);
	if (error == 0)
		return fd_install_new(new, flags & O_CLOEXEC);
	file_put(new);
	return error;
}

long sys_accept(u64 fd, u64 to, u64 size_at)
{
	return sys_accept4(fd, to, size_at, 0);
}

/* ---- options ---- */

long sys_getsockopt(u64 fd, u64 level, u64 option, u64 to, u64 size_at)
{
	struct file *file;
	struct ucred creds;
	s32 room, value = 0;
	int error = get_socket(fd, &file);

	if (error != 0)
		return error;
	creds = unix_peer_creds(file);
	if ((s32)level != SOL_SOCKET)
		error = -EOPNOTSUPP;
	else if (copy_from_user(&room, (const void __user *)size_at, sizeof(room)) != 0)
		error = -EFAULT;
	else if (room < 0)
		error = -EINVAL;
	else if ((u32)option != SO_PEERCRED)
		error = unix_get_option(file, option, &value);
	file_put(file);
	if (error != 0)
		return error;
	bool is_creds = (u32)option == SO_PEERCRED;
	room = min((u32)room, is_creds ? (u32)sizeof(creds) : (u32)sizeof(value));
	if (put_bytes(to, is_creds ? (void *)&creds : &value, room) != 0)
		return -EFAULT;
	return copy_to_user((void __user *)size_at, &room, sizeof(room));
}

long sys_setsockopt(u64 fd, u64 level, u64 option, u64 from, u64 size)
{
	struct file *file;
	s32 value;
	int error = get_socket(fd, &file);

	if (error != 0)
		return error;
	if ((s32)size < 0 || ((s32)level == SOL_SOCKET && (s32)size < (s32)sizeof(value)))
		error = -EINVAL;
	else if ((s32)level != SOL_SOCKET)
		error = -EOPNOTSUPP;
	else if (copy_from_user(&value, (const void __user *)from, sizeof(value)) != 0)
		error = -EFAULT;
	else
		error = unix_set_option(file, option, value);
	file_put(file);
	return error;
}

/* ---- what goes with messages ---- */

static void put_rights(struct unix_rights *rights)
{
	for (u32 i = 0; rights && i < rights->nr; i++)
		file_put(rights->files[i]);
	kfree(rights);
}

static int add_files(struct unix_transfer *transfer, const s32 *fds, u32 nr)
{
	if (!transfer->rights && nr > 0) {
		transfer->rights = kmalloc(sizeof(*transfer->rights), GFP_ZERO);
		if (!transfer->rights)
			return -ENOMEM;
	}
	if (nr > 0 && transfer->rights->nr + nr > SCM_MAX_FD)
		return -EINVAL;
	for (u32 i = 0; i < nr; i++) {
		struct file *file = fd_get(fds[i]);

		if (!file)
			return -EBADF;
		transfer->rights->files[transfer->rights->nr++] = file;
	}
	return 0;
}

/* Each part of the control data, a copy of the program's. 0, -EINVAL, -EBADF, -ENOMEM. */
static int parse_control(const u8 *control, size_t size, struct unix_transfer *transfer)
{
	int error = 0;

	for (size_t at = 0; at + sizeof(struct cmsghdr) <= size && error == 0;) {
		const struct cmsghdr *header = (const void *)(control + at);
		size_t bytes = header->size - sizeof(*header);

		if (header->size < sizeof(*header) || header->size > size - at)
			return -EINVAL;
		if (header->level == SOL_SOCKET && header->type == SCM_RIGHTS) {
			error = add_files(transfer, (const s32 *)(header + 1), bytes / sizeof(s32));
		} else if (header->level == SOL_SOCKET && header->type == SCM_CREDENTIALS &&
			   bytes == sizeof(struct ucred)) {
			memcpy(&transfer->creds, header + 1, sizeof(struct ucred));
			transfer->has_creds = true;
		} else if (header->level == SOL_SOCKET) {
			error = -EINVAL;
		}
		at += ALIGN_UP(header->size, sizeof(u64));
	}
	return error;
}

static int get_control(const struct msghdr *msg, struct unix_transfer *transfer)
{
	if (msg->control_size == 0)
		return 0;
	if (msg->control_size > CONTROL_MAX)
		return -ENOBUFS;
	u8 *control = kmalloc(msg->control_size, GFP_KERNEL);
	int error = -EFAULT;
	if (!control)
		return -ENOMEM;
	if (copy_from_user(control, (const void __user *)msg->control, msg->control_size) == 0)
		error = parse_control(control, msg->control_size, transfer);
	kfree(control);
	return error;
}

/* Where received control data goes. */
struct control_writer {
	u64 at;
	size_t left;
	u32 flags; /* MSG_CTRUNC when something did not fit */
};

/* Bytes of it that the program gets; 0 with none of the header. -EFAULT. */
static int put_header(struct control_writer *writer, s32 type, size_t bytes)
{
	struct cmsghdr header = {sizeof(header) + bytes, SOL_SOCKET, type};

	return copy_to_user((void __user *)writer->at, &header, sizeof(header));
}

static void advance(struct control_writer *writer, size_t bytes)
{
	size_t step = min(ALIGN_UP(sizeof(struct cmsghdr) + bytes, sizeof(u64)), writer->left);

	writer->at += step;
	writer->left -= step;
}

static int put_creds(struct control_writer *writer, const struct ucred *creds)
{
	size_t bytes = sizeof(*creds);

	if (writer->left < sizeof(struct cmsghdr)) {
		writer->flags |= MSG_CTRUNC;
		return 0;
	}
	if (writer->left < sizeof(struct cmsghdr) + bytes) {
		writer->flags |= MSG_CTRUNC;
		bytes = writer->left - sizeof(struct cmsghdr);
	}
	if (put_header(writer, SCM_CREDENTIALS, bytes) != 0 ||
	    copy_to_user((void __user *)(writer->at + sizeof(struct cmsghdr)), creds, bytes) != 0)
		return -EFAULT;
	advance(writer, bytes);
	return 0;
}

/* Installs the files that there is room for; the references of those pass to the table. */
static int put_files(struct control_writer *writer, struct unix_rights *rights, u32 flags)
{
	u64 to = writer->at + sizeof(struct cmsghdr);
	u32 nr = 0, room = 0;

	if (writer->left > sizeof(struct cmsghdr))
		room = (writer->left - sizeof(struct cmsghdr)) / sizeof(s32);
	for (; nr < min(room, rights->nr); nr++) {
		file_get(rights->files[nr]);
		s32 fd = fd_install_new(rights->files[nr], flags & O_CLOEXEC);

		if (fd < 0)
			break;
		if (copy_to_user((void __user *)(to + nr * sizeof(fd)), &fd, sizeof(fd)) != 0) {
			fd_close(fd);
			break;
		}
	}
	if (nr < rights->nr)
		writer->flags |= MSG_CTRUNC;
	if (nr == 0)
		return 0;
	int error = put_header(writer, SCM_RIGHTS, nr * sizeof(s32));
	advance(writer, nr * sizeof(s32));
	return error;
}

static int put_control(struct control_writer *writer, const struct unix_transfer *transfer,
		       u32 flags)
{
	int error = 0;

	if (transfer->has_creds)
		error = put_creds(writer, &transfer->creds);
	if (error == 0 && transfer->rights)
		error = put_files(writer, transfer->rights,
				  flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0);
	return error;
}

/* ---- messages ---- */

long sys_sendto(u64 fd, u64 from, u64 size, u64 flags, u64 address, u64 address_size)
{
	struct iovec part = {from, min(size, MAX_TRANSFER)};
	struct iov_iter iter = iov_iter(&part, part.size);
	struct unix_transfer transfer = {.flags = flags};
	struct file *file;
	int error;

	if (!user_range_ok((const void __user *)from, size))
		return -EFAULT;
	error = get_socket(fd, &file);
	if (error != 0)
		return error;
	if (address) {
		error = get_address(address, address_size, &transfer.address);
		transfer.address_size = address_size;
	}
	long sent = error != 0 ? error : unix_send(file, &iter, &transfer);
	file_put(file);
	return sent;
}

long sys_recvfrom(u64 fd, u64 to, u64 size, u64 flags, u64 address, u64 size_at)
{
	struct iovec part = {to, min(size, MAX_TRANSFER)};
	struct iov_iter iter = iov_iter(&part, part.size);
	struct unix_transfer transfer = {.flags = flags};
	struct file *file;
	int error;

	if (!user_range_ok((const void __user *)to, size))
		return -EFAULT;
	error = get_socket(fd, &file);
	if (error != 0)
		return error;
	long received = unix_receive(file, &iter, &transfer);
	file_put(file);
	put_rights(transfer.rights);
	if (received >= 0 && address) {
		error = put_address(&transfer.address, transfer.address_size, address, size_at);
		if (error != 0)
			return error;
	}
	return received;
}

/* A message header of a program, and its parts. */
struct message_call {
	struct msghdr msg;
	struct iovec fast[IOV_FAST], *parts;
	struct iov_iter iter;
	struct unix_transfer transfer;
};

static int begin_message(u64 from, struct message_call *call)
{
	struct msghdr *msg = &call->msg;

	if (copy_from_user(msg, (const void __user *)from, sizeof(*msg)) != 0)
		return -EFAULT;
	if ((s32)msg->name_size < 0)
		return -EINVAL;
	if (!msg->name)
		msg->name_size = 0;
	if (msg->nr_parts > IOV_MAX)
		return -EMSGSIZE;
	return iov_import(msg->vector, msg->nr_parts, call->fast, &call->parts, &call->iter);
}

static void end_message(struct message_call *call)
{
	if (call->parts != call->fast)
		kfree(call->parts);
	put_rights(call->transfer.rights);
}

static long send_message(struct file *file, struct message_call *call)
{
	struct unix_transfer *transfer = &call->transfer;
	int error = 0;

	transfer->address_size = min(call->msg.name_size, (u32)ADDRESS_MAX);
	if (transfer->address_size > 0)
		error = get_address(call->msg.name, transfer->address_size, &transfer->address);
	if (error == 0)
		error = get_control(&call->msg, transfer);
	return error != 0 ? error : unix_send(file, &call->iter, transfer);
}

/* Tells all but the bytes. */
static int tell_message(struct message_call *call, u64 user_msg, u32 flags)
{
	struct msghdr __user *to = (struct msghdr __user *)user_msg;
	struct unix_transfer *transfer = &call->transfer;
	struct control_writer writer = {call->msg.control, call->msg.control_size, 0};
	int error = put_control(&writer, transfer, flags);
	u32 told = writer.flags | (transfer->was_cut ? MSG_TRUNC : 0) | (flags & MSG_CMSG_CLOEXEC);
	u64 used = call->msg.control_size - writer.left;

	if (error == 0 && call->msg.name)
		error = put_address(&transfer->address, transfer->address_size, call->msg.name,
				    (u64)&to->name_size);
	if (error == 0)
		error = copy_to_user(&to->flags, &told, sizeof(told));
	if (error == 0)
		error = copy_to_user(&to->control_size, &used, sizeof(used));
	return error;
}

enum direction { SENDS, RECEIVES };

static long do_message(u32 fd, u64 user_msg, u32 flags, enum direction direction)
{
	struct message_call *call;
	struct file *file;
	long result = get_socket(fd, &file);

	if (result != 0)
		return result;
	call = kmalloc(sizeof(*call), GFP_ZERO);
	if (!call) {
		file_put(file);
		return -ENOMEM;
	}
	call->transfer.flags = flags;
	result = begin_message(user_msg, call);
	if (result == 0) {
		result = direction == SENDS ? send_message(file, call)
					    : unix_receive(file, &call->iter, &call->transfer);
		if (direction == RECEIVES && result >= 0) {
			int error = tell_message(call, user_msg, flags);

			if (error != 0)
				result = error;
		}
		end_message(call);
	}
	kfree(call);
	file_put(file);
	return result;
}

long sys_sendmsg(u64 fd, u64 msg, u64 flags)
{
	return do_message(fd, msg, flags, SENDS);
}

long sys_recvmsg(u64 fd, u64 msg, u64 flags)
{
	return do_message(fd, msg, flags, RECEIVES);
}
