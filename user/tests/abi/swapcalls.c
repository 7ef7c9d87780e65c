/* What swapon and swapoff refuse. Nothing here names a swap area. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "../abi.h"

int main(void)
{
	char block[8192] = "no header";
	int fd = open("plain", O_CREAT | O_RDWR, 0600);

	if (write(fd, block, sizeof(block)) < 0 || close(fd))
		say("no file");
	SHOW(swapon("", 0));
	SHOW(swapon("missing", 0));
	SHOW(swapon((char *)8, 0));
	SHOW(swapon("missing", 0x100000));
	SHOW(swapon(".", 0));
	SHOW(swapon("/dev/null", 0));
	SHOW(swapon("plain/below", 0));
	SHOW(swapoff(""));
	SHOW(swapoff("missing"));
	SHOW(swapoff((char *)8));
	SHOW(swapoff("plain"));
	SHOW(swapoff("/dev/null"));
	SHOW(swapoff("plain/below"));
	unlink("plain");
	return 0;
}
