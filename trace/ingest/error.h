/*
 * The one error type of the ingester: a function that can fail returns NULL or an error that
 * carries its whole message, one line that names the place (file, byte offset) and what to do about
 * it.
 */
#ifndef INGEST_ERROR_H
#define INGEST_ERROR_H

#include <stddef.h>

/* What an error means for the run; the value is the exit status. */
enum error_kind {
	ERROR_DAMAGE = 1, /* part of the trace is unreadable; the database holds what precedes it */
	ERROR_FATAL = 2,  /* nothing could be written */
};

struct error {
	enum error_kind kind;
	char message[768];
};

/* Never returns NULL: without memory the result is a static "out of memory". */
struct error *error_new(enum error_kind kind, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* NULL is allowed. */
void error_free(struct error *error);

/* Zeroed memory, or one line on stderr and exit(ERROR_FATAL): the model cannot go on without it,
 * and what was written so far is a temporary file that the next run removes. */
void *xcalloc(size_t count, size_t size);
/* The same for growing; the new part is not zeroed. */
void *xrealloc(void *memory, size_t count, size_t size);

#endif
