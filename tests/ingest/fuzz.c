/*
 * libFuzzer target: arbitrary bytes as the streams of a session, read, merged, replayed and loaded into a database in memory.
 * Whatever they are, there is no crash and no failing statement, and sanitizers find nothing.
 *
 * An input is the files of CPU 0, 1, ... with FUZZ_SEPARATOR between them. Half of the mutations are followed by a repair that
 * gives packets and events a legal form again, so that not only the reader's checks are tested but also the replay behind them.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/ingest/fuzz_trace.h"

/* One input is a short trace: longer ones find nothing that a short one does not, only slower. */
#define MAX_CPUS 4

static struct layout *layout;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	layout = fuzz_start();
	return 0;
}

static void open_stream(struct stream *stream, const uint8_t *bytes, size_t size, uint32_t cpu)
{
	char path[32];
	int fd = memfd_create("stream", MFD_CLOEXEC);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	fuzz_demand(stream_open(stream, path, cpu, layout));
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct merge merge = {0};
	const uint8_t *end = data + size;

	while (merge.nr_streams < MAX_CPUS) {
		const uint8_t *stop = fuzz_part_end(data, end);

		open_stream(&merge.streams[merge.nr_streams], data, (size_t)(stop - data),
			    merge.nr_streams);
		merge.nr_streams++;
		if (stop == end)
			break;
		data = stop + FUZZ_SEPARATOR_SIZE;
	}
	fuzz_load(&merge);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	uint8_t *at = data, *end;

	size = LLVMFuzzerMutate(data, size, max_size);
	end = data + size;
	if (seed % 2 == 0)
		return size;
	for (uint32_t cpu = 0; cpu < MAX_CPUS; cpu++) {
		uint8_t *stop = at + (fuzz_part_end(at, end) - at);

		fuzz_repair_stream(at, (size_t)(stop - at), cpu);
		if (stop == end)
			break;
		at = stop + FUZZ_SEPARATOR_SIZE;
	}
	return size;
}
