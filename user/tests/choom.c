/*
 * choom: runs a program with another oom_score_adj, as the tool of that name does on Linux.
 *
 * choom -n VALUE PROGRAM [ARGUMENT...]. Exit status: that of the program; 1 when the value was refused, 2
 * for a wrong command line, 127 without such a program.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "../lib/print.h"

static int adjust(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	return fd < 0 || write(fd, value, strlen(value)) < 0 || close(fd);
}

int main(int argc, char **argv)
{
	if (argc < 4 || strcmp(argv[1], "-n")) {
		print("choom: choom -n VALUE PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	if (adjust(argv[2])) {
		print("choom: %s: %s\n", argv[2], strerror(errno));
		return 1;
	}
	execvp(argv[3], &argv[3]);
	print("choom: %s: %s\n", argv[3], strerror(errno));
	return 127;
}
