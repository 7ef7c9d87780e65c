#include "trace/ingest/follow.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

/* A file system that tells nothing (a network's) is looked at this often. */
#define LOOK_MS 100

struct follow {
	int inotify_fd;
};

struct error *follow_start(struct follow **out, const char *ctf_dir)
{
	struct follow *follow = xcalloc(1, sizeof(*follow));

	*out = follow;
	follow->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (follow->inotify_fd < 0 || inotify_add_watch(follow->inotify_fd, ctf_dir, IN_MODIFY) < 0)
		return error_new(ERROR_FATAL, "%s: cannot be watched: %s", ctf_dir,
				 strerror(errno));
	return NULL;
}

bool follow_wait(struct follow *follow)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = follow->inotify_fd, .events = POLLIN}};
	char ignored[4096];

	if (poll(fds, 2, LOOK_MS) < 0)
		return true; /* a signal; the next wait sees what there is */
	if (fds[1].revents)
		while (read(follow->inotify_fd, ignored, sizeof(ignored)) > 0)
			;
	/* What is typed there means nothing; its end does. */
	return !fds[0].revents || read(STDIN_FILENO, ignored, sizeof(ignored)) > 0;
}

void follow_stop(struct follow *follow)
{
	if (!follow)
		return;
	if (follow->inotify_fd >= 0)
		close(follow->inotify_fd);
	free(follow);
}
