/* Private to kernel/fs/unix*.c. See unix.h. */
#ifndef FS_UNIX_INTERNAL_H
#define FS_UNIX_INTERNAL_H

#include "cpu/atomic.h"
#include "fs/poll.h"
#include "fs/unix.h"
#include "lib/list.h"

enum unix_state { UNIX_CLOSED, UNIX_LISTENS, UNIX_CONNECTED };

#define SHUT_RECEIVE 1u
#define SHUT_SEND    2u
#define SHUT_BOTH    3u

/* Of a file as a message carries it: [U] unix_lock, [C] constant once made. */
struct unix_socket {
	atomic_t refs;
	u32 type;              /* [C] SOCK_* */
	enum unix_state state; /* [U] of streams and packets */
	struct file *file;     /* [U] no reference; NULL before accept and after the last close */
	bool is_dead;          /* [U] its file is gone */
	struct unix_socket *peer; /* [U] a reference */
	u32 shutdown;             /* [U] SHUT_* */
	s32 error;                /* [U] for SO_ERROR: positive */
	bool pass_creds;          /* [U] */
	struct ucred creds;       /* [U] who made the connection on this side */
	struct ucred peer_creds;  /* [U] */

	struct list_head queue;    /* [U] messages that it has not received */
	u32 nr_queued;             /* [U] */
	u32 sent_bytes;            /* [U] of its own messages under way, with what they cost */
	u32 send_buffer;           /* [U] limit of that */
	u32 receive_buffer;        /* [U] told, no limit: as on Linux */
	struct rwsem receive_lock; /* RANK_UNIX_RECEIVE: one reader at a time */
	struct wait_queue wait;    /* woken when any of this changes */

	struct list_head backlog; /* [U] of a listener: made by connect, not accepted */
	struct list_head pending; /* [U] in that */
	u32 nr_backlog, max_backlog;

	struct unix_address name; /* [U] set once */
	u32 name_size;            /* [U] 0: none */
	struct path place;        /* [U] of a name in the file system: references; or nothing */
	struct list_head named;   /* [U] in the table of names */

	u32 in_flight;                   /* [U] how often its file is in messages under way */
	u32 found;                       /* [U] while garbage is looked for */
	struct list_head in_flight_node; /* [U] in the list of those */
};

struct unix_message {
	struct list_head node;
	struct unix_socket *sender; /* a reference; its sent_bytes count the message */
	u32 cost;
	u32 size, done; /* bytes, and those that a stream has received; [U] */
	struct ucred creds;
	struct unix_rights *rights;
	u8 data[];
};

extern spinlock_t unix_lock;
/* Of datagrams: who waits for room at any receiver, and of connect: in any backlog. */
extern struct wait_queue unix_room_wait;

#define MAX_DATAGRAMS 10 /* that wait at one socket: then senders do; Linux's default */

static inline struct unix_socket *socket_of(const struct file *file)
{
	return file->private;
}

static inline bool is_connected_type(const struct unix_socket *socket)
{
	return socket->type != SOCK_DGRAM;
}

static inline void unix_get(struct unix_socket *socket)
{
	atomic_inc(&socket->refs);
}
/* The last reference frees it. unix_lock not held. */
void unix_put(struct unix_socket *socket);

struct ucred unix_current_creds(void);

/* The socket of a name, with a reference; an abstract name is of one type. -ECONNREFUSED and what a walk says. May sleep. */
int unix_find(const struct unix_address *address, u32 size, u32 type, struct unix_socket **result);
/* Its name is gone. May sleep. */
void unix_unname(struct unix_socket *socket);

/* Takes a message out of a queue; its bytes count no more. unix_lock held. */
void unix_dequeue(struct unix_socket *socket, struct unix_message *message);
/* Frees messages that are in no queue, and closes what they carry. May sleep. */
void unix_free_messages(struct list_head *messages);

/* Files in a message come under way, or leave it. unix_lock held. */
void unix_rights_queued(const struct unix_rights *rights);
void unix_rights_dequeued(const struct unix_rights *rights);
/* Closes sockets that nothing but messages to such sockets refers to. May sleep. */
void unix_collect_garbage(void);
/* Files of sockets that are under way. */
u32 unix_nr_in_flight(void);
/* Files of any kind that are. */
u64 unix_nr_files(void);

long unix_read(struct file *file, struct iov_iter *to);
long unix_write(struct file *file, struct iov_iter *from);

#endif
