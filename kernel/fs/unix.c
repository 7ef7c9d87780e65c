/* Sockets of AF_UNIX: from their making to their end. See unix.h. */
#include "arch/x86_64/uaccess.h"
#include "fs/inode.h"
#include "fs/open.h"
#include "fs/unix_internal.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/process.h"

#define DEFAULT_BUFFER 212992u /* Linux's; SO_SNDBUF goes up to twice that */
#define MIN_SEND       4608u
#define MIN_RECEIVE    2304u
#define MAX_BACKLOG    4096u

#define FIONREAD 0x541bu
#define TIOCOUTQ 0x5411u

DEFINE_SPINLOCK(unix_lock, RANK_UNIX);
DEFINE_WAIT_QUEUE(unix_room_wait);

static const struct file_ops unix_ops;

bool is_socket(const struct file *file)
{
	return file->ops == &unix_ops;
}

struct ucred unix_current_creds(void)
{
	return (struct ucred){current_process->tgid, cred_euid(), cred_egid()};
}

/* ---- life ---- */

static struct unix_socket *alloc_socket(u32 type)
{
	struct unix_socket *socket = kmalloc(sizeof(*socket), GFP_ZERO);

	if (!socket)
		return NULL;
	atomic_set(&socket->refs, 1);
	socket->type = type;
	socket->send_buffer = socket->receive_buffer = DEFAULT_BUFFER;
	socket->creds = unix_current_creds();
	list_init(&socket->queue);
	list_init(&socket->backlog);
	list_init(&socket->pending);
	list_init(&socket->named);
	list_init(&socket->in_flight_node);
	rwsem_init(&socket->receive_lock, RANK_UNIX_RECEIVE);
	wait_queue_init(&socket->wait);
	return socket;
}

void unix_put(struct unix_socket *socket)
{
	if (atomic_dec_return(&socket->refs) == 0)
		kfree(socket);
}

/* A file for it, which takes over the caller's reference, on failure too. */
static int open_socket(struct unix_socket *socket, u32 flags, struct file **result)
{
	struct inode *inode = pseudo_inode_create(S_IFSOCK | 0777);
	int error = -ENOMEM;

	if (inode)
		error = open_pseudo(inode, "socket", &unix_ops, O_RDWR | (flags & O_NONBLOCK),
				    result);
	if (error != 0) {
		unix_put(socket);
		return error;
	}
	(*result)->private = socket;
	(*result)->mode |= FMODE_STREAM;
	spin_lock(&unix_lock);
	socket->file = *result;
	spin_unlock(&unix_lock);
	return 0;
}

int unix_create(u32 type, u32 flags, struct file **result)
{
	if (unix_nr_in_flight() > 0)
		unix_collect_garbage();
	struct unix_socket *socket = alloc_socket(type);

	return socket ? open_socket(socket, flags, result) : -ENOMEM;
}

/* unix_lock held. */
static void connect_both(struct unix_socket *a, struct unix_socket *b)
{
	unix_get(a);
	unix_get(b);
	a->peer = b;
	b->peer = a;
	a->peer_creds = b->creds;
	b->peer_creds = a->creds;
	if (is_connected_type(a))
		a->state = b->state = UNIX_CONNECTED;
}

int unix_pair(u32 type, u32 flags, struct file *result[2])
{
	int error = unix_create(type, flags, &result[0]);

	if (error != 0)
		return error;
	error = unix_create(type, flags, &result[1]);
	if (error != 0) {
		file_put(result[0]);
		return error;
	}
	spin_lock(&unix_lock);
	connect_both(socket_of(result[0]), socket_of(result[1]));
	spin_unlock(&unix_lock);
	return 0;
}

/* ---- the end ---- */

/* What the other side of a connection sees when this one goes. unix_lock held. */
static void leave_peer(struct unix_socket *socket, bool was_unread)
{
	struct unix_socket *peer = socket->peer;

	if (!peer || !is_connected_type(socket))
		return;
	peer->shutdown = SHUT_BOTH;
	if (was_unread)
		peer->error = ECONNRESET;
	wake_up(&peer->wait);
}

/* Nobody reads from it or writes to it any more: its messages go to `messages`. unix_lock held. */
static void close_socket(struct unix_socket *socket, bool was_pending, struct list_head *messages)
{
	bool was_unread = was_pending || !list_empty(&socket->queue);

	socket->is_dead = true;
	socket->file = NULL;
	socket->shutdown = SHUT_BOTH;
	while (!list_empty(&socket->queue)) {
		struct unix_message *message =
			list_first_entry(&socket->queue, struct unix_message, node);

		unix_dequeue(socket, message);
		list_add_tail(&message->node, messages);
	}
	leave_peer(socket, was_unread);
}

/* The next connection that nobody has accepted, closed; its reference is the caller's. NULL: there is none. */
static struct unix_socket *drop_pending(struct unix_socket *socket, struct list_head *messages)
{
	struct unix_socket *pending = NULL;

	spin_lock(&unix_lock);
	if (!list_empty(&socket->backlog)) {
		pending = list_first_entry(&socket->backlog, struct unix_socket, pending);
		list_del(&pending->pending);
		socket->nr_backlog--;
		close_socket(pending, true, messages);
	}
	spin_unlock(&unix_lock);
	return pending;
}

/* A closed socket keeps no reference to its peer, which may keep one to it. */
static void forget_peer(struct unix_socket *socket)
{
	spin_lock(&unix_lock);
	struct unix_socket *peer = socket->peer;
	socket->peer = NULL;
	spin_unlock(&unix_lock);
	if (peer)
		unix_put(peer);
}

static void release_unix(struct file *file)
{
	struct unix_socket *socket = socket_of(file), *pending;
	LIST_HEAD(messages);

	unix_unname(socket);
	spin_lock(&unix_lock);
	close_socket(socket, false, &messages);
	spin_unlock(&unix_lock);
	while ((pending = drop_pending(socket, &messages))) {
		forget_peer(pending);
		unix_put(pending);
	}
	wake_up(&unix_room_wait);
	forget_peer(socket);
	unix_put(socket);
	unix_free_messages(&messages);
	if (unix_nr_in_flight() > 0)
		unix_collect_garbage();
}

/* ---- connections ---- */

int unix_listen(struct file *file, s32 backlog)
{
	struct unix_socket *socket = socket_of(file);
	int error = 0;

	if (!is_connected_type(socket))
		return -EOPNOTSUPP;
	spin_lock(&unix_lock);
	if (socket->name_size == 0 || socket->state == UNIX_CONNECTED) {
		error = -EINVAL;
	} else {
		socket->state = UNIX_LISTENS;
		socket->max_backlog = min((u32)backlog, MAX_BACKLOG);
		socket->creds = unix_current_creds();
	}
	spin_unlock(&unix_lock);
	wake_up(&unix_room_wait);
	return error;
}

static bool has_room(const struct unix_socket *listener)
{
	return listener->is_dead || listener->nr_backlog <= listener->max_backlog;
}

/* Puts a new connection between `socket` and `pending` into the backlog. -EAGAIN: no room. unix_lock
 * held. */
static int enter_backlog(struct unix_socket *socket, struct unix_socket *listener,
			 struct unix_socket *pending)
{
	if (listener->is_dead || listener->state != UNIX_LISTENS ||
	    (listener->shutdown & SHUT_RECEIVE))
		return -ECONNREFUSED;
	if (!has_room(listener))
		return -EAGAIN;
	if (socket->state == UNIX_LISTENS)
		return -EINVAL;
	if (socket->state == UNIX_CONNECTED)
		return -EISCONN;
	socket->creds = unix_current_creds();
	pending->creds = listener->creds;
	pending->name = listener->name;
	pending->name_size = listener->name_size;
	pending->pass_creds = listener->pass_creds;
	connect_both(socket, pending);
	list_add_tail(&pending->pending, &listener->backlog);
	listener->nr_backlog++;
	return 0;
}

static int connect_stream(struct file *file, struct unix_socket *listener)
{
	struct unix_socket *socket = socket_of(file), *pending;
	int error;

	if (listener->type != socket->type)
		return -EPROTOTYPE;
	pending = alloc_socket(socket->type);
	if (!pending)
		return -ENOMEM;
	for (;;) {
		spin_lock(&unix_lock);
		error = enter_backlog(socket, listener, pending);
		spin_unlock(&unix_lock);
		if (error != -EAGAIN || (READ_ONCE(file->flags) & O_NONBLOCK))
			break;
		if (wait_event_interruptible(&unix_room_wait, has_room(listener)) != 0) {
			error = -ERESTARTSYS;
			break;
		}
	}
	if (error == 0)
		wake_up_events(&listener->wait, EPOLL_READABLE);
	else
		unix_put(pending);
	return error;
}

/* A peer that has one of its own hears that one only. unix_lock held. */
static bool may_send(const struct unix_socket *socket, const struct unix_socket *peer)
{
	return !peer->peer || peer->peer == socket;
}

/* Takes over the reference of the peer, or NULL. */
static int connect_datagram(struct unix_socket *socket, struct unix_socket *peer)
{
	struct unix_socket *old = peer;
	int error = 0;

	if (peer && peer->type != socket->type) {
		error = -EPROTOTYPE;
	} else {
		spin_lock(&unix_lock);
		if (peer && !may_send(socket, peer)) {
			error = -EPERM;
		} else {
			old = socket->peer;
			socket->peer = peer;
		}
		spin_unlock(&unix_lock);
	}
	if (old)
		unix_put(old);
	wake_up(&socket->wait);
	return error;
}

int unix_connect(struct file *file, const struct unix_address *address, u32 size)
{
	struct unix_socket *socket = socket_of(file), *other;

	if (size >= sizeof(u16) && address->family == AF_UNSPEC && !is_connected_type(socket))
		return connect_datagram(socket, NULL);
	int error = unix_find(address, size, socket->type, &other);
	if (error != 0)
		return error;
	if (!is_connected_type(socket))
		return connect_datagram(socket, other);
	error = connect_stream(file, other);
	unix_put(other);
	return error;
}

/* The first connection of the backlog, or NULL. */
static struct unix_socket *take_pending(struct unix_socket *listener)
{
	struct unix_socket *pending = NULL;

	spin_lock(&unix_lock);
	if (!list_empty(&listener->backlog)) {
		pending = list_first_entry(&listener->backlog, struct unix_socket, pending);
		list_del(&pending->pending);
		listener->nr_backlog--;
	}
	spin_unlock(&unix_lock);
	return pending;
}

static bool has_pending(const struct unix_socket *listener)
{
	return READ_ONCE(listener->backlog.next) != &listener->backlog ||
	       (READ_ONCE(listener->shutdown) & SHUT_RECEIVE);
}

/* Ends a connection that got no file. */
static void abandon(struct unix_socket *pending)
{
	LIST_HEAD(messages);

	spin_lock(&unix_lock);
	close_socket(pending, true, &messages);
	spin_unlock(&unix_lock);
	forget_peer(pending);
	unix_free_messages(&messages);
}

int unix_accept(struct file *file, u32 flags, struct file **result)
{
	struct unix_socket *listener = socket_of(file), *pending;

	if (!is_connected_type(listener))
		return -EOPNOTSUPP;
	if (READ_ONCE(listener->state) != UNIX_LISTENS)
		return -EINVAL;
	while (!(pending = take_pending(listener))) {
		if (READ_ONCE(listener->shutdown) & SHUT_RECEIVE)
			return -EINVAL;
		if (READ_ONCE(file->flags) & O_NONBLOCK)
			return -EAGAIN;
		if (wait_event_interruptible(&listener->wait, has_pending(listener)) != 0)
			return -ERESTARTSYS;
	}
	wake_up(&unix_room_wait);
	unix_get(pending);
	int error = open_socket(pending, flags, result);
	if (error != 0)
		abandon(pending);
	unix_put(pending);
	return error;
}

int unix_shutdown(struct file *file, u32 how)
{
	struct unix_socket *socket = socket_of(file);

	if (how > 2)
		return -EINVAL;
	u32 bits = how + 1;
	spin_lock(&unix_lock);
	socket->shutdown |= bits;
	struct unix_socket *peer = is_connected_type(socket) ? socket->peer : NULL;
	if (peer) {
		peer->shutdown |= (bits & SHUT_RECEIVE ? SHUT_SEND : 0) |
				  (bits & SHUT_SEND ? SHUT_RECEIVE : 0);
		wake_up(&peer->wait);
	}
	wake_up(&socket->wait);
	spin_unlock(&unix_lock);
	wake_up(&unix_room_wait);
	return 0;
}

/* ---- names and options ---- */

int unix_get_name(struct file *file, enum unix_side side, struct unix_address *address)
{
	struct unix_socket *socket = socket_of(file);
	int size = sizeof(u16);

	*address = (struct unix_address){.family = AF_UNIX};
	spin_lock(&unix_lock);
	if (side == UNIX_PEER)
		socket = socket->peer;
	if (!socket) {
		size = -ENOTCONN;
	} else if (socket->name_size > 0) {
		*address = socket->name;
		size = socket->name_size;
	}
	spin_unlock(&unix_lock);
	return size;
}

int unix_get_option(struct file *file, u32 option, s32 *value)
{
	struct unix_socket *socket = socket_of(file);
	int error = 0;

	spin_lock(&unix_lock);
	switch (option) {
	case SO_TYPE:
		*value = socket->type;
		break;
	case SO_ERROR:
		*value = socket->error;
		socket->error = 0;
		break;
	case SO_SNDBUF:
		*value = socket->send_buffer;
		break;
	case SO_RCVBUF:
		*value = socket->receive_buffer;
		break;
	case SO_PASSCRED:
		*value = socket->pass_creds;
		break;
	case SO_ACCEPTCONN:
		*value = socket->state == UNIX_LISTENS;
		break;
	case SO_DOMAIN:
		*value = AF_UNIX;
		break;
	case SO_PROTOCOL:
		*value = 0;
		break;
	default:
		error = -ENOPROTOOPT;
		break;
	}
	spin_unlock(&unix_lock);
	return error;
}

/* Linux doubles what is asked for, for what it costs to keep it. */
static u32 buffer_size(s32 wanted, u32 least)
{
	return max(min((u32)wanted, DEFAULT_BUFFER) * 2, least);
}

int unix_set_option(struct file *file, u32 option, s32 value)
{
	struct unix_socket *socket = socket_of(file);
	int error = 0;

	spin_lock(&unix_lock);
	switch (option) {
	case SO_SNDBUF:
		socket->send_buffer = buffer_size(value, MIN_SEND);
		wake_up_events(&socket->wait, EPOLL_WRITABLE);
		break;
	case SO_RCVBUF:
		socket->receive_buffer = buffer_size(value, MIN_RECEIVE);
		break;
	case SO_PASSCRED:
		socket->pass_creds = value != 0;
		break;
	default:
		error = -ENOPROTOOPT;
		break;
	}
	spin_unlock(&unix_lock);
	return error;
}

struct ucred unix_peer_creds(struct file *file)
{
	struct unix_socket *socket = socket_of(file);

	spin_lock(&unix_lock);
	struct ucred creds = socket->state == UNIX_LISTENS ? socket->creds : socket->peer_creds;
	bool is_known = socket->state != UNIX_CLOSED || socket->peer_creds.pid != 0;
	spin_unlock(&unix_lock);
	return is_known ? creds : (struct ucred){0, -1u, -1u};
}

/* ---- the rest of the operations ---- */

static bool is_writable(const struct unix_socket *socket)
{
	return socket->state != UNIX_LISTENS && socket->sent_bytes * 4 <= socket->send_buffer;
}

/* Whether a datagram would find room. unix_lock held. */
static bool peer_has_room(const struct unix_socket *socket)
{
	const struct unix_socket *peer = socket->peer;

	return !peer || peer->peer == socket || peer->nr_queued <= MAX_DATAGRAMS;
}

static u32 poll_unix(struct file *file, struct poll_table *table)
{
	struct unix_socket *socket = socket_of(file);
	u32 events = 0;

	poll_wait(file, &socket->wait, table);
	if (!is_connected_type(socket))
		poll_wait(file, &unix_room_wait, table);
	spin_lock(&unix_lock);
	if (socket->error)
		events |= EPOLLERR;
	if (socket->shutdown == SHUT_BOTH)
		events |= EPOLLHUP;
	if (socket->shutdown & SHUT_RECEIVE)
		events |= EPOLLRDHUP | EPOLL_READABLE;
	if (!list_empty(&socket->queue) || !list_empty(&socket->backlog))
		events |= EPOLL_READABLE;
	if (is_connected_type(socket) && socket->state == UNIX_CLOSED)
		events |= EPOLLHUP;
	if (is_writable(socket) && (is_connected_type(socket) || peer_has_room(socket)))
		events |= EPOLL_WRITABLE | EPOLLWRBAND;
	spin_unlock(&unix_lock);
	return events;
}

/* Bytes that can be read; of datagrams only the first counts. */
static s32 readable_bytes(struct unix_socket *socket)
{
	struct unix_message *message;
	s32 size = 0;

	spin_lock(&unix_lock);
	list_for_each_entry (message, &socket->queue, node) {
		size += message->size - message->done;
		if (socket->type == SOCK_DGRAM)
			break;
	}
	spin_unlock(&unix_lock);
	return size;
}

static long ioctl_unix(struct file *file, u32 request, void __user *arg)
{
	struct unix_socket *socket = socket_of(file);
	s32 size;

	switch (request) {
	case FIONREAD:
		if (READ_ONCE(socket->state) == UNIX_LISTENS)
			return -EINVAL;
		size = readable_bytes(socket);
		break;
	case TIOCOUTQ:
		size = READ_ONCE(socket->sent_bytes);
		break;
	default:
		return -ENOTTY;
	}
	return copy_to_user(arg, &size, sizeof(size));
}

static const struct file_ops unix_ops = {
	.read_iter = unix_read,
	.write_iter = unix_write,
	.poll = poll_unix,
	.ioctl = ioctl_unix,
	.release = release_unix,
};
