/*
 * Receiving. One reader at a time (receive_lock), so the message at the front of the queue stays while
 * its bytes are copied with no spinlock held; nobody else takes messages out of the queue of a socket
 * that has a reader but garbage collection, which the reader's reference of the file keeps away.
 */
#include "cpu/wait.h"
#include "fs/unix_internal.h"
#include "lib/errno.h"
#include "mm/slab.h"

/* One call. */
struct receiving {
	struct unix_socket *socket;
	struct unix_transfer *transfer;
	bool nonblock;
	bool is_first; /* nothing was received yet */
	long received;
};

/* Copies of what a message carries, for MSG_PEEK; NULL: nothing, or no memory. */
static struct unix_rights *copy_rights(const struct unix_rights *rights)
{
	struct unix_rights *copy = rights ? kmalloc(sizeof(*copy), GFP_KERNEL) : NULL;

	if (!copy)
		return NULL;
	*copy = *rights;
	for (u32 i = 0; i < copy->nr; i++)
		file_get(copy->files[i]);
	return copy;
}

/* The message at the front from byte *skip on, or NULL: the end of what there is. */
static struct unix_message *front(struct unix_socket *socket, u32 *skip)
{
	struct unix_message *message;

	spin_lock(&unix_lock);
	list_for_each_entry (message, &socket->queue, node) {
		u32 size = message->size - message->done;

		if (*skip < size || socket->type != SOCK_STREAM)
			break;
		*skip -= size;
	}
	if (&message->node == &socket->queue)
		message = NULL;
	spin_unlock(&unix_lock);
	return message;
}

/* Bytes of it are received: it goes when it is empty, or is not a stream's. */
static void consume(struct unix_socket *socket, struct unix_message *message, u32 size)
{
	LIST_HEAD(messages);

	spin_lock(&unix_lock);
	message->done += size;
	if (message->done == message->size || socket->type != SOCK_STREAM) {
		unix_dequeue(socket, message);
		list_add(&message->node, &messages);
	}
	spin_unlock(&unix_lock);
	unix_free_messages(&messages);
}

/* What goes with a message passes to the caller; a peek gets copies. */
static void take_extras(struct receiving *receiving, struct unix_message *message)
{
	struct unix_transfer *transfer = receiving->transfer;

	if (receiving->is_first) {
		struct unix_socket *sender = message->sender;

		transfer->creds = message->creds;
		spin_lock(&unix_lock);
		transfer->address = sender->name;
		transfer->address_size = sender->name_size;
		spin_unlock(&unix_lock);
	}
	receiving->is_first = false;
	if (transfer->flags & MSG_PEEK) {
		transfer->rights = copy_rights(message->rights);
		return;
	}
	spin_lock(&unix_lock);
	unix_rights_dequeued(message->rights);
	transfer->rights = message->rights;
	message->rights = NULL;
	spin_unlock(&unix_lock);
}

static bool same_sender(const struct receiving *receiving, const struct unix_message *message)
{
	const struct ucred *a = &receiving->transfer->creds, *b = &message->creds;

	return receiving->is_first || !receiving->socket->pass_creds ||
	       (a->pid == b->pid && a->uid == b->uid && a->gid == b->gid);
}

/* Joins messages of a stream until the buffer is full, there are no more, or one carries something or is of
 * another sender. 0 or -EFAULT. receive_lock held. */
static int receive_stream(struct receiving *receiving, struct iov_iter *to)
{
	bool peeks = receiving->transfer->flags & MSG_PEEK;

	while (to->count > 0 && !receiving->transfer->rights) {
		u32 skip = peeks ? receiving->received : 0;
		struct unix_message *message = front(receiving->socket, &skip);

		if (!message || !same_sender(receiving, message))
			break;
		u32 begin = message->done + skip;
		size_t size = min((size_t)(message->size - begin), to->count);
		if (copy_to_iter(to, message->data + begin, size) != 0)
			return -EFAULT;
		take_extras(receiving, message);
		receiving->received += size;
		if (!peeks)
			consume(receiving->socket, message, size);
	}
	return 0;
}

/* One whole message: what does not fit is lost. 1: there is none. */
static int receive_whole(struct receiving *receiving, struct iov_iter *to)
{
	struct unix_transfer *transfer = receiving->transfer;
	u32 skip = 0, asked = transfer->flags;
	struct unix_message *message = front(receiving->socket, &skip);

	if (!message)
		return 1;
	size_t size = min((size_t)message->size, to->count);
	if (copy_to_iter(to, message->data, size) != 0)
		return -EFAULT;
	take_extras(receiving, message);
	if (size < message->size)
		transfer->was_cut = true;
	receiving->received = asked & MSG_TRUNC ? message->size : size;
	if (!(asked & MSG_PEEK))
		consume(receiving->socket, message, message->size);
	return 0;
}

/* Without a message: 0 is the end, 1: wait, or -errno. */
static int when_empty(struct receiving *receiving)
{
	struct unix_socket *socket = receiving->socket;
	int result = 1;

	spin_lock(&unix_lock);
	if (socket->error) {
		result = -socket->error;
		socket->error = 0;
	} else if (socket->shutdown & SHUT_RECEIVE) {
		result = 0;
	} else if (receiving->nonblock) {
		result = -EAGAIN;
	}
	spin_unlock(&unix_lock);
	return result;
}

static bool has_news(const struct unix_socket *socket)
{
	return READ_ONCE(socket->nr_queued) > 0 || READ_ONCE(socket->error) ||
	       (READ_ONCE(socket->shutdown) & SHUT_RECEIVE);
}

/* One look at the queue: 0, 1: nothing was there, -errno. */
static int receive_once(struct receiving *receiving, struct iov_iter *to)
{
	if (down_write_killable(&receiving->socket->receive_lock) != 0)
		return -EINTR;
	long before = receiving->received;
	int result = receiving->socket->type == SOCK_STREAM ? receive_stream(receiving, to)
							    : receive_whole(receiving, to);
	/* A buffer of no bytes waits too, until there is something. */
	bool has_message = to->count == 0 && READ_ONCE(receiving->socket->nr_queued) > 0;
	if (result == 0 && receiving->socket->type == SOCK_STREAM &&
	    receiving->received == before && !has_message)
		result = 1;
	up_write(&receiving->socket->receive_lock);
	return result;
}

static int check_state(const struct unix_socket *socket)
{
	enum unix_state state = READ_ONCE(socket->state);

	if (socket->type == SOCK_STREAM)
		return state == UNIX_CONNECTED ? 0 : -EINVAL;
	return socket->type == SOCK_SEQPACKET && state != UNIX_CONNECTED ? -ENOTCONN : 0;
}

/* Whether a stream's reader goes on waiting for more. */
static bool wants_more(const struct receiving *receiving, const struct iov_iter *to)
{
	const struct unix_transfer *transfer = receiving->transfer;

	return receiving->socket->type == SOCK_STREAM && to->count > 0 && !transfer->rights &&
	       (receiving->received == 0 ||
		((transfer->flags & MSG_WAITALL) && !(transfer->flags & MSG_PEEK)));
}

static long receive(struct receiving *receiving, struct iov_iter *to)
{
	int error = check_state(receiving->socket);

	while (error == 0) {
		error = receive_once(receiving, to);
		if (error == 0 && !wants_more(receiving, to))
			break;
		if (error == 1) {
			error = when_empty(receiving);
			if (error <= 0)
				break;
			error = wait_event_interruptible(&receiving->socket->wait,
							 has_news(receiving->socket));
		}
	}
	return receiving->received > 0 ? receiving->received : error;
}

long unix_receive(struct file *file, struct iov_iter *to, struct unix_transfer *transfer)
{
	struct unix_socket *socket = socket_of(file);
	struct receiving receiving = {
		.socket = socket,
		.transfer = transfer,
		.nonblock =
			(transfer->flags & MSG_DONTWAIT) || (READ_ONCE(file->flags) & O_NONBLOCK),
		.is_first = true,
	};

	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	long received = receive(&receiving, to);
	transfer->has_creds = socket->pass_creds;
	return received;
}

long unix_read(struct file *file, struct iov_iter *to)
{
	struct unix_transfer transfer = {0};
	long received = unix_receive(file, to, &transfer);

	/* Who only reads has no use for them. */
	if (transfer.rights) {
		for (u32 i = 0; i < transfer.rights->nr; i++)
			file_put(transfer.rights->files[i]);
		kfree(transfer.rights);
	}
	return received;
}
