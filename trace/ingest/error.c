#include "trace/ingest/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static struct error out_of_memory = {ERROR_FATAL, "out of memory"};

struct error *error_new(enum error_kind kind, const char *format, ...)
{
	struct error *error = malloc(sizeof(*error));
	va_list args;

	if (!error)
		return &out_of_memory;
	error->kind = kind;
	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);
	return error;
}

void error_free(struct error *error)
{
	if (error != &out_of_memory)
		free(error);
}

static void *or_exit(void *memory, size_t count, size_t size)
{
	if (!memory && count && size) {
		fprintf(stderr, "palimpsest-ingest: out of memory (%zu times %zu bytes)\n", count,
			size);
		exit(ERROR_FATAL);
	}
	return memory;
}

void *xcalloc(size_t count, size_t size)
{
	return or_exit(calloc(count, size), count, size);
}

void *xrealloc(void *memory, size_t count, size_t size)
{
	return or_exit(reallocarray(memory, count, size), count, size);
}
