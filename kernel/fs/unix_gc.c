/*
 * Messages that are freed, and sockets that only messages refer to.
 *
 * A message can carry the file of a socket, in whose queue lie messages that carry others, or the
 * first again. Two things follow. Freeing a message may close a socket, and so free messages, as
 * deep as programs like: so what carries files goes to one list that a single task empties, and who
 * frees while it does only adds to it. And a circle keeps itself alive: so, whenever a socket is closed or
 * made and files of sockets are under way, those are looked for that nothing else refers to, as Linux did
 * it up to 6.9. All references of such a file are in messages; those in queues of such sockets are taken off; what
 * has references left is held from outside, and so is all that its queue holds. The rest is garbage: the
 * messages in its queues are freed, and the circle is broken.
 */
#include "cpu/wait.h"
#include "fs/unix_internal.h"
#include "mm/slab.h"

static LIST_HEAD(in_flight); /* sockets whose files are in messages; unix_lock */
static u32 nr_in_flight;     /* files of sockets in messages; unix_lock */

static u64 nr_files; /* files of any kind in messages; unix_lock */

static LIST_HEAD(doomed); /* messages to be freed; unix_lock */
static bool is_freeing;   /* somebody does; unix_lock */

#define HELD (~0u) /* unix_socket.found: something outside refers to it */

/* ---- what is under way; unix_lock held ---- */

void unix_rights_queued(const struct unix_rights *rights)
{
	if (rights)
		WRITE_ONCE(nr_files, nr_files + rights->nr);
	for (u32 i = 0; rights && i < rights->nr; i++) {
		if (!is_socket(rights->files[i]))
			continue;
		struct unix_socket *socket = socket_of(rights->files[i]);
		if (socket->in_flight++ == 0)
			list_add_tail(&socket->in_flight_node, &in_flight);
		WRITE_ONCE(nr_in_flight, nr_in_flight + 1);
	}
}

void unix_rights_dequeued(const struct unix_rights *rights)
{
	if (rights)
		WRITE_ONCE(nr_files, nr_files - rights->nr);
	for (u32 i = 0; rights && i < rights->nr; i++) {
		if (!is_socket(rights->files[i]))
			continue;
		struct unix_socket *socket = socket_of(rights->files[i]);
		if (--socket->in_flight == 0)
			list_del(&socket->in_flight_node);
		WRITE_ONCE(nr_in_flight, nr_in_flight - 1);
	}
}

u32 unix_nr_in_flight(void)
{
	return READ_ONCE(nr_in_flight);
}

u64 unix_nr_files(void)
{
	return READ_ONCE(nr_files);
}

/* ---- freeing ---- */

static void free_message(struct unix_message *message)
{
	for (u32 i = 0; message->rights && i < message->rights->nr; i++)
		file_put(message->rights->files[i]);
	kfree(message->rights);
	unix_put(message->sender);
	kfree(message);
}

void unix_free_messages(struct list_head *messages)
{
	struct unix_message *message, *next;

	list_for_each_entry_safe (message, next, messages, node) {
		if (message->rights)
			continue;
		list_del(&message->node);
		free_message(message);
	}
	if (list_empty(messages))
		return;
	spin_lock(&unix_lock);
	list_splice_tail(messages, &doomed);
	if (is_freeing) {
		spin_unlock(&unix_lock);
		return;
	}
	is_freeing = true;
	while (!list_empty(&doomed)) {
		message = list_first_entry(&doomed, struct unix_message, node);
		list_del(&message->node);
		spin_unlock(&unix_lock);
		free_message(message);
		cond_resched();
		spin_lock(&unix_lock);
	}
	is_freeing = false;
	spin_unlock(&unix_lock);
}

/* ---- garbage; unix_lock held ---- */

/* Calls `visit` for each candidate whose file is in a message of one queue. */
static void visit_queue(const struct list_head *queue, struct list_head *list,
			void (*visit)(struct unix_socket *child, struct list_head *list))
{
	struct unix_message *message;

	list_for_each_entry (message, queue, node) {
		const struct unix_rights *rights = message->rights;

		for (u32 i = 0; rights && i < rights->nr; i++)
			if (is_socket(rights->files[i]) &&
			    socket_of(rights->files[i])->found != HELD)
				visit(socket_of(rights->files[i]), list);
	}
}

/* The same of all queues that a socket keeps: its own, and those of connections not accepted. */
static void visit_children(const struct unix_socket *socket, struct list_head *list,
			   void (*visit)(struct unix_socket *child, struct list_head *list))
{
	const struct unix_socket *pending;

	visit_queue(&socket->queue, list, visit);
	list_for_each_entry (pending, &socket->backlog, pending)
		visit_queue(&pending->queue, list, visit);
}

static void take_off(struct unix_socket *child, struct list_head *list)
{
	(void)list;
	child->found--;
}

static void hold(struct unix_socket *socket, struct list_head *held)
{
	socket->found = HELD;
	list_del(&socket->in_flight_node);
	list_add_tail(&socket->in_flight_node, held);
}

/* Leaves in `candidates` the sockets that nothing but messages to each other refers to. */
static void find_garbage(struct list_head *candidates)
{
	struct unix_socket *socket, *next;
	LIST_HEAD(held);

	list_for_each_entry_safe (socket, next, &in_flight, in_flight_node) {
		socket->found = HELD;
		if ((u32)atomic_read(&socket->file->refs) != socket->in_flight)
			continue;
		socket->found = socket->in_flight;
		list_del(&socket->in_flight_node);
		list_add_tail(&socket->in_flight_node, candidates);
	}
	list_for_each_entry (socket, candidates, in_flight_node)
		visit_children(socket, NULL, take_off);
	list_for_each_entry_safe (socket, next, candidates, in_flight_node)
		if (socket->found > 0)
			hold(socket, &held);
	/* Grows while it is gone through. */
	list_for_each_entry (socket, &held, in_flight_node)
		visit_children(socket, &held, hold);
	list_splice_tail(&held, &in_flight);
}

/* Takes what carries files out of a queue. */
static void purge(struct unix_socket *socket, struct list_head *messages)
{
	struct unix_message *message, *next;

	list_for_each_entry_safe (message, next, &socket->queue, node) {
		if (!message->rights)
			continue;
		unix_dequeue(socket, message);
		list_add_tail(&message->node, messages);
	}
}

void unix_collect_garbage(void)
{
	struct unix_socket *pending;
	LIST_HEAD(candidates);
	LIST_HEAD(messages);

	spin_lock(&unix_lock);
	find_garbage(&candidates);
	/* Whose last message goes leaves the list: its queue goes with its file. */
	while (!list_empty(&candidates)) {
		struct unix_socket *socket =
			list_first_entry(&candidates, struct unix_socket, in_flight_node);

		list_del(&socket->in_flight_node);
		list_add_tail(&socket->in_flight_node, &in_flight);
		purge(socket, &messages);
		list_for_each_entry (pending, &socket->backlog, pending)
			purge(pending, &messages);
	}
	spin_unlock(&unix_lock);
	unix_free_messages(&messages);
}
