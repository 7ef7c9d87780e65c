/*
 * What the fuzzers share: the layout of this build, loading streams into a database in memory, and the form that a mutation is
 * given again so that it gets past the first check.
 */
#ifndef TESTS_INGEST_FUZZ_TRACE_H
#define TESTS_INGEST_FUZZ_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "trace/ingest/error.h"
#include "trace/ingest/layout.h"
#include "trace/ingest/merge.h"

/* The separator of an input's parts, and its bytes. */
#define FUZZ_SEPARATOR      "\nNEXTCPU"
#define FUZZ_SEPARATOR_SIZE 8

/* libFuzzer's. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

/* Ends the fuzzer, as a finding, when there is an error. */
void fuzz_demand(struct error *error);
/* Reads the events.tsv of this build, which FUZZ_EVENTS names, and makes the database. */
struct layout *fuzz_start(void);
/* Where the part that begins at `at` ends. */
const uint8_t *fuzz_part_end(const uint8_t *at, const uint8_t *end);
/* Replays and loads the open streams, closes them, and empties the database. */
void fuzz_load(struct merge *merge);
/* Gives the events of a packet known ids and ascending stamps; returns the offset behind the last, and their number. */
size_t fuzz_repair_events(uint8_t *packet, size_t size, uint64_t begin, uint64_t *stamp,
			  uint64_t *count);
/* Makes packets of a stream's bytes; what does not fill one any more stays as it is. */
void fuzz_repair_stream(uint8_t *bytes, size_t size, uint32_t cpu);

#endif
