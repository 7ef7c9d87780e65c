/*
 * Sockets of the family AF_UNIX: streams, datagrams and sequenced packets between processes of this
 * machine.
 *
 *   unix.c        sockets: making, pairing, listening, connecting, closing, polling
 *   unix_name.c   their names: in the file system, and abstract
 *   unix_send.c, unix_receive.c    messages
 *   unix_gc.c     sockets that only messages to each other still refer to
 *
 * What a socket is: a file refers to it, the socket that it is connected to, each of its messages
 * that nobody has received yet, and the table of names.
 *
 * unix_lock (RANK_UNIX) guards the state of all sockets, their queues, and which files are under
 * way in messages. It is held for a few list operations at a time; messages are made, copied and
 * freed outside. One lock for all was chosen over one for each: two sockets at a time, in either
 * order, are what most operations need.
 */
#ifndef FS_UNIX_H
#define FS_UNIX_H

#include "fs/file.h"
#include "fs/iov_iter.h"

#define AF_UNSPEC 0
#define AF_UNIX   1

enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_SEQPACKET = 5 };

/* Flags of messages; Linux's. */
#define MSG_OOB          0x1u
#define MSG_PEEK         0x2u
#define MSG_CTRUNC       0x8u
#define MSG_TRUNC        0x20u
#define MSG_DONTWAIT     0x40u
#define MSG_EOR          0x80u
#define MSG_WAITALL      0x100u
#define MSG_NOSIGNAL     0x4000u
#define MSG_CMSG_CLOEXEC 0x40000000u

#define UNIX_PATH_MAX 108
#define SCM_MAX_FD    253

/* struct sockaddr_un of the ABI, with room for a terminator. */
struct unix_address {
	u16 family;
	char path[UNIX_PATH_MAX + 1];
};
#define UNIX_ADDRESS_MAX (sizeof(u16) + UNIX_PATH_MAX)

/* struct ucred of the ABI. */
struct ucred {
	s32 pid;
	u32 uid, gid;
};

/* What goes with a message beside its bytes. */
struct unix_rights {
	u32 nr;
	struct file *files[SCM_MAX_FD]; /* references */
};

/* What one receiving or sending call is about. */
struct unix_transfer {
	u32 flags;                   /* MSG_* as given */
	bool was_cut;                /* received: the message was larger */
	struct unix_address address; /* of the other side */
	u32 address_size;            /* 0: none */
	struct ucred creds;
	bool has_creds;             /* sent: given by the program; received: asked for */
	struct unix_rights *rights; /* or NULL. Passes to the message; from it to the caller */
};

/* A socket, SOCK_*, as a file with O_* flags. 0, -ENOMEM. */
int unix_create(u32 type, u32 flags, struct file **result);
/* Two that are connected. */
int unix_pair(u32 type, u32 flags, struct file *result[2]);
bool is_socket(const struct file *file);

/* Each of these as the call of that name; the file is a socket. */
int unix_bind(struct file *file, const struct unix_address *address, u32 size);
int unix_listen(struct file *file, s32 backlog);
int unix_connect(struct file *file, const struct unix_address *address, u32 size);
int unix_accept(struct file *file, u32 flags, struct file **result);
int unix_shutdown(struct file *file, u32 how);
long unix_send(struct file *file, struct iov_iter *from, struct unix_transfer *transfer);
long unix_receive(struct file *file, struct iov_iter *to, struct unix_transfer *transfer);

/* Its name, or that of its peer: the size, or -ENOTCONN. */
enum unix_side { UNIX_OWN, UNIX_PEER };
int unix_get_name(struct file *file, enum unix_side side, struct unix_address *address);

/* Options that are numbers; SOL_SOCKET. 0, -ENOPROTOOPT, -EINVAL. */
enum unix_option {
	SO_REUSEADDR = 2,
	SO_TYPE = 3,
	SO_ERROR = 4,
	SO_SNDBUF = 7,
	SO_RCVBUF = 8,
	SO_PASSCRED = 16,
	SO_PEERCRED = 17,
	SO_ACCEPTCONN = 30,
	SO_PROTOCOL = 38,
	SO_DOMAIN = 39,
};
int unix_get_option(struct file *file, u32 option, s32 *value);
int unix_set_option(struct file *file, u32 option, s32 value);
struct ucred unix_peer_creds(struct file *file);

#endif
