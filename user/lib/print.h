/*
 * Lines of output in one write(2) each, so that the lines of several processes never mix.
 */
#ifndef USER_LIB_PRINT_H
#define USER_LIB_PRINT_H

/* The longest text that one call prints, its newline included; what is longer is cut. */
#define PRINT_MAX 512

/* Writes formatted text to standard output. A failure to write is ignored: there is nowhere to
 * report it. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
