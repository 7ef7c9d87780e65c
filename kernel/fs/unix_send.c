/*
 * Sending. A message is made and filled with no lock held, then queued at the receiver: it counts among the
 * sender's bytes until it is received. A stream is cut into messages of STREAM_PART bytes, which the
 * receiver joins again.
 */
#include "cpu/wait.h"
#include "fs/unix_internal.h"
#include "lib/errno.h"
#include "mm/slab.h"
#include "proc/cred.h"
#include "proc/signal.h"
#include "proc/process.h"

/* Two pages with the header: what the allocator always has. */
#define STREAM_PART (2 * PAGE_SIZE - sizeof(struct unix_message))

/* Who is sent to, and how. */
struct sending {
	struct unix_socket *socket, *peer; /* the peer: a reference */
	bool nonblock;
};

static bool has_buffer(const struct unix_socket *socket, u32 cost)
{
	/* One message fits always: a datagram is not larger than the buffer. */
	return socket->sent_bytes == 0 || socket->sent_bytes + cost <= socket->send_buffer;
}

static bool has_room(const struct sending *sending)
{
	const struct unix_socket *peer = sending->peer;

	return sending->socket->type != SOCK_DGRAM || peer->is_dead || peer == sending->socket ||
	       peer->peer == sending->socket || peer->nr_queued <= MAX_DATAGRAMS;
}

/* Why nothing can be sent at all: 0, or -errno. unix_lock held. */
static int check_peer(const struct sending *sending)
{
	const struct unix_socket *socket = sending->socket, *peer = sending->peer;

	if (socket->shutdown & SHUT_SEND)
		return -EPIPE;
	if (is_connected_type(socket))
		return peer->is_dead || (peer->shutdown & SHUT_RECEIVE) ? -EPIPE : 0;
	if (peer->is_dead)
		return -ECONNREFUSED;
	if (peer->peer && peer->peer != socket)
		return -EPERM;
	return peer->shutdown & SHUT_RECEIVE ? -EPIPE : 0;
}

/* Puts a message into the queue: 0, -EAGAIN: it must wait, or why it cannot. unix_lock held. */
static int enqueue(const struct sending *sending, struct unix_message *message)
{
	struct unix_socket *socket = sending->socket, *peer = sending->peer;
	int error = check_peer(sending);

	if (error != 0)
		return error;
	if (!has_buffer(socket, message->cost) || !has_room(sending))
		return -EAGAIN;
	unix_get(socket);
	message->sender = socket;
	socket->sent_bytes += message->cost;
	unix_rights_queued(message->rights);
	list_add_tail(&message->node, &peer->queue);
	WRITE_ONCE(peer->nr_queued, peer->nr_queued + 1);
	wake_up_events(&peer->wait, EPOLL_READABLE);
	return 0;
}

void unix_dequeue(struct unix_socket *socket, struct unix_message *message)
{
	struct unix_socket *sender = message->sender;

	list_del(&message->node);
	WRITE_ONCE(socket->nr_queued, socket->nr_queued - 1);
	unix_rights_dequeued(message->rights);
	sender->sent_bytes -= message->cost;
	wake_up_events(&sender->wait, EPOLL_WRITABLE);
	if (socket->type == SOCK_DGRAM)
		wake_up(&unix_room_wait);
}

/* Whether waiting for room is over. */
static bool may_try(const struct sending *sending, u32 cost)
{
	spin_lock(&unix_lock);
	bool may = check_peer(sending) != 0 ||
		   (has_buffer(sending->socket, cost) && has_room(sending));
	spin_unlock(&unix_lock);
	return may;
}

/* Waits for room if there is none. 0 and the message is queued, or -errno. */
static int deliver(const struct sending *sending, struct unix_message *message)
{
	for (;;) {
		spin_lock(&unix_lock);
		int error = enqueue(sending, message);
		bool for_receiver = !has_room(sending);
		spin_unlock(&unix_lock);
		if (error != -EAGAIN || sending->nonblock)
			return error;
		struct wait_queue *queue = for_receiver ? &unix_room_wait : &sending->socket->wait;
		if (wait_event_interruptible(queue, may_try(sending, message->cost)) != 0)
			return -ERESTARTSYS;
	}
}

/* A message of that many bytes from the program. 0, -ENOMEM, -EFAULT. */
static int make_message(struct iov_iter *from, size_t size, const struct ucred *creds,
			struct unix_message **result)
{
	struct unix_message *message = kmalloc(sizeof(*message) + size, GFP_KERNEL);

	if (!message)
		return -ENOMEM;
	*message = (struct unix_message){
		.size = size, .cost = sizeof(*message) + size, .creds = *creds};
	if (copy_from_iter(message->data, from, size) != 0) {
		kfree(message);
		return -EFAULT;
	}
	*result = message;
	return 0;
}

/* Files cost too. */
static void attach_rights(struct unix_message *message, struct unix_rights *rights)
{
	message->rights = rights;
	if (rights)
		message->cost += sizeof(*rights);
}

static long send_stream(struct sending *sending, struct iov_iter *from,
			struct unix_transfer *transfer)
{
	long sent = 0;
	int error = 0;

	spin_lock(&unix_lock);
	error = check_peer(sending);
	spin_unlock(&unix_lock);
	while (error == 0 && from->count > 0) {
		/* At least two parts fit into the buffer, so that both sides are busy. */
		size_t half = max(READ_ONCE(sending->socket->send_buffer) / 2, 1024u);
		size_t size = min(min(from->count, STREAM_PART), half);
		struct unix_message *message;

		error = make_message(from, size, &transfer->creds, &message);
		if (error != 0)
			break;
		attach_rights(message, transfer->rights);
		error = deliver(sending, message);
		if (error != 0) {
			kfree(message);
			break;
		}
		transfer->rights = NULL;
		sent += size;
	}
	return sent > 0 ? sent : error;
}

/* Datagrams and packets are whole. */
static long send_whole(struct sending *sending, struct iov_iter *from,
		       struct unix_transfer *transfer)
{
	struct unix_message *message;
	size_t size = from->count;

	if (size > sending->socket->send_buffer - 32)
		return -EMSGSIZE;
	int error = make_message(from, size, &transfer->creds, &message);
	if (error != 0)
		return error;
	attach_rights(message, transfer->rights);
	error = deliver(sending, message);
	if (error != 0) {
		kfree(message);
		return error;
	}
	transfer->rights = NULL;
	return size;
}

/* Who is to receive, with a reference. */
static int find_peer(struct unix_socket *socket, const struct unix_transfer *transfer,
		     struct unix_socket **result)
{
	int error = 0;

	if (transfer->address_size > 0 && socket->type == SOCK_DGRAM) {
		error = unix_find(&transfer->address, transfer->address_size, socket->type, result);
		if (error == 0 && (*result)->type != socket->type) {
			unix_put(*result);
			error = -EPROTOTYPE;
		}
		return error;
	}
	bool is_wrong = transfer->address_size > 0 && socket->type == SOCK_STREAM;
	spin_lock(&unix_lock);
	*result = socket->peer;
	if (!*result)
		error = is_wrong ? -EOPNOTSUPP : -ENOTCONN;
	else if (is_wrong)
		error = -EISCONN;
	else
		unix_get(*result);
	spin_unlock(&unix_lock);
	return error;
}

/* Whether the program may say who it is in that way. */
static bool may_claim(const struct ucred *creds)
{
	const struct cred *own = &current_proc->cred;
	bool pid = creds->pid == current_process->tgid || cred_capable(CAP_SYS_ADMIN);
	bool uid = creds->uid == own->uid || creds->uid == own->euid || creds->uid == own->suid ||
		   cred_capable(CAP_SETUID);
	bool gid = creds->gid == own->gid || creds->gid == own->egid || creds->gid == own->sgid ||
		   cred_capable(CAP_SETGID);

	return pid && uid && gid;
}

long unix_send(struct file *file, struct iov_iter *from, struct unix_transfer *transfer)
{
	struct unix_socket *socket = socket_of(file);
	struct sending sending = {
		.socket = socket,
		.nonblock =
			(transfer->flags & MSG_DONTWAIT) || (READ_ONCE(file->flags) & O_NONBLOCK),
	};

	if (transfer->has_creds && !may_claim(&transfer->creds))
		return -EPERM;
	if (!transfer->has_creds)
		transfer->creds = (struct ucred){current_process->tgid, cred_uid(), cred_gid()};
	if (transfer->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (transfer->rights && unix_nr_files() > limit_soft(current_process, RLIMIT_NOFILE) &&
	    !cred_capable(CAP_SYS_RESOURCE) && !cred_capable(CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	int error = find_peer(socket, transfer, &sending.peer);
	if (error != 0)
		return error;
	long sent = socket->type == SOCK_STREAM ? send_stream(&sending, from, transfer)
						: send_whole(&sending, from, transfer);
	unix_put(sending.peer);
	if (sent == -EPIPE && socket->type == SOCK_STREAM && !(transfer->flags & MSG_NOSIGNAL))
		signal_send_self(SIGPIPE);
	return sent;
}

long unix_write(struct file *file, struct iov_iter *from)
{
	struct unix_transfer transfer = {0};

	return unix_send(file, from, &transfer);
}
