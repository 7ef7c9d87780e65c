#include "tests/ingest/rings.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/ingest/check.h"

static FILE *open_cpu(const char *dir, const char *directory, uint32_t cpu, const char *mode)
{
	char name[32];

	snprintf(name, sizeof(name), "%s/cpu%u", directory, cpu);
	return open_in(dir, name, mode);
}

/* Walks the stream: every packet goes to the next sub-buffer, where the last ones remain. */
static uint32_t fill_ring(struct rings *rings, const char *dir, uint32_t cpu, long offsets[])
{
	FILE *file = open_cpu(dir, "ctf", cpu, "r");
	uint32_t nr = 0;

	for (;; nr++) {
		uint64_t *subbuf = rings->memory[cpu][nr % RINGS_SUBBUFS];
		struct trace_packet packet;
		long at = ftell(file);

		if (fread(&packet, sizeof(packet), 1, file) != 1)
			break;
		memset(subbuf, 0, TRACE_SUBBUF_SIZE);
		memcpy(subbuf, &packet, sizeof(packet));
		CHECK(fread((char *)subbuf + sizeof(packet),
			    packet.packet_size / 8 - sizeof(packet), 1, file) <= 1);
		offsets[nr % RINGS_SUBBUFS] = at;
	}
	fclose(file);
	return nr;
}

/* As it is before it is closed. */
static void reopen(struct rings *rings, uint32_t cpu)
{
	struct trace_packet *packet = rings_packet(rings, cpu, 0);
	const struct trace_packet *before = rings_packet(rings, cpu, 1);

	packet->emitted -= before->emitted + packet->events_discarded - before->events_discarded;
	packet->content_size = sizeof(*packet) - packet->packet_size / 8;
	packet->packet_size = packet->timestamp_end = 0;
}

void rings_read(struct rings *rings, const char *dir)
{
	memset(rings, 0, sizeof(*rings));
	rings->descriptor = (struct trace_rings){.magic = TRACE_RINGS_MAGIC,
						 .version = TRACE_RINGS_VERSION,
						 .nr_cpus = RINGS_CPUS,
						 .subbuf_size = TRACE_SUBBUF_SIZE};
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++) {
		long offsets[RINGS_SUBBUFS];
		uint32_t nr = fill_ring(rings, dir, cpu, offsets);

		CHECK(nr >= RINGS_SUBBUFS);
		for (uint32_t back = 0; back < RINGS_SUBBUFS; back++) {
			rings->place[cpu][back] = (nr - 1 - back) % RINGS_SUBBUFS;
			rings->offset[cpu][back] = offsets[rings->place[cpu][back]];
		}
		rings->descriptor.cpu[cpu].memory = 0x100000 * (cpu + 1);
		rings->descriptor.cpu[cpu].subbufs = RINGS_SUBBUFS;
		rings->descriptor.cpu[cpu].discarded =
			rings_packet(rings, cpu, 0)->events_discarded;
		reopen(rings, cpu);
	}
}

long rings_host_bytes(const struct rings *rings, uint32_t cpu)
{
	return rings->offset[cpu][RINGS_SUBBUFS - 2];
}

struct trace_packet *rings_packet(struct rings *rings, uint32_t cpu, uint32_t back)
{
	return (struct trace_packet *)rings->memory[cpu][rings->place[cpu][back]];
}

static void write_file(FILE *file, const void *bytes, size_t size)
{
	if (fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
		die("rings: %s", strerror(errno));
}

void rings_write(const struct rings *rings, const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/rings", dir);
	if (mkdir(path, 0777) != 0 && errno != EEXIST)
		die("%s: %s", path, strerror(errno));
	write_file(open_in(dir, "rings/descriptor", "w"), &rings->descriptor,
		   sizeof(rings->descriptor));
	for (uint32_t cpu = 0; cpu < RINGS_CPUS; cpu++)
		write_file(open_cpu(dir, "rings", cpu, "w"), rings->memory[cpu],
			   sizeof(rings->memory[cpu]));
}
