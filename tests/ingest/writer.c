#include "tests/ingest/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/ingest/check.h"

static void copy_file(const char *from_dir, const char *to_dir, const char *name)
{
	FILE *from = open_in(from_dir, name, "r");
	FILE *to = open_in(to_dir, name, "w");
	char buffer[4096];
	size_t got;

	while ((got = fread(buffer, 1, sizeof(buffer), from)) > 0) {
		if (fwrite(buffer, 1, got, to) != got)
			die("%s/%s: %s", to_dir, name, strerror(errno));
	}
	fclose(from);
	if (fclose(to) != 0)
		die("%s/%s: %s", to_dir, name, strerror(errno));
}

void writer_open(struct writer *w, const char *dir, uint32_t nr_cpus)
{
	char ctf[512], name[16];

	memset(w, 0, sizeof(*w));
	w->nr_cpus = nr_cpus;
	w->packet_size = TRACE_SUBBUF_SIZE;
	w->now = 1000000;
	snprintf(ctf, sizeof(ctf), "%s/ctf", dir);
	if (mkdir(ctf, 0777) != 0 && errno != EEXIST)
		die("%s: %s", ctf, strerror(errno));
	copy_file(contract_dir, ctf, "metadata");
	copy_file(contract_dir, dir, "events.tsv");
	for (uint32_t cpu = 0; cpu < nr_cpus; cpu++) {
		snprintf(name, sizeof(name), "cpu%u", cpu);
		w->cpus[cpu].file = open_in(ctf, name, "w");
		w->cpus[cpu].used = sizeof(struct trace_packet);
		w->cpus[cpu].last_t = w->now;
		writer_flush(w, cpu);
	}
}

void writer_flush(struct writer *w, uint32_t cpu)
{
	struct writer_cpu *c = &w->cpus[cpu];
	struct trace_packet *packet = (struct trace_packet *)c->packet;

	*packet = (struct trace_packet){.magic = TRACE_MAGIC,
					.uuid = TRACE_UUID,
					.stream_instance_id = cpu,
					.timestamp_begin =
						c->used > sizeof(*packet) ? c->first_t : c->last_t,
					.timestamp_end = c->last_t,
					.content_size = c->used * 8,
					.packet_size = c->used * 8,
					.packet_seq_num = c->seq++,
					.events_discarded = c->discarded,
					.emitted = c->received + c->discarded,
					.cpu_id = cpu};
	if (fwrite(c->packet, 1, c->used, c->file) != c->used)
		die("cpu%u: %s", cpu, strerror(errno));
	c->used = sizeof(*packet);
}

/* Applies the fault that a test asked for; false: the event is left out. */
static bool apply_fault(struct writer_fault *fault, uint32_t id, void *payload)
{
	if (fault->id != id || fault->countdown == 0 || --fault->countdown > 0)
		return true;
	fault->hit = true;
	if (!fault->edit)
		return false;
	fault->edit(payload);
	return true;
}

void writer_event(struct writer *w, uint32_t cpu, uint32_t id, const void *payload, uint32_t size)
{
	struct writer_cpu *c = &w->cpus[cpu];
	uint64_t copy[64];

	memcpy(copy, payload, size);
	w->now += 7;
	if (w->muted || !apply_fault(&w->fault, id, copy))
		return;
	if (c->used + 8 + size > w->packet_size)
		writer_flush(w, cpu);
	if (c->used == sizeof(struct trace_packet))
		c->first_t = w->now;
	c->packet[c->used / 8] = (uint64_t)w->now << 16 | id;
	memcpy(&c->packet[c->used / 8 + 1], copy, size);
	c->used += 8 + size;
	c->last_t = w->now;
	c->received++;
	w->nr_events++;
	if (id < TRACE_ID_LIMIT)
		w->count[id]++;
}

void writer_discard(struct writer *w, uint32_t cpu, uint64_t nr)
{
	w->cpus[cpu].discarded += nr;
}

void writer_close(struct writer *w)
{
	for (uint32_t cpu = 0; cpu < w->nr_cpus; cpu++) {
		writer_flush(w, cpu);
		if (fclose(w->cpus[cpu].file) != 0)
			die("cpu%u: %s", cpu, strerror(errno));
	}
}
