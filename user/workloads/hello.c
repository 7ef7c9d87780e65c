/*
 * hello: the smallest program that shows that one runs. Prints a line, then its arguments one a
 * line.
 */
#include <unistd.h>

#include "../lib/print.h"

int main(int argc, char **argv)
{
	print("hello from pid %d\n", getpid());
	for (int i = 1; i < argc; i++)
		print("argument %d %s\n", i, argv[i]);
	return 0;
}
