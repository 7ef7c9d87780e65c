#include "trace/ingest/seal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/trace_abi.h"

#define SEAL_HEAD "file\tpacket\toffset\tbytes\tcrc32c\n"
/* Castagnoli's polynomial, bits reversed. */
#define CRC32C_POLYNOMIAL 0x82f63b78u

/* A part of a stream: a packet, or the rest behind the last one. */
struct part {
	uint32_t cpu;
	bool whole;
	uint64_t number, offset, bytes;
	uint32_t crc;
};

/* What a stream was cut into; the parts follow from the sizes that the packets tell, nothing else in them is looked at. */
struct cutter {
	FILE *file;
	uint32_t cpu;
	uint64_t number, offset;
	uint8_t buffer[TRACE_SUBBUF_SIZE];
};

static uint32_t crc32c(const uint8_t *bytes, size_t size)
{
	static uint32_t table[256];
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; !table[255] && i < 256; i++) {
		uint32_t value = i;

		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? CRC32C_POLYNOMIAL : 0);
		table[i] = value;
	}
	for (size_t i = 0; i < size; i++)
		crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
	return ~crc;
}

static struct error *cannot(const char *path, const char *what)
{
	return error_new(ERROR_FATAL, "%s: cannot be %s: %s", path, what, strerror(errno));
}

/* NULL for the file of a CPU that the machine did not have. */
static FILE *open_stream(const char *session_dir, uint32_t cpu)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/ctf/cpu%u", session_dir, cpu);
	return fopen(path, "re");
}

/* The next part of the stream; false at its end. A part of a wrong size ends the cutting: it is all the rest, checked in
 * pieces of a packet's size at most. */
static bool cut(struct cutter *cutter, struct part *part)
{
	const struct trace_packet *packet = (const struct trace_packet *)cutter->buffer;
	size_t got = fread(cutter->buffer, 1, sizeof(*packet), cutter->file);
	size_t want = sizeof(*packet);

	if (got == 0)
		return false;
	*part = (struct part){
		.cpu = cutter->cpu, .number = cutter->number, .offset = cutter->offset};
	if (got == want && packet->magic == TRACE_MAGIC &&
	    packet->packet_size / 8 >= sizeof(*packet) &&
	    packet->packet_size / 8 <= sizeof(cutter->buffer)) {
		want = packet->packet_size / 8;
		part->whole = true;
	} else {
		want = sizeof(cutter->buffer);
	}
	got += fread(cutter->buffer + got, 1, want - got, cutter->file);
	part->whole = part->whole && got == want;
	part->bytes = got;
	part->crc = crc32c(cutter->buffer, got);
	cutter->offset += got;
	cutter->number++;
	return true;
}

static void write_part(FILE *out, const struct part *part)
{
	fprintf(out, "cpu%u\t", part->cpu);
	if (part->whole)
		fprintf(out, "%" PRIu64, part->number);
	else
		fprintf(out, "-");
	fprintf(out, "\t%" PRIu64 "\t%" PRIu64 "\t%08x\n", part->offset, part->bytes, part->crc);
}

static void write_stream(FILE *out, FILE *file, uint32_t cpu)
{
	static struct cutter cutter;
	struct part part;

	cutter.file = file;
	cutter.cpu = cpu;
	cutter.number = cutter.offset = 0;
	while (cut(&cutter, &part))
		write_part(out, &part);
}

struct error *seal_write(const char *session_dir)
{
	char path[4200], fresh[4200];
	bool written;
	FILE *out;

	snprintf(path, sizeof(path), "%s/packets.tsv", session_dir);
	snprintf(fresh, sizeof(fresh), "%s/.packets.tsv", session_dir);
	out = fopen(fresh, "we");
	if (!out)
		return cannot(fresh, "made");
	fputs(SEAL_HEAD, out);
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++) {
		FILE *file = open_stream(session_dir, cpu);

		if (!file)
			continue;
		write_stream(out, file, cpu);
		fclose(file);
	}
	written = fflush(out) == 0 && fsync(fileno(out)) == 0;
	written = fclose(out) == 0 && written;
	if (!written || rename(fresh, path) != 0)
		return cannot(path, "written");
	return NULL;
}

/* A line of packets.tsv; returns how many parts it gave: 0 or 1, or -1 when it is none. */
static int read_part(FILE *seal, struct part *part)
{
	char line[128], number[24];

	if (!fgets(line, sizeof(line), seal))
		return 0;
	*part = (struct part){0};
	if (sscanf(line, "cpu%u\t%23[0-9-]\t%" SCNu64 "\t%" SCNu64 "\t%x\n", &part->cpu, number,
		   &part->offset, &part->bytes, &part->crc) != 5 ||
	    part->cpu >= TRACE_MAX_CPUS || part->bytes > TRACE_SUBBUF_SIZE)
		return -1;
	part->whole = strcmp(number, "-") != 0;
	part->number = strtoull(number, NULL, 10);
	return 1;
}

/* Whether the stream still holds what the seal says of this part. */
static bool part_is_there(FILE *file, const struct part *part)
{
	static uint8_t buffer[TRACE_SUBBUF_SIZE];

	return file && fseeko(file, (off_t)part->offset, SEEK_SET) == 0 &&
	       fread(buffer, 1, part->bytes, file) == part->bytes &&
	       crc32c(buffer, part->bytes) == part->crc;
}

static void tell(const char *session_dir, const struct part *part)
{
	printf("%s/ctf/cpu%u: ", session_dir, part->cpu);
	if (part->whole)
		printf("packet %" PRIu64, part->number);
	else
		printf("the rest behind the last packet");
	printf(" (bytes %" PRIu64 " to %" PRIu64 ") is not as it was recorded\n", part->offset,
	       part->offset + part->bytes);
}

/* The files, and how much of each the seal covers. */
struct covered {
	FILE *files[TRACE_MAX_CPUS];
	uint64_t bytes[TRACE_MAX_CPUS];
};

static struct error *check_parts(const char *session_dir, FILE *seal, struct covered *covered,
				 uint64_t *nr_wrong)
{
	struct part part;
	int got;

	while ((got = read_part(seal, &part)) == 1) {
		if (!part_is_there(covered->files[part.cpu], &part)) {
			tell(session_dir, &part);
			++*nr_wrong;
		}
		covered->bytes[part.cpu] = part.offset + part.bytes;
	}
	return got < 0 ? error_new(ERROR_DAMAGE, "%s/packets.tsv: is damaged itself", session_dir)
		       : NULL;
}

/* A stream is longer than it was. */
static void check_ends(const char *session_dir, struct covered *covered, uint64_t *nr_wrong)
{
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++) {
		FILE *file = covered->files[cpu];

		if (!file || fseeko(file, 0, SEEK_END) != 0 ||
		    (uint64_t)ftello(file) <= covered->bytes[cpu])
			continue;
		printf("%s/ctf/cpu%u: what lies behind byte %" PRIu64
		       " was not there when it was recorded\n",
		       session_dir, cpu, covered->bytes[cpu]);
		++*nr_wrong;
	}
}

struct error *seal_verify(const char *session_dir)
{
	struct covered covered = {0};
	char path[4200], head[64];
	struct error *error;
	uint64_t nr_wrong = 0;
	FILE *seal;

	snprintf(path, sizeof(path), "%s/packets.tsv", session_dir);
	seal = fopen(path, "re");
	if (!seal)
		return cannot(path, "opened");
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++)
		covered.files[cpu] = open_stream(session_dir, cpu);
	if (!fgets(head, sizeof(head), seal) || strcmp(head, SEAL_HEAD) != 0)
		error = error_new(ERROR_DAMAGE, "%s: is damaged itself", path);
	else
		error = check_parts(session_dir, seal, &covered, &nr_wrong);
	if (!error)
		check_ends(session_dir, &covered, &nr_wrong);
	if (!error && nr_wrong)
		error = error_new(ERROR_DAMAGE,
				  "%s: %" PRIu64 " parts of the trace are not as "
				  "they were recorded",
				  session_dir, nr_wrong);
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++) {
		if (covered.files[cpu])
			fclose(covered.files[cpu]);
	}
	fclose(seal);
	return error;
}
