/* AF_UNIX: pairs, names, connections, datagrams and packets, what goes with messages, ends. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../abi.h"

static char buffer[65536];
static void *volatile nowhere = (void *)8;

static int events(int fd)
{
	struct pollfd poller = {fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP, 0};

	poll(&poller, 1, 0);
	return poller.revents;
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -errno;
}

static struct sockaddr_un name(const char *text, socklen_t *size)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	strcpy(address.sun_path + (text[0] == '@'), text + (text[0] == '@'));
	*size = offsetof(struct sockaddr_un, sun_path) + strlen(text) + (text[0] != '@');
	return address;
}

static int bind_to(int fd, const char *text)
{
	socklen_t size;
	struct sockaddr_un address = name(text, &size);

	return bind(fd, (struct sockaddr *)&address, size);
}

static int connect_to(int fd, const char *text)
{
	socklen_t size;
	struct sockaddr_un address = name(text, &size);

	return connect(fd, (struct sockaddr *)&address, size);
}

static void show_name(const char *what, int (*call)(int, struct sockaddr *, socklen_t *), int fd)
{
	struct sockaddr_un address = {0};
	socklen_t size = sizeof(address);
	int result = call(fd, (struct sockaddr *)&address, &size);

	if (result != 0)
		say("%s: %s", what, errno_name(errno));
	else
		say("%s: %d %s%s, %u bytes", what, address.sun_family,
		    size > 2 && !address.sun_path[0] ? "@" : "",
		    size > 2 ? address.sun_path + !address.sun_path[0] : "", size);
}

static int own_name(int fd, struct sockaddr *address, socklen_t *size)
{
	return getsockname(fd, address, size);
}

static int peer_name(int fd, struct sockaddr *address, socklen_t *size)
{
	return getpeername(fd, address, size);
}

static void making(void)
{
	int fd;

	SHOW(socket(AF_INET + 40, SOCK_STREAM, 0));
	SHOW(socket(AF_UNIX, 0, 0));
	SHOW(socket(AF_UNIX, SOCK_RDM, 0));
	SHOW(socket(AF_UNIX, SOCK_STREAM, 7));
	SHOW(socket(AF_UNIX, SOCK_STREAM | 0x100, 0));
	SHOW(socketpair(AF_UNIX, 99, 0, (int *)buffer));
	SHOW(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, nowhere));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, AF_UNIX);
	SHOW(fcntl(fd, F_GETFD));
	SHOW(fcntl(fd, F_GETFL));
	SHOW(lseek(fd, 0, SEEK_SET));
	SHOW(events(fd));
	SHOW(option(fd, SO_TYPE));
	SHOW(option(fd, SO_DOMAIN));
	SHOW(option(fd, SO_PROTOCOL));
	SHOW(option(fd, SO_ERROR));
	SHOW(option(fd, SO_ACCEPTCONN));
	SHOW(option(fd, SO_SNDBUF));
	SHOW(option(fd, 12345));
	SHOW(getsockopt(fd, 77, SO_TYPE, buffer, (socklen_t *)(buffer + 8)));
	SHOW(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, buffer, 2));
	SHOW(setsockopt(fd, SOL_SOCKET, 12345, buffer, 4));
	SHOW(read(fd, buffer, 1));
	SHOW(write(fd, "x", 1));
	SHOW(recv(fd, buffer, 1, 0));
	SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
	SHOW(accept(fd, NULL, NULL));
	SHOW(listen(fd, 1));
	SHOW(shutdown(fd, 3));
	SHOW(shutdown(fd, SHUT_RD));
	show_name("own", own_name, fd);
	show_name("peer", peer_name, fd);
	close(fd);
	SHOW(shutdown(0, 0));
	SHOW(shutdown(99, 0));
	SHOW(send(0, "x", 1, 0));
}

static void streams(void)
{
	int pair[2], bytes;

	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	SHOW(events(pair[0]));
	SHOW(write(pair[0], "hello ", 6));
	SHOW(write(pair[0], "world", 5));
	SHOW(ioctl(pair[1], FIONREAD, &bytes));
	SHOW(bytes);
	SHOW(events(pair[1]));
	SHOW(recv(pair[1], buffer, 3, MSG_PEEK));
	SHOW(recv(pair[1], buffer, 8, MSG_PEEK));
	SHOW(memcmp(buffer, "hello wo", 8));
	SHOW(read(pair[1], buffer, 8));
	SHOW(memcmp(buffer, "hello wo", 8));
	SHOW(recv(pair[1], nowhere, 8, 0));
	SHOW(send(pair[1], nowhere, 8, 0));
	SHOW(recv(pair[1], buffer, 8, MSG_DONTWAIT));
	SHOW(recv(pair[1], buffer, 8, MSG_DONTWAIT));
	SHOW(recv(pair[1], buffer, 0, MSG_DONTWAIT));
	SHOW(shutdown(pair[0], SHUT_WR));
	SHOW(events(pair[0]));
	SHOW(events(pair[1]));
	SHOW(read(pair[1], buffer, 8));
	SHOW(send(pair[0], "x", 1, MSG_NOSIGNAL));
	SHOW(write(pair[1], "back", 4));
	SHOW(close(pair[1]));
	SHOW(events(pair[0]));
	SHOW(read(pair[0], buffer, 8));
	SHOW(read(pair[0], buffer, 8));
	close(pair[0]);
	SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	SHOW(write(pair[0], "unread", 6));
	SHOW(close(pair[1]));
	SHOW(events(pair[0]));
	SHOW(option(pair[0], SO_ERROR));
	SHOW(option(pair[0], SO_ERROR));
	SHOW(read(pair[0], buffer, 8));
	close(pair[0]);
}

static int dies_of_sigpipe(void *nothing)
{
	int pair[2];

	(void)nothing;
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	close(pair[1]);
	SHOW(send(pair[0], "x", 1, MSG_NOSIGNAL));
	return write(pair[0], "x", 1) == -1 ? 1 : 2;
}

/* More than fits, in both directions at once. */
static void floods(int type)
{
	int pair[2], status;
	long total = 0;

	say("flood of type %d", type);
	socketpair(AF_UNIX, type, 0, pair);
	pid_t pid = fork();
	if (pid == 0) {
		close(pair[0]);
		for (int i = 0; i < 40; i++) {
			memset(buffer, 'a' + i % 26, 30000);
			if (write(pair[1], buffer, 30000) != 30000)
				_exit(1);
		}
		_exit(0);
	}
	close(pair[1]);
	long got, wrong = 0;
	while ((got = read(pair[0], buffer, sizeof(buffer))) > 0) {
		for (long i = 0; i < got; i++)
			wrong += buffer[i] != 'a' + (total + i) / 30000 % 26;
		total += got;
	}
	SHOW(got);
	SHOW(total);
	SHOW(wrong);
	waitpid(pid, &status, 0);
	show_status("writer", status);
	close(pair[0]);
}

static void fills(int type)
{
	int pair[2];
	long total = 0, sent;

	say("fill of type %d", type);
	socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair);
	while ((sent = send(pair[0], buffer, 1024, 0)) > 0)
		total += sent;
	SHOW(sent);
	SHOW(errno == EAGAIN);
	SHOW(total > 0 && total < 1000000);
	SHOW(events(pair[0]) & POLLOUT);
	while (recv(pair[1], buffer, sizeof(buffer), 0) > 0)
		;
	SHOW(events(pair[0]) & POLLOUT);
	close(pair[0]);
	close(pair[1]);
}

static void packets(int type)
{
	int pair[2], bytes;
	struct iovec part = {buffer, 3};
	struct msghdr msg = {.msg_iov = &part, .msg_iovlen = 1};

	say("packets of type %d", type);
	SHOW(socketpair(AF_UNIX, type, 0, pair));
	SHOW(send(pair[0], "first", 5, 0));
	SHOW(send(pair[0], "", 0, 0));
	SHOW(send(pair[0], "second", 6, 0));
	SHOW(send(pair[0], buffer, 1 << 20, 0));
	SHOW(ioctl(pair[1], FIONREAD, &bytes));
	SHOW(bytes);
	SHOW(recv(pair[1], buffer, 2, MSG_PEEK | MSG_TRUNC));
	SHOW(recvmsg(pair[1], &msg, 0));
	SHOW(msg.msg_flags);
	SHOW(recv(pair[1], buffer, 100, 0));
	SHOW(events(pair[1]));
	SHOW(recv(pair[1], buffer, 100, 0));
	SHOW(events(pair[1]));
	SHOW(recv(pair[1], buffer, 100, MSG_DONTWAIT));
	close(pair[1]);
	SHOW(events(pair[0]));
	SHOW(send(pair[0], "x", 1, MSG_NOSIGNAL));
	SHOW(recv(pair[0], buffer, 100, MSG_DONTWAIT));
	close(pair[0]);
}

static void connections(const char *text, int type)
{
	int listener = socket(AF_UNIX, type, 0), client = socket(AF_UNIX, type, 0), server, other;
	struct stat stat_of;
	struct ucred creds;
	socklen_t size = sizeof(creds);

	say("connections to %s of type %d", text, type);
	SHOW(connect_to(client, text));
	SHOW(bind_to(listener, text));
	SHOW(bind_to(listener, text));
	other = socket(AF_UNIX, type, 0);
	SHOW(bind_to(other, text));
	close(other);
	if (text[0] != '@') {
		SHOW(stat(text, &stat_of));
		SHOW(stat_of.st_mode);
		SHOW(open(text, O_RDWR));
	}
	SHOW(connect_to(client, text));
	SHOW(listen(listener, 0));
	SHOW(option(listener, SO_ACCEPTCONN));
	SHOW(events(listener));
	SHOW(fcntl(listener, F_SETFL, O_NONBLOCK));
	SHOW(accept(listener, NULL, NULL));
	other = socket(AF_UNIX, type == SOCK_STREAM ? SOCK_SEQPACKET : SOCK_STREAM, 0);
	SHOW(connect_to(other, text));
	close(other);
	SHOW(connect_to(client, text));
	other = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
	SHOW(connect_to(other, text));
	close(other);
	SHOW(events(listener));
	SHOW(events(client));
	SHOW(send(client, "early", 5, 0));
	server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	SHOW(connect_to(client, text));
	SHOW(fcntl(server, F_GETFD));
	SHOW(fcntl(server, F_GETFL));
	SHOW(recv(server, buffer, 100, 0));
	show_name("client's own", own_name, client);
	show_name("client's peer", peer_name, client);
	show_name("server's own", own_name, server);
	show_name("server's peer", peer_name, server);
	SHOW(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &creds, &size));
	SHOW(creds.pid == getpid() && creds.uid == getuid() && creds.gid == getgid());
	SHOW(send(server, "late", 4, 0));
	close(server);
	SHOW(recv(client, buffer, 100, 0));
	SHOW(recv(client, buffer, 100, 0));
	SHOW(send(client, "x", 1, MSG_NOSIGNAL));
	close(client);
	client = socket(AF_UNIX, type, 0);
	SHOW(connect_to(client, text));
	close(listener);
	SHOW(events(client));
	SHOW(recv(client, buffer, 100, 0));
	close(client);
	client = socket(AF_UNIX, type, 0);
	SHOW(connect_to(client, text));
	close(client);
	if (text[0] != '@')
		SHOW(unlink(text));
}

static void names(void)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0), file;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	SHOW(bind(fd, (struct sockaddr *)&address, 1));
	SHOW(bind(fd, (struct sockaddr *)&address, 200));
	SHOW(bind(fd, (struct sockaddr *)&address, 111));
	address.sun_family = AF_INET;
	SHOW(bind(fd, (struct sockaddr *)&address, 20));
	SHOW(bind_to(fd, "no/such/directory"));
	SHOW(connect_to(fd, "nothing"));
	file = open("file", O_CREAT | O_RDWR, 0600);
	SHOW(bind_to(fd, "file"));
	SHOW(connect_to(fd, "file"));
	close(file);
	unlink("file");
	address.sun_family = AF_UNIX;
	SHOW(bind(fd, (struct sockaddr *)&address, 2));
	socklen_t size = sizeof(address);
	SHOW(getsockname(fd, (struct sockaddr *)&address, &size));
	SHOW(size);
	SHOW(address.sun_path[0]);
	SHOW(bind_to(fd, "@other"));
	size = 3;
	SHOW(getsockname(fd, (struct sockaddr *)&address, &size));
	SHOW(size);
	size = -1;
	SHOW(getsockname(fd, (struct sockaddr *)&address, &size));
	close(fd);
}

static void datagrams(void)
{
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0),
	    c = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un from = {0}, none = {.sun_family = AF_UNSPEC};
	socklen_t size, to_size;
	struct sockaddr_un to = name("@datagrams b", &to_size);

	SHOW(bind_to(a, "@datagrams a"));
	SHOW(send(a, "x", 1, 0));
	SHOW(sendto(a, "x", 1, 0, (struct sockaddr *)&to, to_size));
	SHOW(bind_to(b, "@datagrams b"));
	SHOW(sendto(a, "named", 5, 0, (struct sockaddr *)&to, to_size));
	SHOW(sendto(c, "unnamed", 7, 0, (struct sockaddr *)&to, to_size));
	size = sizeof(from);
	SHOW(recvfrom(b, buffer, 100, 0, (struct sockaddr *)&from, &size));
	SHOW(size);
	SHOW(strcmp(from.sun_path + 1, "datagrams a"));
	size = sizeof(from);
	SHOW(recvfrom(b, buffer, 100, 0, (struct sockaddr *)&from, &size));
	SHOW(size);
	SHOW(connect_to(a, "@datagrams b"));
	SHOW(connect_to(b, "@datagrams a"));
	SHOW(connect_to(c, "@datagrams b"));
	SHOW(sendto(c, "x", 1, 0, (struct sockaddr *)&to, to_size));
	SHOW(send(a, "connected", 9, 0));
	SHOW(recv(b, buffer, 100, 0));
	show_name("a's peer", peer_name, a);
	SHOW(connect(a, (struct sockaddr *)&none, sizeof(none)));
	show_name("a's peer", peer_name, a);
	SHOW(listen(a, 1));
	SHOW(accept(a, NULL, NULL));
	SHOW(shutdown(b, SHUT_RD));
	SHOW(connect_to(a, "@datagrams b"));
	SHOW(send(a, "x", 1, MSG_NOSIGNAL));
	close(b);
	SHOW(send(a, "x", 1, 0));
	close(a);
	close(c);
}

/* Sends descriptors, with `bytes` bytes. */
static long send_fds(int socket, const int *fds, int nr, size_t bytes)
{
	char control[CMSG_SPACE(300 * sizeof(int))] = {0};
	struct iovec part = {buffer, bytes};
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = CMSG_SPACE(nr * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(nr * sizeof(int));
	memcpy(CMSG_DATA(header), fds, nr * sizeof(int));
	return syscall(SYS_sendmsg, socket, &msg, 0); /* musl takes less than the kernel does */
}

/* Receives, says what came with it, and closes that. */
static void receive_all(int socket, size_t room, size_t bytes, int flags)
{
	char control[512] = {0};
	struct iovec part = {buffer, bytes};
	struct msghdr msg = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room};
	long result = recvmsg(socket, &msg, flags);

	say("received %ld, control %zu, flags %x", result, (size_t)msg.msg_controllen,
	    msg.msg_flags);
	if (result < 0)
		return;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&msg); header;
	     header = CMSG_NXTHDR(&msg, header)) {
		say("  level %d type %d size %zu", header->cmsg_level, header->cmsg_type,
		    (size_t)header->cmsg_len);
		if (header->cmsg_type == SCM_CREDENTIALS && header->cmsg_len == CMSG_LEN(12)) {
			struct ucred creds;

			memcpy(&creds, CMSG_DATA(header), sizeof(creds));
			say("  pid %d uid %d gid %d", creds.pid == getpid(), creds.uid, creds.gid);
		}
		if (header->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; CMSG_LEN((i + 1) * sizeof(int)) <= header->cmsg_len; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
			say("  cloexec %d", fcntl(fd, F_GETFD));
			close(fd);
		}
	}
}

static void rights(int type)
{
	int pair[2], pipe_ends[2], many[300], status;

	say("rights, type %d", type);
	socketpair(AF_UNIX, type, 0, pair);
	pipe(pipe_ends);
	SHOW(send_fds(pair[0], pipe_ends, 2, 4));
	receive_all(pair[1], 512, 10, 0);
	SHOW(send_fds(pair[0], pipe_ends, 2, 4));
	receive_all(pair[1], 512, 10, MSG_CMSG_CLOEXEC);
	SHOW(send_fds(pair[0], pipe_ends, 2, 4));
	receive_all(pair[1], CMSG_LEN(sizeof(int)), 10, 0);
	SHOW(send_fds(pair[0], pipe_ends, 2, 4));
	receive_all(pair[1], 0, 10, 0);
	SHOW(send_fds(pair[0], pipe_ends, 1, 4));
	receive_all(pair[1], 512, 10, MSG_PEEK);
	receive_all(pair[1], 512, 10, 0);
	SHOW(send(pair[0], "ab", 2, 0));
	SHOW(send_fds(pair[0], pipe_ends, 1, 4));
	SHOW(send(pair[0], "cd", 2, 0));
	receive_all(pair[1], 512, 3, 0);
	receive_all(pair[1], 512, 100, MSG_DONTWAIT);
	receive_all(pair[1], 512, 100, MSG_DONTWAIT);
	receive_all(pair[1], 512, 100, MSG_DONTWAIT);
	many[0] = 99;
	SHOW(send_fds(pair[0], many, 1, 1));
	for (int i = 0; i < 300; i++)
		many[i] = pipe_ends[0];
	SHOW(send_fds(pair[0], many, 253, 1));
	SHOW(send_fds(pair[0], many, 254, 1));
	SHOW(read(pair[1], buffer, 1));
	/* The write end goes by a message, and with the message that nobody reads. */
	SHOW(send_fds(pair[0], &pipe_ends[1], 1, 1));
	close(pipe_ends[1]);
	SHOW(events(pipe_ends[0]));
	pid_t pid = fork();
	if (pid == 0) {
		char control[64];
		struct iovec part = {buffer, 1};
		struct msghdr msg = {.msg_iov = &part,
				     .msg_iovlen = 1,
				     .msg_control = control,
				     .msg_controllen = sizeof(control)};
		int fd;

		if (recvmsg(pair[1], &msg, 0) != 1)
			_exit(1);
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
		if (write(fd, "through a message", 17) != 17)
			_exit(2);
		SHOW(send_fds(pair[0], &fd, 1, 1));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	show_status("receiver", status);
	SHOW(read(pipe_ends[0], buffer, 100));
	SHOW(events(pipe_ends[0]));
	close(pair[0]);
	close(pair[1]);
	SHOW(events(pipe_ends[0]));
	close(pipe_ends[0]);
}

static void credentials(void)
{
	int pair[2], on = 1;
	char control[CMSG_SPACE(sizeof(struct ucred))] = {0};
	struct iovec part = {buffer, 1};
	struct msghdr msg = {.msg_iov = &part,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&msg);
	struct ucred creds = {getpid(), 12, 34};

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	SHOW(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
	SHOW(option(pair[1], SO_PASSCRED));
	SHOW(send(pair[0], "x", 1, 0));
	receive_all(pair[1], 512, 1, 0);
	SHOW(send(pair[0], "x", 1, 0));
	receive_all(pair[1], 20, 1, 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_CREDENTIALS;
	header->cmsg_len = CMSG_LEN(sizeof(creds));
	memcpy(CMSG_DATA(header), &creds, sizeof(creds));
	SHOW(sendmsg(pair[0], &msg, 0));
	SHOW(send(pair[0], "y", 1, 0));
	receive_all(pair[1], 512, 10, 0);
	receive_all(pair[1], 512, 10, 0);
	header->cmsg_type = 77;
	SHOW(sendmsg(pair[0], &msg, 0));
	header->cmsg_type = SCM_CREDENTIALS;
	header->cmsg_len = 5;
	SHOW(sendmsg(pair[0], &msg, 0));
	close(pair[0]);
	close(pair[1]);
}

/* Sockets that hold each other, and one that holds itself; a chain that ends at once. */
static void circles(void)
{
	int pipe_ends[2], pair[2];

	pipe(pipe_ends);
	for (int i = 0; i < 50; i++) {
		int a[2], b[2];

		socketpair(AF_UNIX, SOCK_STREAM, 0, a);
		socketpair(AF_UNIX, SOCK_DGRAM, 0, b);
		send_fds(a[0], b, 2, 1);
		send_fds(b[0], a, 2, 1);
		send_fds(a[0], a, 2, 1);
		send_fds(a[1], &pipe_ends[1], 1, 1);
		close(a[0]);
		close(a[1]);
		close(b[0]);
		close(b[1]);
	}
	close(pipe_ends[1]);
	close(socket(AF_UNIX, SOCK_STREAM, 0));
	SHOW(poll(&(struct pollfd){pipe_ends[0], POLLIN, 0}, 1, 10000));
	SHOW(events(pipe_ends[0]));
	close(pipe_ends[0]);

	pipe(pipe_ends);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	send_fds(pair[0], &pipe_ends[1], 1, 1);
	for (int i = 0; i < 3; i++) {
		int next[2];

		socketpair(AF_UNIX, SOCK_STREAM, 0, next);
		send_fds(next[0], pair, 2, 1);
		close(pair[0]);
		close(pair[1]);
		pair[0] = next[0];
		pair[1] = next[1];
	}
	close(pipe_ends[1]);
	SHOW(events(pipe_ends[0]));
	close(pair[0]);
	close(pair[1]);
	SHOW(poll(&(struct pollfd){pipe_ends[0], POLLIN, 0}, 1, 10000));
	SHOW(events(pipe_ends[0]));
	close(pipe_ends[0]);
}

static volatile int handled;
static void handler(int sig)
{
	handled = sig;
}

static int interrupted(void *restart)
{
	int pair[2];
	struct sigaction action = {.sa_handler = handler, .sa_flags = restart ? SA_RESTART : 0};

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	sigaction(SIGALRM, &action, NULL);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0) {
		/* Until the parent sleeps: the signal is sent again and again. */
		while (kill(parent, SIGALRM) == 0 && getppid() == parent) {
			if (restart) {
				usleep(2000);
				break;
			}
			usleep(1000);
		}
		if (restart)
			write(pair[1], "x", 1);
		_exit(0);
	}
	SHOW(read(pair[0], buffer, 1));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return handled == SIGALRM ? 0 : 1;
}

int main(void)
{
	making();
	streams();
	show_child("SIGPIPE", dies_of_sigpipe, NULL);
	floods(SOCK_STREAM);
	fills(SOCK_STREAM);
	fills(SOCK_DGRAM);
	fills(SOCK_SEQPACKET);
	packets(SOCK_DGRAM);
	packets(SOCK_SEQPACKET);
	connections("socket", SOCK_STREAM);
	connections("socket", SOCK_SEQPACKET);
	connections("@palimpsest test", SOCK_STREAM);
	names();
	datagrams();
	rights(SOCK_STREAM);
	rights(SOCK_DGRAM);
	rights(SOCK_SEQPACKET);
	credentials();
	circles();
	show_child("interrupted", interrupted, NULL);
	show_child("restarted", interrupted, buffer);
	return 0;
}
