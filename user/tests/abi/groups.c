/* Groups and sessions, asked about from inside and outside. */
#define _GNU_SOURCE
#include <sys/types.h>
#include <unistd.h>

#include "../abi.h"

static int in_child(void *context)
{
	pid_t parent = *(pid_t *)context;

	SHOW(getppid() == parent);
	SHOW(getpgid(0) == getpgid(parent));
	SHOW(getsid(0) == getsid(parent));
	SHOW(setsid() == getpid());
	SHOW(getsid(0) == getpid());
	SHOW(getpgrp() == getpid());
	SHOW(setsid());
	return 0;
}

int main(void)
{
	pid_t self = getpid();

	SHOW(getpgid(self) == getpgrp());
	SHOW(getpgid(0) == getpgrp());
	SHOW(getpgid(0x7ffffff0));
	SHOW(getpgid(-1));
	SHOW(getsid(self) == getsid(0));
	SHOW(getsid(0x7ffffff0));
	SHOW(getsid(-1));
	show_child("child", in_child, &self);
	return 0;
}
